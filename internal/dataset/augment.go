package dataset

import (
	"math"
	"math/rand/v2"

	"github.com/inception-go/inception/internal/picture"
)

// random returns the source of the choices for one image.
func random(seed uint64, epoch, index int) *rand.Rand {
	return rand.New(rand.NewPCG(seed^0x9e3779b97f4a7c15*uint64(epoch+1), uint64(index)))
}

// augment writes a random view of im to dst, [3][size][size]: a crop of random
// area and shape (Szegedy et al., "Going deeper with convolutions", section
// 6), distortions, a flip, changed colours, a shift and an erased part; what a shift
// lets in and what is erased is of the middle colour.
func (a Augment) augment(dst []float32, im picture.Image, p picture.Preprocess, rng *rand.Rand, r *picture.Resampler) {
	pixels := r.Resample(im, a.crop(im, rng), p.Size, p.Interpolation)
	a.distort(pixels, p.Size, rng)
	flip := rng.Float64() < a.HFlip
	if a.Color > 0 {
		a.recolor(pixels, rng)
	}
	p.Normalise(dst, pixels, flip)
	// What is off takes no choice from rng, so that it changes no other.
	if a.Pad > 0 {
		pad := min(a.Pad, p.Size)
		shift(dst, p.Size, rng.IntN(2*pad+1)-pad, rng.IntN(2*pad+1)-pad, p.Middle())
	}
	if a.Erase > 0 && rng.Float64() < a.Erase {
		erase(dst, p.Size, rng, p.Middle())
	}
}

// at returns the augmentation of an image in an epoch. In turns, it is flipped in
// every second one (Jordan, "94% on CIFAR-10 in 3.29 Seconds on a Single GPU",
// arXiv 2404.00498, section 3.6), so that two epochs show both sides of all.
func (a Augment) at(seed uint64, epoch, index int) Augment {
	if a.Turns {
		const stream = 0xa0761d6478bd642f // other choices than those for an epoch
		first := rand.New(rand.NewPCG(seed^stream, uint64(index))).IntN(2)
		a.HFlip = float64((first + epoch) % 2)
	}
	return a
}

// crop chooses a part of the image as torchvision's RandomResizedCrop does: ten
// attempts, then the largest central part that ratio allows.
func (a Augment) crop(im picture.Image, rng *rand.Rand) picture.Box {
	w, h := float64(im.W), float64(im.H)
	for range 10 {
		area := w * h * between(rng, a.Scale)
		ratio := math.Exp(between(rng, [2]float64{math.Log(a.Ratio[0]), math.Log(a.Ratio[1])}))
		cw, ch := math.Round(math.Sqrt(area*ratio)), math.Round(math.Sqrt(area/ratio))
		if cw >= 1 && ch >= 1 && cw <= w && ch <= h {
			x, y := rng.IntN(im.W-int(cw)+1), rng.IntN(im.H-int(ch)+1)
			return picture.Box{X: float64(x), Y: float64(y), W: cw, H: ch}
		}
	}
	cw, ch := w, h
	if w/h < a.Ratio[0] {
		ch = max(1, math.Round(w/a.Ratio[0]))
	} else if w/h > a.Ratio[1] {
		cw = max(1, math.Round(h*a.Ratio[1]))
	}
	return picture.Box{X: math.Floor((w - cw) / 2), Y: math.Floor((h - ch) / 2), W: cw, H: ch}
}

func between(rng *rand.Rand, v [2]float64) float64 { return v[0] + (v[1]-v[0])*rng.Float64() }

// recolor changes brightness by up to 32/255, saturation and contrast by
// factors of 0.5 to 1.5 and hue by up to a fifth of the circle, each times
// Color: the strengths of the released code. The order is any of the 24, drawn
// for each image, which that code's comment calls the ideal; itself it has two
// (research/inception, by the reading thread) or four (research/slim, drawn).
func (a Augment) recolor(pixels []uint8, rng *rand.Rand) {
	strength := float32(a.Color)
	sym := func() float32 { return strength * (2*rng.Float32() - 1) }
	brightness, saturation, hue, contrast := sym()*32/255, max(0, 1+sym()/2), sym()*0.2, max(0, 1+sym()/2)
	order := rng.Perm(4)

	values := make([]float32, len(pixels))
	for i, v := range pixels {
		values[i] = float32(v) / 255
	}
	for _, change := range order {
		switch change {
		case 0:
			for i := range values {
				values[i] += brightness
			}
		case 1:
			saturate(values, saturation)
		case 2:
			rotateHue(values, hue)
		case 3:
			stretchContrast(values, contrast)
		}
	}
	for i, v := range values {
		pixels[i] = uint8(max(0, min(255, v*255+0.5)))
	}
}

// saturate moves each pixel away from its grey by a factor.
func saturate(values []float32, factor float32) {
	for i := 0; i+3 <= len(values); i += 3 {
		p := values[i : i+3 : i+3]
		grey := 0.299*p[0] + 0.587*p[1] + 0.114*p[2]
		for c := range p {
			p[c] = grey + factor*(p[c]-grey)
		}
	}
}

// rotateHue turns the colours around the grey axis of the YIQ space by a share
// of the circle, which keeps each pixel's luminance.
func rotateHue(values []float32, share float32) {
	sin, cos := math.Sincos(2 * math.Pi * float64(share))
	s, c := float32(sin), float32(cos)
	for k := 0; k+3 <= len(values); k += 3 {
		p := values[k : k+3 : k+3]
		y := 0.299*p[0] + 0.587*p[1] + 0.114*p[2]
		i := 0.595716*p[0] - 0.274453*p[1] - 0.321263*p[2]
		q := 0.211456*p[0] - 0.522591*p[1] + 0.311135*p[2]
		i, q = c*i-s*q, s*i+c*q
		p[0] = y + 0.9563*i + 0.6210*q
		p[1] = y - 0.2721*i - 0.6474*q
		p[2] = y - 1.1070*i + 1.7046*q
	}
}

// stretchContrast moves each channel away from its mean by a factor.
func stretchContrast(values []float32, factor float32) {
	var mean [3]float32
	for i, v := range values {
		mean[i%3] += v
	}
	for c := range mean {
		mean[c] /= float32(len(values) / 3)
	}
	for i := range values {
		m := mean[i%3]
		values[i] = m + factor*(values[i]-m)
	}
}

// shift moves planes of size x size to the right and down; each plane's fill
// comes in.
func shift(planes []float32, size, right, down int, fill [3]float32) {
	moved := make([]float32, size*size)
	for c := range fill {
		planes := planes[c*size*size:][:size*size]
		paint(moved, fill[c])
		for y := max(0, down); y < min(size, size+down); y++ {
			from := planes[(y-down)*size : (y-down+1)*size]
			copy(moved[y*size+max(0, right):(y+1)*size], from[max(0, -right):])
		}
		copy(planes, moved)
	}
}

// erase fills a rectangle: 2% to 33% of the area, 0.3 to 3.3 times as
// wide as high, as torchvision's RandomErasing does (Zhong et al., "Random
// Erasing Data Augmentation", arXiv 1708.04896).
func erase(planes []float32, size int, rng *rand.Rand, fill [3]float32) {
	for range 10 {
		area := float64(size*size) * between(rng, [2]float64{0.02, 0.33})
		ratio := math.Exp(between(rng, [2]float64{math.Log(0.3), math.Log(3.3)}))
		w, h := int(math.Round(math.Sqrt(area*ratio))), int(math.Round(math.Sqrt(area/ratio)))
		if w < 1 || h < 1 || w >= size || h >= size {
			continue
		}
		left, top := rng.IntN(size-w+1), rng.IntN(size-h+1)
		for c := range fill {
			for y := top; y < top+h; y++ {
				row := planes[(c*size+y)*size:][:size]
				paint(row[left:left+w], fill[c])
			}
		}
		return
	}
}

func paint(values []float32, colour float32) {
	for i := range values {
		values[i] = colour
	}
}
