package parallel

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestGridRunsEveryPieceOnce(t *testing.T) {
	defer SetThreads(0)
	for _, threads := range []int{1, 2, 3, 8} {
		SetThreads(threads)
		for _, rows := range []int{0, 1, 3, 40} {
			for _, columns := range []int{0, 1, 2, 5, 100} {
				seen := make([]atomic.Int32, rows*columns)
				Grid(rows, columns, func(row, column int) { seen[row*columns+column].Add(1) })
				for i := range seen {
					if got := seen[i].Load(); got != 1 {
						t.Fatalf("%d threads, %dx%d: piece %d ran %d times", threads, rows, columns, i, got)
					}
				}
			}
		}
	}
}

// The first pieces to begin, while each thread stays in its first, are the first of each
// thread's own share, in every call.
func TestThreadsBeginWithTheirOwnShare(t *testing.T) {
	const threads = 3
	defer SetThreads(0)
	SetThreads(threads)
	for name, c := range map[string]struct {
		run  func(piece func(i int))
		want []int
	}{
		"For": {func(piece func(int)) { For(10, piece) }, []int{0, 3, 6}},
		"Grid": {func(piece func(int)) { Grid(4, 7, func(row, column int) { piece(7*row + column) }) },
			[]int{0, 2, 4}},
	} {
		for range 20 {
			begun, all := make(chan int, 100), make(chan struct{})
			var count atomic.Int32
			c.run(func(i int) {
				begun <- i
				if count.Add(1) == threads {
					close(all)
				}
				wait(t, all)
			})
			if t.Failed() {
				return
			}
			first := []int{<-begun, <-begun, <-begun}
			slices.Sort(first)
			if !slices.Equal(first, c.want) {
				t.Errorf("%s: the first pieces are %v, want %v", name, first, c.want)
			}
		}
	}
}

// While one thread stays in its first piece, others do all the rest of its share.
func TestOthersTakeOverWhatASlowThreadHasLeft(t *testing.T) {
	defer SetThreads(0)
	SetThreads(2)
	for name, run := range map[string]func(piece func(i int)){
		"For":  func(piece func(int)) { For(40, piece) },
		"Grid": func(piece func(int)) { Grid(4, 10, func(row, column int) { piece(10*row + column) }) },
	} {
		rest := make(chan struct{})
		var done atomic.Int32
		run(func(i int) {
			if i == 0 {
				wait(t, rest)
				return
			}
			if done.Add(1) == 39 {
				close(rest)
			}
		})
		if done.Load() != 39 {
			t.Errorf("%s: %d of 39 pieces ran", name, done.Load())
		}
	}
}

// A caller alone gets the same server each time, also when others have been there.
func TestAWorkerIsTheSameServerFromCallToCall(t *testing.T) {
	before := idle.servers
	defer func() { idle.servers = before }()
	a, b, c := &server{worker: 1}, &server{worker: 1}, &server{worker: 2}
	idle.servers = nil
	for _, s := range []*server{a, c, b} {
		rest(s)
	}
	for range 3 {
		first, second := idleServer(1), idleServer(2)
		if first != b || second != c {
			t.Fatal("worker 1 or 2 is another server than before")
		}
		rest(first)
		rest(second)
	}
	for _, want := range []*server{b, a, nil} {
		if s := idleServer(1); s != want {
			t.Errorf("got %p as worker 1, want %p", s, want)
		}
	}
	if idleServer(2) != c || idleServer(3) != nil {
		t.Error("worker 2 or 3 is another's server")
	}
}

func TestCallersDoNotDisturbEachOther(t *testing.T) {
	defer SetThreads(0)
	SetThreads(3)
	var callers sync.WaitGroup
	for caller := range 6 {
		callers.Go(func() {
			for turn := range 50 {
				var ran atomic.Int32
				failed := func() (r any) {
					defer func() { r = recover() }()
					Grid(5, 1+turn%9, func(row, column int) {
						if ran.Add(1) == 3 && caller%3 == 0 {
							panic(fmt.Sprint("caller ", caller))
						}
						For(4, func(int) {})
					})
					return nil
				}()
				switch want := int32(5 * (1 + turn%9)); {
				case caller%3 != 0 && (failed != nil || ran.Load() != want):
					t.Errorf("%d of %d pieces ran, and failed with %v", ran.Load(), want, failed)
				case caller%3 == 0 && !strings.Contains(fmt.Sprint(failed), fmt.Sprint("caller ", caller)):
					t.Errorf("a piece of caller %d panics; it was told %v", caller, failed)
				}
			}
		})
	}
	callers.Wait()
}

func wait(t *testing.T, until <-chan struct{}) {
	t.Helper()
	select {
	case <-until:
	case <-time.After(20 * time.Second):
		t.Error("waited in vain")
	}
}
