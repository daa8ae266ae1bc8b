package picture

import (
	"fmt"
	"math"
	"slices"
	"sync"
)

// Crops is the number of views of each image whose answers are averaged.
type Crops int

// The numbers of crops. The sides below are for an input of 224 pixels; they
// grow with it.
const (
	// SingleCrop is what Preprocess makes.
	SingleCrop Crops = 1
	// MirroredCrop adds its mirror image.
	MirroredCrop Crops = 2
	// TenCrops are the corners and the centre of the central square of 256,
	// each also mirrored (Krizhevsky et al., "ImageNet classification with deep
	// convolutional neural networks", section 4.1).
	TenCrops Crops = 10
	// TwelveCrops add to those the whole square, resized: what GoogLeNet takes
	// from each square.
	TwelveCrops Crops = 12
	// AllCrops are the twelve of each of three squares (left, centre and right,
	// or top, centre and bottom) at four scales, 256, 288, 320 and 352 (Szegedy
	// et al., "Going deeper with convolutions", section 7).
	AllCrops Crops = 144
)

// Validate returns an error if nobody has defined that number of crops. Two
// crops have a setting of their own.
func (c Crops) Validate() error {
	switch c {
	case SingleCrop, TenCrops, TwelveCrops, AllCrops:
		return nil
	}
	return fmt.Errorf("must be 1, 10, 12 or 144, is %d", c)
}

// Framed reports whether the views are framed as Preprocess frames a picture. The
// others are cut from squares of the picture, whatever its size.
func (c Crops) Framed() bool { return c <= MirroredCrop }

// Describe says in one line how inputs are made.
func (c Crops) Describe(p Preprocess) string {
	switch {
	case c <= SingleCrop:
		return p.String()
	case c == MirroredCrop:
		return p.String() + ", also mirrored"
	}
	var sides []int
	for _, s := range c.squares(p.Size) {
		if len(sides) == 0 || sides[len(sides)-1] != s.side {
			sides = append(sides, s.side)
		}
	}
	return fmt.Sprintf("%d crops of %d from squares of %v, %s, mean %s, std %s (%s)",
		c, p.Size, sides, p.Interpolation, triple(p.Mean), triple(p.Std), p.Name)
}

// square is a part of an image whose shorter side is resized to side: at the
// beginning of the longer side (0), in the middle (0.5) or at the end (1).
type square struct {
	side  int
	along float64
}

// part is a view of a square: a window of the input's size at that share of
// the room there is, or the whole square, resized.
type part struct {
	x, y  float64
	whole bool
}

var parts = []part{{x: 0, y: 0}, {x: 1, y: 0}, {x: 0, y: 1}, {x: 1, y: 1}, {x: 0.5, y: 0.5}, {whole: true}}

// squares returns the squares of an image for inputs of the given size.
func (c Crops) squares(size int) []square {
	scaled := func(side int) int { return int(math.Round(float64(size*side) / 224)) }
	if c != AllCrops {
		return []square{{scaled(256), 0.5}}
	}
	var all []square
	for _, side := range []int{256, 288, 320, 352} {
		for _, along := range []float64{0, 0.5, 1} {
			all = append(all, square{scaled(side), along})
		}
	}
	return all
}

// view returns the place of view i among the squares, and what it is of that
// square. Views of a square follow each other, the mirrored behind the other.
func (c Crops) view(i int) (square int, of part, flip bool) {
	perSquare := int(c) / len(c.squares(1))
	return i / perSquare, parts[i%perSquare/2], i%2 == 1
}

// window returns the square's place in im resized.
func (s square) window(im Image) window {
	to := shorterTo(im, s.side)
	to.x, to.y, to.size = place(to.w-s.side, s.along), place(to.h-s.side, s.along), s.side
	return to
}

// window returns what a part shows of a square of the given side, and how
// large that is.
func (p part) window(side, size int) (x, y, shown int) {
	if p.whole {
		return 0, 0, side
	}
	return place(side-size, p.x), place(side-size, p.y), size
}

// Views cuts the views of one picture. It is safe for concurrent use.
type Views struct {
	Picture    Image
	preprocess Preprocess
	crops      Crops
	squares    []func() Image // each made once, however many views are cut from it
}

// Views returns the c views of im, which p Takes where they are Framed.
func (p Preprocess) Views(im Image, c Crops) *Views {
	v := &Views{Picture: im, preprocess: p, crops: c}
	if c.Framed() {
		return v
	}
	for _, s := range c.squares(p.Size) {
		v.squares = append(v.squares, sync.OnceValue(func() Image {
			var r Resampler
			return Image{W: s.side, H: s.side, Pix: r.resample(im, im.whole(), s.window(im), filters[p.Interpolation])}
		}))
	}
	return v
}

// Cut writes view i to dst, [3][Size][Size].
func (v *Views) Cut(dst []float32, i int, r *Resampler) {
	p := v.preprocess
	if v.crops.Framed() {
		p.Apply(dst, v.Picture, r)
		if i == 1 {
			for row := range slices.Chunk(dst, p.Size) {
				slices.Reverse(row)
			}
		}
		return
	}
	at, of, flip := v.crops.view(i)
	im := v.squares[at]()
	if of.whole {
		p.Normalise(dst, r.Resample(im, im.whole(), p.Size, p.Interpolation), flip)
		return
	}
	x, y, _ := of.window(im.W, p.Size)
	r.out = grown(r.out, 3*p.Size*p.Size)
	for row := range p.Size {
		copy(r.out[3*row*p.Size:][:3*p.Size], im.Pix[3*((y+row)*im.W+x):])
	}
	p.Normalise(dst, r.out, flip)
}
