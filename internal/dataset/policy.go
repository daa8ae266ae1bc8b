package dataset

import (
	"math/rand/v2"

	"github.com/inception-go/inception/internal/settings"
)

// The settings of Augment.Policy.
const (
	PolicyNone    = "none"
	RandAugment   = "randaugment"
	TrivialWide   = "trivialaugment"
	policyBins    = 31  // strengths that are told apart, as in torchvision
	policyOutside = 128 // what comes in from outside the picture
)

// policies are the choices of data.augment.policy.
func policies() []settings.Choice {
	return []settings.Choice{
		{Name: PolicyNone},
		{Name: RandAugment, About: "policy_ops operations of strength policy_magnitude, Cubuk et al. 2019"},
		{Name: TrivialWide, About: "one of any strength, Mueller and Hutter 2021"},
	}
}

// distortion is an operation of a policy, and its greatest magnitude in each.
type distortion struct {
	name          string
	rand, trivial float64
	ofSide        bool // rand is a share of the picture's side
	signed        bool // either direction, by chance
	apply         func(c canvas, magnitude float64)
}

// distortions lists those of both policies, with torchvision's magnitudes.
var distortions = []distortion{
	{"Identity", 0, 0, false, false, func(canvas, float64) {}},
	{"ShearX", 0.3, 0.99, false, true, canvas.shearX},
	{"ShearY", 0.3, 0.99, false, true, canvas.shearY},
	{"TranslateX", 150. / 331, 32, true, true, canvas.translateX},
	{"TranslateY", 150. / 331, 32, true, true, canvas.translateY},
	{"Rotate", 30, 135, false, true, canvas.rotate},
	{"Brightness", 0.9, 0.99, false, true, canvas.brighten},
	{"Color", 0.9, 0.99, false, true, canvas.colour},
	{"Contrast", 0.9, 0.99, false, true, canvas.contrast},
	{"Sharpness", 0.9, 0.99, false, true, canvas.sharpen},
	{"Posterize", 4, 6, false, false, canvas.posterize},
	{"Solarize", 255, 255, false, false, canvas.solarize},
	{"AutoContrast", 0, 0, false, false, canvas.autoContrast},
	{"Equalize", 0, 0, false, false, canvas.equalize},
}

// distort changes pixels, [size][size][3], by the policy.
func (a Augment) distort(pixels []uint8, size int, rng *rand.Rand) {
	c := canvas{pixels, size, policyOutside}
	switch a.Policy {
	case RandAugment:
		for range a.PolicyOps {
			d := distortions[rng.IntN(len(distortions))]
			most := d.rand
			if d.ofSide {
				most *= float64(size)
			}
			d.draw(c, most, a.PolicyMagnitude, rng)
		}
	case TrivialWide:
		d := distortions[rng.IntN(len(distortions))]
		d.draw(c, d.trivial, rng.IntN(policyBins), rng)
	}
}

// draw applies the operation with one of the strengths up to the greatest.
func (d distortion) draw(c canvas, most float64, bin int, rng *rand.Rand) {
	magnitude := most * float64(bin) / (policyBins - 1)
	if d.signed && rng.IntN(2) == 1 {
		magnitude = -magnitude
	}
	d.apply(c, magnitude)
}
