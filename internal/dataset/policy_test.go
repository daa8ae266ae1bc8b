package dataset

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/inception-go/inception/internal/picture"
)

// torchvision is testdata/policies.json, written by testdata/policies.py.
type torchvision struct {
	Size          int
	Pictures      map[string][]byte
	Rand, Trivial map[string]float64 // magnitudes of strength 9 and 30
	Cases         []struct {
		Picture, Op string
		Magnitude   float64
		Pixels      []byte
	}
}

func readTorchvision(t *testing.T) (tv torchvision) {
	t.Helper()
	text, err := os.ReadFile("testdata/policies.json")
	if err == nil {
		err = json.Unmarshal(text, &tv)
	}
	if err != nil {
		t.Fatal(err)
	}
	return tv
}

// theirs returns a magnitude as torchvision counts it.
func theirs(op string, magnitude float64) float64 {
	switch op {
	case "Posterize":
		return 8 - math.Round(magnitude)
	case "Solarize":
		return 255 - magnitude
	}
	return magnitude
}

func TestDistortionsAreTorchvisions(t *testing.T) {
	tv := readTorchvision(t)
	seen := map[string]int{}
	for _, c := range tv.Cases {
		i := slices.IndexFunc(distortions, func(d distortion) bool { return d.name == c.Op })
		if i < 0 {
			t.Fatalf("no distortion is called %s", c.Op)
		}
		got := canvas{bytes.Clone(tv.Pictures[c.Picture]), tv.Size, policyOutside}
		distortions[i].apply(got, theirs(c.Op, c.Magnitude)) // which is its own inverse
		for k, v := range c.Pixels {
			if got.pix[k] != v {
				t.Errorf("%s of %g, %s: value %d is %d, torchvision's is %d", c.Op, c.Magnitude, c.Picture, k, got.pix[k], v)
				break
			}
		}
		seen[c.Op]++
	}
	if len(seen) != len(distortions) {
		t.Errorf("compared %d of %d distortions", len(seen), len(distortions))
	}
}

func TestMagnitudesAreTorchvisions(t *testing.T) {
	tv := readTorchvision(t)
	for _, d := range distortions {
		most := d.rand
		if d.ofSide {
			most *= float64(tv.Size)
		}
		for policy, magnitudes := range map[string][2]float64{
			RandAugment: {theirs(d.name, most*9/30), tv.Rand[d.name]},
			TrivialWide: {theirs(d.name, d.trivial), tv.Trivial[d.name]},
		} {
			if d.rand > 0 && math.Abs(magnitudes[0]-magnitudes[1]) > 1e-5 {
				t.Errorf("%s in %s: magnitude %g, torchvision's is %g", d.name, policy, magnitudes[0], magnitudes[1])
			}
		}
	}
}

// With a policy, images change; without one, what is drawn for them is what it
// was before there were policies.
func TestPoliciesChangeImagesAndNothingElse(t *testing.T) {
	im := picture.Image{W: 11, H: 11, Pix: readTorchvision(t).Pictures["noise"]}
	p := picture.TorchvisionPreprocess(11)
	plain := Augment{Scale: [2]float64{1, 1}, Ratio: [2]float64{1, 1}}
	view := func(a Augment, index int) []float32 {
		var r picture.Resampler
		dst := make([]float32, 3*11*11)
		a.augment(dst, im, p, random(1, 0, index), &r)
		return dst
	}
	for _, a := range []Augment{{Policy: RandAugment, PolicyOps: 2, PolicyMagnitude: 9}, {Policy: TrivialWide}} {
		a.Scale, a.Ratio = plain.Scale, plain.Ratio
		changed := 0
		for i := range 200 {
			once := view(a, i)
			if !slices.Equal(once, view(a, i)) {
				t.Fatal("the same choices give other pixels")
			}
			if !slices.Equal(once, view(plain, i)) {
				changed++
			}
		}
		if changed < 120 || changed == 200 {
			t.Errorf("%s changes %d of 200 images", a.Policy, changed)
		}
	}
	if im.Pix[0] != readTorchvision(t).Pictures["noise"][0] {
		t.Error("the picture itself was changed")
	}
}

// In turns, an image is flipped in every second epoch, and half of all in each.
func TestFlipsTakeTurns(t *testing.T) {
	a := Augment{HFlip: 0.3, Turns: true}
	flipped := 0
	for image := range 1000 {
		for epoch := range 4 {
			now, next := a.at(7, epoch, image).HFlip, a.at(7, epoch+1, image).HFlip
			if now+next != 1 || now != 0 && now != 1 {
				t.Fatalf("image %d is flipped with %g, then %g", image, now, next)
			}
		}
		flipped += int(a.at(7, 0, image).HFlip)
	}
	if flipped < 420 || flipped > 580 {
		t.Errorf("%d of 1000 images begin flipped", flipped)
	}
	if a.Turns = false; a.at(7, 1, 1) != a {
		t.Error("without turns the augmentation changes from epoch to epoch")
	}
}
