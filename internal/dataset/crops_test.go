package dataset

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
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
		im := NewImage(c.w, c.h)
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
		got := viewsOf(AllCrops, NewImage(c.w, c.h), 224)
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

// counted is a set that counts how often its images are decoded.
type counted struct {
	squares
	reads *atomic.Int32
}

func (c counted) Image(i int) (Image, error) { c.reads.Add(1); return c.squares.Image(i) }

func TestCropsAreCutFromAnImageDecodedOnce(t *testing.T) {
	for _, crops := range []Crops{TenCrops, TwelveCrops, AllCrops} {
		for _, batch := range []int{1, 7, 16, 200} {
			o := loaderOptions(false)
			o.Crops, o.Batch, o.Size, o.Workers = crops, batch, 8, 3
			set := counted{squares{n: 3}, new(atomic.Int32)}
			all := readEpoch(t, NewLoader(set, o), 0, 0)
			if set.reads.Load() != 3 {
				t.Errorf("%d crops, batches of %d: %d images were decoded, want 3", crops, batch, set.reads.Load())
			}
			row := 0
			for _, b := range all {
				for i, index := range b.Indices {
					if row < 3*int(crops) {
						checkView(t, fmt.Sprintf("%d crops, batches of %d, row %d", crops, batch, row), b.Images[i*3*64:(i+1)*3*64], set, o, row/int(crops), row%int(crops), index)
					} else if index != -1 || b.Labels[i] != -1 {
						t.Errorf("row %d is image %d behind the last view", row, index)
					}
					row++
				}
			}
			if row < 3*int(crops) || row-3*int(crops) >= batch {
				t.Errorf("%d crops, batches of %d: %d rows", crops, batch, row)
			}
		}
	}
}

// checkView compares a row with the view made the long way: the whole image
// resized, cut, and mirrored pixel by pixel.
func checkView(t *testing.T, what string, got []float32, set Set, o LoaderOptions, image, number, index int) {
	t.Helper()
	if index != image {
		t.Errorf("%s is of image %d, want %d", what, index, image)
		return
	}
	im, _ := set.Image(image)
	v := viewsOf(o.Crops, im, o.Size)[number]
	var r resampler
	f := filters[o.Preprocess.Interpolation]
	cut := Image{v.side, v.side, slices.Clone(r.resample(im, box{0, 0, float64(im.W), float64(im.H)}, window{v.w, v.h, v.x, v.y, v.side}, f))}
	if v.side != o.Size {
		cut = Image{o.Size, o.Size, r.resample(cut, box{0, 0, float64(v.side), float64(v.side)}, window{o.Size, o.Size, 0, 0, o.Size}, f)}
	}
	for c := range 3 {
		for y := range o.Size {
			for x := range o.Size {
				from := x
				if v.flip {
					from = o.Size - 1 - x
				}
				want := float32((float64(cut.Pix[3*(y*o.Size+from)+c])/255 - 0.5) / 0.5)
				if got[(c*o.Size+y)*o.Size+x] != want {
					t.Errorf("%s: pixel (%d, %d) is %g, want %g", what, x, y, got[(c*o.Size+y)*o.Size+x], want)
					return
				}
			}
		}
	}
}

func TestAnUnreadableImageIsSkippedOnceHoweverManyViews(t *testing.T) {
	o := loaderOptions(false)
	o.Crops, o.SkipUnreadable = TwelveCrops, true
	var skipped []error
	for _, b := range readEpoch(t, NewLoader(squares{n: 3, broken: map[int]bool{1: true}}, o), 0, 0) {
		skipped = append(skipped, b.Skipped...)
		for i, index := range b.Indices {
			if (b.Labels[i] < 0) != (index == 1) {
				t.Errorf("image %d has label %d", index, b.Labels[i])
			}
		}
	}
	if len(skipped) != 1 || errors.Unwrap(skipped[0]).Error() != "is broken" {
		t.Errorf("skipped: %v", skipped)
	}
}
