package dataset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/inception-go/inception/internal/picture"
)

// squares is a set whose image i is one color, with some that cannot be read.
type squares struct {
	n      int
	broken map[int]bool
}

func (s squares) Len() int          { return s.n }
func (s squares) Classes() []string { return []string{"even", "odd"} }
func (s squares) Label(i int) int   { return i % 2 }
func (s squares) Name(i int) string { return fmt.Sprint("square ", i) }
func (s squares) Image(i int) (picture.Image, error) {
	if s.broken[i] {
		return picture.Image{}, errors.New("is broken")
	}
	im := picture.New(6+i%3, 5)
	for j := range im.Pix {
		im.Pix[j] = uint8(i*7 + j)
	}
	return im, nil
}

func loaderOptions(train bool) LoaderOptions {
	return LoaderOptions{
		Batch: 4, Train: train, Seed: 3, Preprocess: picture.TorchvisionPreprocess(4), Augment: DefaultOptions().Augment,
	}
}

// readEpoch returns copies of all batches.
func readEpoch(t *testing.T, l *Loader, epoch, skip int) []Batch {
	t.Helper()
	batches := l.Epoch(context.Background(), epoch, skip)
	defer batches.Close()
	var all []Batch
	for {
		b, err := batches.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, Batch{
			Images: slices.Clone(b.Images), Labels: slices.Clone(b.Labels), Others: slices.Clone(b.Others),
			Shares: slices.Clone(b.Shares), Indices: slices.Clone(b.Indices),
			Skipped: slices.Clone(b.Skipped), Damaged: slices.Clone(b.Damaged),
		})
	}
}

func indices(all []Batch) (list []int) {
	for _, b := range all {
		list = append(list, b.Indices...)
	}
	return list
}

func TestEvaluationReadsEveryImageOnceInOrder(t *testing.T) {
	for _, n := range []int{1, 3, 4, 5, 31} {
		l := NewLoader(squares{n: n}, loaderOptions(false))
		all := readEpoch(t, l, 0, 0)
		if len(all) != l.BatchesPerEpoch() {
			t.Errorf("%d images: %d batches, BatchesPerEpoch says %d", n, len(all), l.BatchesPerEpoch())
		}
		for i, index := range indices(all) {
			label := all[i/4].Labels[i%4]
			if i < n && (index != i || label != i%2) || i >= n && (index != -1 || label != -1) {
				t.Errorf("%d images: row %d is image %d with label %d", n, i, index, label)
			}
		}
	}
}

func TestTrainingOrderFollowsFromSeedAndEpoch(t *testing.T) {
	l := NewLoader(squares{n: 22}, loaderOptions(true))
	first := indices(readEpoch(t, l, 0, 0))
	if len(first) != 20 {
		t.Errorf("an epoch of 22 images in fours has %d, want whole batches: 20", len(first))
	}
	sorted := slices.Clone(first)
	slices.Sort(sorted)
	if len(slices.Compact(sorted)) != len(first) {
		t.Error("an image comes twice")
	}
	if !slices.Equal(first, indices(readEpoch(t, l, 0, 0))) {
		t.Error("the same epoch has another order")
	}
	if slices.Equal(first, indices(readEpoch(t, l, 1, 0))) {
		t.Error("the next epoch has the same order")
	}
	if small := indices(readEpoch(t, NewLoader(squares{n: 3}, loaderOptions(true)), 0, 0)); len(small) != 4 {
		t.Errorf("3 images give a batch of %d, want 4", len(small))
	}
}

func TestPixelsDoNotDependOnWorkersOrSkipping(t *testing.T) {
	for _, train := range []bool{false, true} {
		o := loaderOptions(train)
		o.Augment.Color = 1
		var want []Batch
		for _, workers := range []int{1, 2, 7} {
			o.Workers = workers
			l := NewLoader(squares{n: 40}, o)
			got := readEpoch(t, l, 2, 0)
			if want == nil {
				want = got
			}
			rest := readEpoch(t, l, 2, 6)
			if len(rest) != 4 {
				t.Fatalf("behind 6 of 10 batches there are %d", len(rest))
			}
			for i := range want {
				if !slices.Equal(got[i].Images, want[i].Images) {
					t.Errorf("train %t: batch %d differs with %d workers", train, i, workers)
				}
				if i >= 6 && !slices.Equal(rest[i-6].Images, want[i].Images) {
					t.Errorf("train %t: batch %d differs when the first are skipped", train, i)
				}
			}
		}
	}
}

func TestUnreadableImagesFailOrAreSkipped(t *testing.T) {
	set := squares{n: 9, broken: map[int]bool{2: true, 7: true}}
	o := loaderOptions(false)
	batches := NewLoader(set, o).Epoch(context.Background(), 0, 0)
	_, err := batches.Next()
	batches.Close()
	if err == nil || err.Error() != "image square 2: is broken" {
		t.Errorf("error is %v", err)
	}
	o.SkipUnreadable = true
	all := readEpoch(t, NewLoader(set, o), 0, 0)
	var labels []int
	skipped := 0
	for _, b := range all {
		labels = append(labels, b.Labels...)
		skipped += len(b.Skipped)
	}
	if want := []int{0, 1, -1, 1, 0, 1, 0, -1, 0, -1, -1, -1}; !slices.Equal(labels, want) || skipped != 2 {
		t.Errorf("labels %v with %d skipped, want %v with 2", labels, skipped, want)
	}
}

func TestCloseAndCancelEndAllGoroutines(t *testing.T) {
	before := runtime.NumGoroutine()
	l := NewLoader(squares{n: 1000}, loaderOptions(true))
	for range 5 {
		batches := l.Epoch(context.Background(), 0, 0)
		if _, err := batches.Next(); err != nil {
			t.Fatal(err)
		}
		batches.Close()
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	batches := l.Epoch(ctx, 0, 0)
	gone := errors.New("gone")
	cancel(gone)
	var err error
	for range 300 {
		if _, err = batches.Next(); err != nil {
			break
		}
	}
	if !errors.Is(err, gone) {
		t.Errorf("after cancelling, Next returns %v", err)
	}
	batches.Close()
	for range 200 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), before)
}

func TestTrainingOrderIsAPermutationOfSeedAndEpochOnly(t *testing.T) {
	order := func(change func(*LoaderOptions), epoch int) []int {
		o := loaderOptions(true)
		change(&o)
		return indices(readEpoch(t, NewLoader(squares{n: 24}, o), epoch, 0))
	}
	want := order(func(*LoaderOptions) {}, 1)
	sorted := slices.Sorted(slices.Values(want))
	for i, index := range sorted {
		if index != i {
			t.Fatalf("the images of an epoch are %v", sorted)
		}
	}
	for name, c := range map[string]struct {
		change func(*LoaderOptions)
		epoch  int
		same   bool
	}{
		"workers":      {func(o *LoaderOptions) { o.Workers = 5 }, 1, true},
		"batch size":   {func(o *LoaderOptions) { o.Batch = 8 }, 1, true},
		"augmentation": {func(o *LoaderOptions) { o.Augment.Color = 1 }, 1, true},
		"size":         {func(o *LoaderOptions) { o.Preprocess.Size = 7 }, 1, true},
		"seed":         {func(o *LoaderOptions) { o.Seed++ }, 1, false},
		"epoch":        {func(*LoaderOptions) {}, 2, false},
	} {
		if got := order(c.change, c.epoch); slices.Equal(got, want) != c.same {
			t.Errorf("another %s: the order is the same: %t, want %t", name, !c.same, c.same)
		}
	}
}

func TestTrainingRowsCarryTheirImagesLabels(t *testing.T) {
	for _, b := range readEpoch(t, NewLoader(squares{n: 20}, loaderOptions(true)), 0, 0) {
		for row, index := range b.Indices {
			if b.Labels[row] != index%2 {
				t.Errorf("image %d has label %d", index, b.Labels[row])
			}
		}
	}
	small := indices(readEpoch(t, NewLoader(squares{n: 3}, loaderOptions(true)), 0, 0))
	for i := range 3 {
		if !slices.Contains(small, i) {
			t.Errorf("a set smaller than a batch gives %v, without image %d", small, i)
		}
	}
}

func TestAnImagesAugmentationDoesNotDependOnItsBatch(t *testing.T) {
	const pixels = 3 * 4 * 4
	view := func(batch, epoch int, seed uint64) map[int][]float32 {
		o := loaderOptions(true)
		o.Batch, o.Seed = batch, seed
		views := map[int][]float32{}
		for _, b := range readEpoch(t, NewLoader(squares{n: 12}, o), epoch, 0) {
			for row, index := range b.Indices {
				views[index] = b.Images[row*pixels : (row+1)*pixels]
			}
		}
		return views
	}
	want, other, next := view(4, 0, 3), view(6, 0, 3), view(4, 1, 3)
	changed := 0
	for i, v := range want {
		if !slices.Equal(v, other[i]) {
			t.Errorf("image %d differs in a batch of another size", i)
		}
		if !slices.Equal(v, next[i]) {
			changed++
		}
	}
	if changed < 6 {
		t.Errorf("%d of 12 images are augmented in another way in the next epoch", changed)
	}
}

func TestEvaluationGivesWhatApplyGivesAndClearsThePadding(t *testing.T) {
	const pixels = 3 * 4 * 4
	o, set := loaderOptions(false), squares{n: 30, broken: map[int]bool{29: true}}
	o.SkipUnreadable = true
	for n, b := range readEpoch(t, NewLoader(set, o), 0, 0) {
		for row := range 4 {
			want := make([]float32, pixels)
			if im, err := set.Image(4*n + row); err == nil && 4*n+row < set.n {
				o.Preprocess.Apply(want, im, new(picture.Resampler))
			}
			if !slices.Equal(b.Images[row*pixels:(row+1)*pixels], want) {
				t.Errorf("batch %d, row %d differs from Apply, or is not clear", n, row)
			}
		}
	}
}

func TestSkippingAllBatchesEndsTheEpoch(t *testing.T) {
	for _, train := range []bool{false, true} {
		l := NewLoader(squares{n: 12}, loaderOptions(train))
		for _, skip := range []int{3, 4, 100} {
			if got := readEpoch(t, l, 0, skip); len(got) != 0 {
				t.Errorf("train %t: behind %d of 3 batches there are %d", train, skip, len(got))
			}
		}
	}
}

// misshapen is a set whose images have fewer bytes than they say.
type misshapen struct{ squares }

func (misshapen) Image(int) (picture.Image, error) {
	return picture.Image{W: 9, H: 9, Pix: make([]uint8, 5)}, nil
}

func TestImagesThatContradictThemselvesAreUnreadable(t *testing.T) {
	batches := NewLoader(misshapen{squares{n: 4}}, loaderOptions(true)).Epoch(context.Background(), 0, 0)
	defer batches.Close()
	if _, err := batches.Next(); err == nil || !strings.Contains(err.Error(), "picture of 9x9 has 5 bytes") {
		t.Errorf("error is %v", err)
	}
}

func TestBatchesBeforeACancelAreWhole(t *testing.T) {
	const pixels = 3 * 4 * 4
	o := loaderOptions(false)
	o.Workers = 4
	l, gone := NewLoader(squares{n: 1000}, o), errors.New("gone")
	want := readEpoch(t, l, 0, 0)
	for round := range 400 {
		ctx, cancel := context.WithCancelCause(context.Background())
		batches := l.Epoch(ctx, 0, 0)
		go func() {
			time.Sleep(time.Duration(round) * time.Microsecond / 4)
			cancel(gone)
		}()
		for n := 0; ; n++ {
			b, err := batches.Next()
			if errors.Is(err, gone) || errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			for row := range b.Labels {
				if at := row * pixels; !slices.Equal(b.Images[at:at+pixels], want[n].Images[at:at+pixels]) {
					t.Fatalf("batch %d is handed out with row %d not read", n, row)
				}
			}
		}
		batches.Close()
	}
}

func TestNoBatchIsHandedOutAfterCancelling(t *testing.T) {
	gone := errors.New("gone")
	for range 40 {
		ctx, cancel := context.WithCancelCause(context.Background())
		batches := NewLoader(squares{n: 1000}, loaderOptions(true)).Epoch(ctx, 0, 0)
		for len(batches.ready) < ahead {
			time.Sleep(50 * time.Microsecond)
		}
		cancel(gone)
		b, err := batches.Next()
		batches.Close()
		if b != nil || !errors.Is(err, gone) {
			t.Fatalf("batch %v, error %v", b, err)
		}
	}
}

func TestCloseEndsWhateverIsUnderWay(t *testing.T) {
	before := runtime.NumGoroutine()
	for _, n := range []int{1, 4, 1000} {
		l := NewLoader(squares{n: n}, loaderOptions(false))
		unread := l.Epoch(context.Background(), 0, 0)
		unread.Close()
		unread.Close()
		if b, err := unread.Next(); b != nil || !errors.Is(err, context.Canceled) {
			t.Errorf("%d images: after Close, Next returns %v, %v", n, b, err)
		}
	}
	for range 200 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), before)
}

func TestUnreadableImagesOfATrainingAreNoBlackOnes(t *testing.T) {
	const pixels = 3 * 4 * 4
	o := loaderOptions(true)
	o.SkipUnreadable = true
	set := squares{n: 12, broken: map[int]bool{2: true, 7: true, 8: true}}
	skipped := 0
	for _, b := range readEpoch(t, NewLoader(set, o), 0, 0) {
		skipped += len(b.Skipped)
		for row, index := range b.Indices {
			view := b.Images[row*pixels : (row+1)*pixels]
			if (b.Labels[row] < 0) != set.broken[index] || !slices.ContainsFunc(view, func(v float32) bool { return v != 0 }) {
				t.Errorf("image %d has label %d and pixels %v", index, b.Labels[row], view[:3])
			}
		}
		for _, err := range b.Skipped {
			var image *ImageError
			if !errors.As(err, &image) || !strings.HasPrefix(image.Name, "square ") {
				t.Errorf("error %v names no image", err)
			}
		}
	}
	if skipped != 3 {
		t.Errorf("%d are skipped, want 3", skipped)
	}
}
