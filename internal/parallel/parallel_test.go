package parallel

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
)

func TestForRunsEveryPieceOnce(t *testing.T) {
	defer SetThreads(0)
	for _, threads := range []int{1, 2, 5} {
		SetThreads(threads)
		for _, n := range []int{0, 1, 2, 7, 1000} {
			seen := make([]atomic.Int32, n)
			busy := make([]atomic.Int32, threads)
			ForWorker(n, func(worker, i int) {
				if busy[worker].Add(1) != 1 {
					t.Errorf("threads=%d: worker %d runs two pieces at once", threads, worker)
				}
				seen[i].Add(1)
				busy[worker].Add(-1)
			})
			for i := range seen {
				if got := seen[i].Load(); got != 1 {
					t.Fatalf("threads=%d n=%d: piece %d ran %d times", threads, n, i, got)
				}
			}
		}
	}
}

func TestForNests(t *testing.T) {
	defer SetThreads(0)
	SetThreads(3)
	var total atomic.Int64
	For(8, func(int) { For(8, func(int) { total.Add(1) }) })
	if total.Load() != 64 {
		t.Fatalf("ran %d inner pieces, want 64", total.Load())
	}
}

func TestForRaisesAPieceThatPanics(t *testing.T) {
	defer SetThreads(0)
	for _, threads := range []int{1, 4} {
		SetThreads(threads)
		func() {
			defer func() {
				r := recover()
				if r == nil {
					t.Fatalf("threads=%d: no panic reached the caller", threads)
				}
				if !strings.Contains(fmt.Sprint(r), "boom") {
					t.Fatalf("threads=%d: panic says %v", threads, r)
				}
			}()
			For(100, func(i int) {
				if i == 42 {
					panic("boom")
				}
			})
		}()
	}
}
