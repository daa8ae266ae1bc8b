package picture

import (
	"image"
	"strings"
	"sync"
	"testing"
)

func TestABudgetIsNeverOverdrawn(t *testing.T) {
	b := newBudget(10)
	var mu sync.Mutex
	taken, most := int64(0), int64(0)
	var all sync.WaitGroup
	for i := range 200 {
		all.Go(func() {
			n := int64(1 + i%10)
			l := b.take(n)
			mu.Lock()
			taken += n
			most = max(most, taken)
			mu.Unlock()
			mu.Lock()
			taken -= n
			mu.Unlock()
			l.reduce(0)
		})
	}
	all.Wait()
	if most > 10 || *b.free != 10 {
		t.Errorf("%d of 10 were out at one time, %d are back", most, *b.free)
	}
}

func TestAPictureThatTakesMoreThanAllMemoryIsRefused(t *testing.T) {
	data := encode(t, image.NewRGBA(image.Rect(0, 0, 1000, 1000)), "png")
	small := NewDecoder(Limits{MaxPixels: 1 << 28, Memory: 2 << 20})
	if _, err := small.Decode(data); err == nil || !strings.Contains(err.Error(), "the most is 2 (data.decode_mib)") {
		t.Errorf("error is %v", err)
	}
	if _, err := NewDecoder(Limits{MaxPixels: 1 << 28, Memory: 4 << 20}).Decode(data); err != nil {
		t.Error(err)
	}
}
