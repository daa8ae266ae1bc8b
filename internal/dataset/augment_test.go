package dataset

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/inception-go/inception/internal/picture"
)

// numbered is planes of size x size whose values are all different and not 0.
func numbered(planes, size int) []float32 {
	values := make([]float32, planes*size*size)
	for i := range values {
		values[i] = float32(i + 1)
	}
	return values
}

func TestShiftMovesEveryPlaneAndLetsZerosIn(t *testing.T) {
	const size = 5
	before := numbered(3, size)
	for right := -size; right <= size; right++ {
		for down := -size; down <= size; down++ {
			after := slices.Clone(before)
			shift(after, size, right, down, [3]float32{})
			for c := range 3 {
				for y := range size {
					for x := range size {
						want := float32(0)
						if fx, fy := x-right, y-down; fx >= 0 && fx < size && fy >= 0 && fy < size {
							want = before[(c*size+fy)*size+fx]
						}
						if got := after[(c*size+y)*size+x]; got != want {
							t.Fatalf("by %d, %d: plane %d, row %d, column %d is %g, want %g", right, down, c, y, x, got, want)
						}
					}
				}
			}
		}
	}
}

func TestShiftsTakeEveryPlaceUpToPad(t *testing.T) {
	im := picture.New(6, 6)
	for i := range im.Pix {
		im.Pix[i] = 255
	}
	p := picture.TorchvisionPreprocess(6)
	a := Augment{Scale: [2]float64{1, 1}, Ratio: [2]float64{1, 1}, Pad: 2}
	var r picture.Resampler
	seen := map[[2]int]int{}
	for i := range 2000 {
		dst := make([]float32, 3*36)
		a.augment(dst, im, p, random(1, 0, i), &r)
		for right := -3; right <= 3; right++ {
			for down := -3; down <= 3; down++ {
				moved := slices.Repeat([]float32{1}, 3*36)
				shift(moved, 6, right, down, [3]float32{})
				if slices.Equal(moved, dst) {
					seen[[2]int{right, down}]++
				}
			}
		}
	}
	if len(seen) != 25 {
		t.Fatalf("%d different shifts, want 5 times 5: %v", len(seen), seen)
	}
	for by, n := range seen {
		if n < 40 || n > 130 {
			t.Errorf("a shift by %v comes %d times in 2000, want some 80", by, n)
		}
	}
}

func TestErasingSetsOneRectangleToZero(t *testing.T) {
	const size = 24
	for i := range 300 {
		values := numbered(3, size)
		erase(values, size, rand.New(rand.NewPCG(3, uint64(i))), [3]float32{})
		left, right, top, bottom, zeros := size, -1, size, -1, 0
		for y := range size {
			for x := range size {
				if values[y*size+x] == 0 {
					left, right, top, bottom, zeros = min(left, x), max(right, x), min(top, y), max(bottom, y), zeros+1
				}
				for c := 1; c < 3; c++ {
					if (values[(c*size+y)*size+x] == 0) != (values[y*size+x] == 0) {
						t.Fatalf("the planes are erased in different places")
					}
				}
			}
		}
		w, h := right-left+1, bottom-top+1
		if zeros != w*h || zeros == 0 {
			t.Fatalf("%d zeros in a box of %dx%d", zeros, w, h)
		}
		if share := float64(zeros) / size / size; share < 0.01 || share > 0.37 {
			t.Errorf("erased %.2f of the area", share)
		}
	}
}

// Whatever the scale of the input: padding and erased parts are neither black
// nor white.
func TestShiftsAndErasingLeaveTheMiddleColour(t *testing.T) {
	im := picture.New(8, 8)
	for i := range im.Pix {
		im.Pix[i] = 255
	}
	for preprocess, want := range map[string][3]float32{
		"torchvision": {}, "inception": {}, "imagenet": {}, "unit": {0.5, 0.5, 0.5},
		"1/255,0": {0.5, 0.5, 0.5}, "1,0": {127.5, 127.5, 127.5}, "1/127.5,-1": {}, "-1/255,1": {0.5, 0.5, 0.5}, "1/64,-1": {0.9921875, 0.9921875, 0.9921875},
	} {
		p, err := picture.NamedPreprocess(preprocess, 8)
		if err != nil {
			t.Fatal(err)
		}
		for name, a := range map[string]Augment{"a shift": {Pad: 8}, "erasing": {Erase: 1}} {
			a.Scale, a.Ratio = [2]float64{1, 1}, [2]float64{1, 1}
			a.HFlip = 0
			var white [192]float32
			var r picture.Resampler
			p.Normalise(white[:], im.Pix, false)
			filled := 0
			for i := range 20 {
				dst := make([]float32, 3*64)
				a.augment(dst, im, p, random(1, 0, i), &r)
				for j, v := range dst {
					if v == white[j] {
						continue
					}
					filled++
					if d := v - want[j/64]; d > 1e-6 || d < -1e-6 {
						t.Fatalf("%s of %s leaves %g in plane %d, want %g", name, preprocess, v, j/64, want[j/64])
					}
				}
			}
			if filled == 0 {
				t.Errorf("%s of %s leaves nothing", name, preprocess)
			}
		}
	}
}

func TestErasingComesAsOftenAsAskedForAndFollowsFromTheSeed(t *testing.T) {
	im := picture.New(16, 16)
	for i := range im.Pix {
		im.Pix[i] = 255
	}
	p := picture.TorchvisionPreprocess(16)
	a := Augment{Scale: [2]float64{1, 1}, Ratio: [2]float64{1, 1}, Erase: 0.25, Pad: 1}
	var r picture.Resampler
	view := func(seed uint64, i int) []float32 {
		dst := make([]float32, 3*256)
		a.augment(dst, im, p, random(seed, 0, i), &r)
		return dst
	}
	erased := 0
	for i := range 1000 {
		v := view(1, i)
		if zerosInside(v) {
			erased++
		}
		if !slices.Equal(v, view(1, i)) {
			t.Fatal("the same seed gives another view")
		}
	}
	if erased < 200 || erased > 300 {
		t.Errorf("%d of 1000 are erased, want some 250", erased)
	}
	if slices.Equal(view(1, 3), view(2, 3)) && slices.Equal(view(1, 4), view(2, 4)) && slices.Equal(view(1, 5), view(2, 5)) {
		t.Error("another seed gives the same views")
	}
}

// zerosInside reports zeros that no shift by one pixel explains.
func zerosInside(plane []float32) bool {
	for y := 1; y < 15; y++ {
		if slices.Contains(plane[y*16+1:y*16+15], 0) {
			return true
		}
	}
	return false
}

// What is off must not change the choices of what is on: runs of before stay
// the same, bit for bit.
func TestShiftAndErasingTakeNoChoiceFromTheOthers(t *testing.T) {
	im := picture.New(20, 14)
	for i := range im.Pix {
		im.Pix[i] = uint8(7*i%250 + 3)
	}
	p := picture.TorchvisionPreprocess(8)
	a := Augment{Scale: [2]float64{0.3, 1}, Ratio: [2]float64{0.8, 1.25}, HFlip: 0.5, Color: 1}
	b := a
	b.Pad = 1
	var r picture.Resampler
	for i := range 50 {
		plain, shifted := make([]float32, 3*64), make([]float32, 3*64)
		a.augment(plain, im, p, random(9, 1, i), &r)
		b.augment(shifted, im, p, random(9, 1, i), &r)
		same := false
		for right := -1; right <= 1; right++ {
			for down := -1; down <= 1; down++ {
				moved := slices.Clone(plain)
				shift(moved, 8, right, down, [3]float32{})
				same = same || slices.Equal(moved, shifted)
			}
		}
		if !same {
			t.Fatalf("view %d is no shift of the view without one", i)
		}
	}
}

func TestCropsLieInTheImageAndKeepTheirLimits(t *testing.T) {
	a := Augment{Scale: [2]float64{0.1, 0.5}, Ratio: [2]float64{0.5, 2}}
	for i := range 500 {
		im := picture.Image{W: 5 + i%60, H: 5 + i*7%60}
		b := a.crop(im, random(1, 2, i))
		if b.X < 0 || b.Y < 0 || b.W < 1 || b.H < 1 || b.X+b.W > float64(im.W) || b.Y+b.H > float64(im.H) {
			t.Fatalf("%dx%d: crop %+v", im.W, im.H, b)
		}
	}
	whole := Augment{Scale: [2]float64{1, 1}, Ratio: [2]float64{1, 1}}.crop(picture.Image{W: 30, H: 20}, random(1, 1, 1))
	if whole != (picture.Box{X: 5, Y: 0, W: 20, H: 20}) {
		t.Errorf("without random choices the crop is %+v, want the central square", whole)
	}
}

func TestColourChangesKeepGreyGrey(t *testing.T) {
	im := picture.New(8, 8)
	for i := range im.Pix {
		im.Pix[i] = uint8(i / 3 * 3)
	}
	changed := false
	for i := range 20 {
		pixels := append([]uint8{}, im.Pix...)
		Augment{Color: 1}.recolor(pixels, random(5, 0, i))
		for j := 0; j < len(pixels); j += 3 {
			low, high := min(pixels[j], pixels[j+1], pixels[j+2]), max(pixels[j], pixels[j+1], pixels[j+2])
			if high-low > 2 {
				t.Fatalf("grey became %v", pixels[j:j+3])
			}
			changed = changed || pixels[j] != im.Pix[j]
		}
	}
	if !changed {
		t.Error("nothing changed")
	}
}

func TestCropsAreNeverEmptyWhateverTheRatio(t *testing.T) {
	for _, ratio := range [][2]float64{{100, 100}, {0.01, 0.01}, {0.01, 100}} {
		a := Augment{Scale: [2]float64{1e-4, 1}, Ratio: ratio}
		if err := a.validate(); err != nil {
			t.Fatal(err)
		}
		for i := range 300 {
			im := picture.Image{W: 1 + i%23, H: 1 + i*5%19}
			b := a.crop(im, random(1, 0, i))
			if b.X < 0 || b.Y < 0 || b.W < 1 || b.H < 1 || b.X+b.W > float64(im.W) || b.Y+b.H > float64(im.H) {
				t.Fatalf("ratio %v of %dx%d: crop %+v", ratio, im.W, im.H, b)
			}
		}
	}
}

func TestFlipsComeAsOftenAsAskedFor(t *testing.T) {
	im := picture.New(8, 8) // white on the left
	for i := range im.Pix {
		if i/3%8 < 4 {
			im.Pix[i] = 255
		}
	}
	p, err := picture.NamedPreprocess("unit", 8)
	if err != nil {
		t.Fatal(err)
	}
	dst := make([]float32, 3*8*8)
	var r picture.Resampler
	for _, c := range []struct {
		hflip     float64
		low, high int
	}{{0, 0, 0}, {1, 200, 200}, {0.5, 70, 130}} {
		a := Augment{Scale: [2]float64{1, 1}, Ratio: [2]float64{1, 1}, HFlip: c.hflip}
		flips := 0
		for i := range 200 {
			if a.augment(dst, im, p, random(1, 0, i), &r); dst[0] == 0 {
				flips++
			}
		}
		if flips < c.low || flips > c.high {
			t.Errorf("hflip %g: %d of 200 are flipped", c.hflip, flips)
		}
	}
}
