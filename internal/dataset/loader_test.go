package dataset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"testing"
	"time"
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
func (s squares) Image(i int) (Image, error) {
	if s.broken[i] {
		return Image{}, errors.New("is broken")
	}
	im := NewImage(6+i%3, 5)
	for j := range im.Pix {
		im.Pix[j] = uint8(i*7 + j)
	}
	return im, nil
}

func loaderOptions(train bool) LoaderOptions {
	return LoaderOptions{Batch: 4, Size: 4, Train: train, Seed: 3, Preprocess: TorchvisionPreprocess(4), Augment: DefaultOptions().Augment}
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
		all = append(all, Batch{slices.Clone(b.Images), slices.Clone(b.Labels), slices.Clone(b.Indices), slices.Clone(b.Skipped)})
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
