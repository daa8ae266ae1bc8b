package dataset

import (
	"errors"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/inception-go/inception/internal/picture"
)

// counted is a set that counts how often its images are decoded.
type counted struct {
	squares
	reads *atomic.Int32
}

func (c counted) Image(i int) (picture.Image, error) { c.reads.Add(1); return c.squares.Image(i) }

func TestCropsAreCutFromAnImageDecodedOnce(t *testing.T) {
	for _, crops := range []picture.Crops{picture.TenCrops, picture.TwelveCrops, picture.AllCrops} {
		for _, batch := range []int{1, 7, 16, 200} {
			o := loaderOptions(false)
			o.Crops, o.Batch, o.Preprocess.Size, o.Workers = crops, batch, 8, 3
			set := counted{squares{n: 3}, new(atomic.Int32)}
			all := readEpoch(t, NewLoader(set, o), 0, 0)
			if set.reads.Load() != 3 {
				t.Errorf("%d crops, batches of %d: %d images were decoded, want 3", crops, batch, set.reads.Load())
			}
			row := 0
			for _, b := range all {
				for i, index := range b.Indices {
					if row < 3*int(crops) {
						got, want := b.Images[i*3*64:(i+1)*3*64], viewOf(set.squares, o, row/int(crops), row%int(crops))
						if index != row/int(crops) || !slices.Equal(got, want) {
							t.Errorf("%d crops, batches of %d: row %d, of image %d, is %v, want %v", crops, batch, row, index, got, want)
						}
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

func TestALoaderOfSomeBatchesHasTheViewsOfTheirImages(t *testing.T) {
	for _, crops := range []picture.Crops{picture.MirroredCrop, picture.TenCrops, picture.TwelveCrops} {
		for _, batch := range []int{3, 7, 16} {
			o := loaderOptions(false)
			o.Crops, o.Batch, o.Preprocess.Size, o.Workers = crops, batch, 8, 3
			set := squares{n: 12}
			for rank := range 3 {
				mine := func(n int) bool { return n%3 == rank }
				row, n := 0, 0
				for _, b := range readEpoch(t, NewLoader(set, o).Of(mine), 0, 0) {
					for !mine(n) {
						n++
					}
					for i, index := range b.Indices {
						row = n*batch + i
						if row >= 12*int(crops) {
							continue
						}
						got, want := b.Images[i*3*64:(i+1)*3*64], viewOf(set, o, row/int(crops), row%int(crops))
						if index != row/int(crops) || !slices.Equal(got, want) {
							t.Fatalf("%d crops, batches of %d, rank %d of 3: row %d of image %d is not view %d of image %d",
								crops, batch, rank, row, index, row%int(crops), row/int(crops))
						}
					}
					n++
				}
			}
		}
	}
}

// viewOf cuts a view of an image alone.
func viewOf(set Set, o LoaderOptions, image, number int) []float32 {
	im, _ := set.Image(image)
	values := make([]float32, 3*o.Preprocess.Size*o.Preprocess.Size)
	o.Preprocess.Views(im, o.Crops).Cut(values, number, new(picture.Resampler))
	return values
}

func TestAnUnreadableImageIsSkippedOnceHoweverManyViews(t *testing.T) {
	o := loaderOptions(false)
	o.Crops, o.SkipUnreadable = picture.TwelveCrops, true
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

func TestPicturesOfAnotherSizeAreRefusedWhereTheyAreTakenAsTheyAre(t *testing.T) {
	for crops, refused := range map[picture.Crops]bool{picture.SingleCrop: true, picture.MirroredCrop: true, picture.TenCrops: false} {
		o := loaderOptions(false)
		o.Preprocess = o.Preprocess.WithGeometry(picture.AsIs)
		o.Preprocess.Size, o.Crops, o.SkipUnreadable = 7, crops, true
		var skipped []error
		for _, b := range readEpoch(t, NewLoader(squares{n: 3}, o), 0, 0) {
			skipped = append(skipped, b.Skipped...)
		}
		if got := len(skipped); got != 3 && refused || got != 0 && !refused {
			t.Errorf("%d crops: %d of 3 pictures are refused", crops, got)
		}
	}
}
