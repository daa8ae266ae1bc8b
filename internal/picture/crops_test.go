package picture

import (
	"slices"
	"testing"
)

// shown is the rectangle of the resized image that a view shows.
type shown struct {
	w, h       int // the image resized
	x, y, side int
	flip       bool
}

func viewsOf(c Crops, im Image, size int) []shown {
	var all []shown
	squares := c.squares(size)
	for i := range int(c) {
		at, of, flip := c.view(i)
		w := squares[at].window(im)
		x, y, side := of.window(squares[at].side, size)
		all = append(all, shown{w.w, w.h, w.x + x, w.y + y, side, flip})
	}
	return all
}

// mirrored lists each rectangle plain and mirrored.
func mirrored(w, h int, rectangles ...[3]int) []shown {
	var all []shown
	for _, r := range rectangles {
		all = append(all, shown{w, h, r[0], r[1], r[2], false}, shown{w, h, r[0], r[1], r[2], true})
	}
	return all
}

func TestTenAndTwelveCropsAreThoseOfTheCentralSquare(t *testing.T) {
	for name, c := range map[string]struct {
		w, h, size int
		want       []shown
	}{
		"landscape": {500, 375, 224, mirrored(341, 256, [3]int{42, 0, 224}, [3]int{74, 0, 224}, [3]int{42, 32, 224}, [3]int{74, 32, 224}, [3]int{58, 16, 224}, [3]int{42, 0, 256})},
		"portrait":  {375, 500, 224, mirrored(256, 341, [3]int{0, 42, 224}, [3]int{32, 42, 224}, [3]int{0, 74, 224}, [3]int{32, 74, 224}, [3]int{16, 58, 224}, [3]int{0, 42, 256})},
		"square":    {64, 64, 299, mirrored(342, 342, [3]int{0, 0, 299}, [3]int{43, 0, 299}, [3]int{0, 43, 299}, [3]int{43, 43, 299}, [3]int{22, 22, 299}, [3]int{0, 0, 342})},
	} {
		im := New(c.w, c.h)
		if got := viewsOf(TwelveCrops, im, c.size); !slices.Equal(got, c.want) {
			t.Errorf("%s, 12 crops: %v\nwant %v", name, got, c.want)
		}
		if got := viewsOf(TenCrops, im, c.size); !slices.Equal(got, c.want[:10]) {
			t.Errorf("%s, 10 crops: %v\nwant %v", name, got, c.want[:10])
		}
	}
}

func TestAllCropsAreGoogLeNets(t *testing.T) {
	scales := []int{256, 288, 320, 352}
	for name, c := range map[string]struct {
		w, h   int
		longer []int    // side of the resized image, by scale
		begin  [][3]int // of the three squares along that side, by scale
	}{
		"landscape": {500, 375, []int{341, 384, 426, 469}, [][3]int{{0, 42, 85}, {0, 48, 96}, {0, 53, 106}, {0, 58, 117}}},
		"portrait":  {300, 600, []int{512, 576, 640, 704}, [][3]int{{0, 128, 256}, {0, 144, 288}, {0, 160, 320}, {0, 176, 352}}},
		"square":    {80, 80, scales, [][3]int{{}, {}, {}, {}}},
	} {
		var want []shown
		for i, side := range scales {
			for _, at := range c.begin[i] {
				w, h, x, y := c.longer[i], side, at, 0
				if c.h > c.w {
					w, h, x, y = side, c.longer[i], 0, at
				}
				room := side - 224
				want = append(want, mirrored(w, h, [3]int{x, y, 224}, [3]int{x + room, y, 224}, [3]int{x, y + room, 224}, [3]int{x + room, y + room, 224},
					[3]int{x + room/2, y + room/2, 224}, [3]int{x, y, side})...)
			}
		}
		got := viewsOf(AllCrops, New(c.w, c.h), 224)
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v\nwant %v", name, got, want)
		}
		if len(got) != 144 {
			t.Errorf("%s: %d views", name, len(got))
		}
	}
}

func TestScalesGrowWithTheInput(t *testing.T) {
	for size, want := range map[int][]int{224: {256, 288, 320, 352}, 299: {342, 384, 427, 470}, 32: {37, 41, 46, 50}} {
		for i, s := range AllCrops.squares(size) {
			if s.side != want[i/3] {
				t.Errorf("input %d: square %d has side %d, want %d", size, i, s.side, want[i/3])
			}
		}
	}
}

func TestNumbersOfCropsNobodyDefinedAreRefused(t *testing.T) {
	for _, c := range []Crops{0, -1, 2, 11, 143} {
		if c.Validate() == nil {
			t.Errorf("%d crops are taken", c)
		}
	}
}

func TestViewsAreThoseMadeTheLongWay(t *testing.T) {
	var r Resampler
	p := TorchvisionPreprocess(8)
	for _, crops := range []Crops{TenCrops, TwelveCrops, AllCrops} {
		for w := 6; w < 9; w++ {
			im := New(w, 5)
			for i := range im.Pix {
				im.Pix[i] = uint8(w*7 + i)
			}
			views, got := p.Views(im, crops), make([]float32, 3*8*8)
			for i := range int(crops) {
				views.Cut(got, i, &r)
				if want := theLongWay(p, im, viewsOf(crops, im, p.Size)[i]); !slices.Equal(got, want) {
					t.Fatalf("%d crops of a picture %d wide: view %d is %v, want %v", crops, w, i, got, want)
				}
			}
		}
	}
}

// theLongWay makes a view of the whole image resized, cut, and mirrored pixel by
// pixel.
func theLongWay(p Preprocess, im Image, v shown) []float32 {
	var r Resampler
	f := filters[p.Interpolation]
	cut := Image{W: v.side, H: v.side, Pix: slices.Clone(r.resample(im, im.whole(), window{v.w, v.h, v.x, v.y, v.side}, f))}
	if v.side != p.Size {
		cut = Image{W: p.Size, H: p.Size, Pix: r.resample(cut, cut.whole(), full(p.Size), f)}
	}
	var values []float32
	for c := range 3 {
		for y := range p.Size {
			for x := range p.Size {
				if v.flip {
					x = p.Size - 1 - x
				}
				values = append(values, float32((float64(cut.Pix[3*(y*p.Size+x)+c])/255-0.5)/0.5))
			}
		}
	}
	return values
}
