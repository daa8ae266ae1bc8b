package dataset

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/inception-go/inception/internal/picture"
)

// withCutPictures returns a folder of two classes with a picture each that is
// cut off.
func withCutPictures(t *testing.T) (dir string) {
	t.Helper()
	cut, err := os.ReadFile("../picture/testdata/cases/trunc_half.jpg")
	if err != nil {
		t.Fatal(err)
	}
	return folder(t, map[string][]byte{"a/cut.jpg": cut, "b/cut.jpg": cut})
}

func TestACutPictureIsUsedAndNamedOrUnreadable(t *testing.T) {
	o := DefaultOptions()
	o.Train, o.ValFraction = withCutPictures(t), 0
	for _, truncated := range []string{TruncatedUse, TruncatedFail} {
		o.Truncated = truncated
		opened, err := OpenTraining(o)
		if err != nil {
			t.Fatal(err)
		}
		for _, train := range []bool{true, false} {
			l := NewLoader(opened.Train, LoaderOptions{
				Batch: 2, Train: train, Preprocess: picture.TorchvisionPreprocess(32), Augment: o.Augment, SkipUnreadable: true,
			})
			b := readEpoch(t, l, 0, 0)[0]
			used, skipped := b.Damaged, b.Skipped
			if truncated == TruncatedFail {
				used, skipped = skipped, used
			}
			if len(used) != 2 || len(skipped) != 0 {
				t.Fatalf("%s: %d damaged and %d skipped", truncated, len(b.Damaged), len(b.Skipped))
			}
			for _, err := range used {
				var image *ImageError
				if !errors.As(err, &image) || !strings.HasSuffix(image.Name, "cut.jpg") || !strings.Contains(err.Error(), "ends early") {
					t.Errorf("%s: it is told %v", truncated, err)
				}
			}
		}
		found := Verify(context.Background(), opened.Train, nil)
		if n := len(found.Damaged); n != map[string]int{TruncatedUse: 2}[truncated] {
			t.Errorf("%s: verify finds %d damaged pictures", truncated, n)
		}
		if n := len(found.Unreadable); n != map[string]int{TruncatedFail: 2}[truncated] {
			t.Errorf("%s: verify finds %d unreadable pictures", truncated, n)
		}
	}
}

func TestLimitsOnPicturesAreChecked(t *testing.T) {
	for key, change := range map[string]func(*Options){
		"data.max_pixels": func(o *Options) { o.MaxPixels = 0 },
		"data.decode_mib": func(o *Options) { o.DecodeMiB = 0 },
		"data.truncated":  func(o *Options) { o.Truncated = "maybe" },
	} {
		o := DefaultOptions()
		change(&o)
		if err := o.Validate(); err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%s: error is %v", key, err)
		}
	}
}

// A header that needs more than the limits is refused before the first step,
// whatever time there is to look.
func TestLimitsHoldForEveryPartOfATraining(t *testing.T) {
	o := DefaultOptions()
	o.Train, o.Val = withCutPictures(t), withCutPictures(t)
	o.MaxPixels = 100
	opened, err := OpenTraining(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, set := range []Set{opened.Train, opened.Val} {
		found := Check(set, 1e9)
		if len(found.Unreadable) != 2 || !strings.Contains(found.Unreadable[0].Error(), "the most is 100 (data.max_pixels)") {
			t.Errorf("found %v", found)
		}
	}
}
