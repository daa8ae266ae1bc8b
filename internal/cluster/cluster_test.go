package cluster

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// together runs f on every rank of a cluster of goroutines.
func together(size int, f func(c *Cluster)) {
	var all sync.WaitGroup
	for _, c := range InProcess(size) {
		all.Go(func() { f(c) })
	}
	all.Wait()
}

// reference adds up the ranks' values pair by pair, by recursion.
func reference(terms [][]float32, i, from, to int) float32 {
	span := 1
	for span < to-from {
		span *= 2
	}
	if span == 1 {
		return terms[from][i]
	}
	middle := from + span/2
	return reference(terms, i, from, middle) + reference(terms, i, middle, to)
}

func TestSumIsABalancedTree(t *testing.T) {
	for size := 1; size <= 9; size++ {
		for _, present := range []int{size, (size + 1) / 2, 1} {
			for _, floats := range []int{1, 5, 1000} {
				random := rand.New(rand.NewPCG(1, uint64(size)))
				terms, want := make([][]float32, size), make([]float32, floats)
				for rank := range terms {
					terms[rank] = make([]float32, floats)
					for i := range terms[rank] {
						terms[rank][i] = float32(random.NormFloat64())
					}
				}
				for i := range want {
					want[i] = reference(terms, i, 0, present)
				}
				together(size, func(c *Cluster) {
					values := slices.Clone(terms[c.Rank()])
					if err := c.StartSum(values, present).Wait(); err != nil {
						t.Error(err)
					}
					if !slices.Equal(values, want) {
						t.Errorf("rank %d of %d, %d present, %d values: another sum", c.Rank(), size, present, floats)
					}
				})
			}
		}
	}
}

// Many sums under way at once do not mix.
func TestSumsOverlap(t *testing.T) {
	together(4, func(c *Cluster) {
		var sums []*Sum
		var values [][]float32
		for n := range 50 {
			values = append(values, slices.Repeat([]float32{float32(n * (1 + c.Rank()))}, n+1))
			sums = append(sums, c.StartSum(values[n], 4))
		}
		for n, s := range sums {
			if err := s.Wait(); err != nil || values[n][n] != float32(10*n) {
				t.Errorf("sum %d is %v (%v), want %d", n, values[n][n], err, 10*n)
			}
		}
	})
}

func TestSumFloat64(t *testing.T) {
	together(3, func(c *Cluster) {
		values := []float64{1e16 * float64(1-c.Rank()%2*2), 1} // 1e16, -1e16, 1e16
		if err := c.SumFloat64(values); err != nil || values[0] != 1e16 || values[1] != 3 {
			t.Errorf("rank %d has %v, %v", c.Rank(), values, err)
		}
	})
}

func TestBroadcastAndGather(t *testing.T) {
	for size := 1; size <= 9; size++ {
		for _, length := range []int{0, 5, frameBytes - 8, frameBytes - 7, 100000} {
			long := strings.Repeat("x", length)
			together(size, func(c *Cluster) {
				got, err := c.Broadcast([]byte(fmt.Sprint(c.Rank(), long)))
				if err != nil || string(got) != "0 "+long && string(got) != "0"+long {
					t.Errorf("rank %d of %d: %d bytes are %d, %v", c.Rank(), size, length, len(got), err)
				}
				floats := []float32{float32(c.Rank()), float32(10 - c.Rank())}
				if err := c.BroadcastFloats(floats); err != nil || floats[0] != 0 || floats[1] != 10 {
					t.Errorf("rank %d of %d: %v, %v", c.Rank(), size, floats, err)
				}
				all, err := c.AllGather([]byte(fmt.Sprint(long, c.Rank())))
				if err != nil {
					t.Error(err)
				}
				for rank, data := range all {
					if !strings.HasSuffix(string(data), fmt.Sprint(rank)) || len(data) < length {
						t.Errorf("rank %d of %d: %d bytes of rank %d", c.Rank(), size, len(data), rank)
					}
				}
			})
		}
	}
}

func TestMessagesArriveInOrder(t *testing.T) {
	together(2, func(c *Cluster) {
		for n := range 100 {
			values := slices.Repeat([]float32{float32(n)}, n)
			if c.Rank() == 1 {
				if err := c.SendFloats(0, values); err != nil {
					t.Error(err)
				}
				continue
			}
			got := make([]float32, n)
			if err := c.ReceiveFloats(1, got); err != nil || !slices.Equal(got, values) {
				t.Errorf("message %d is %v, %v", n, got, err)
			}
		}
	})
}

func TestAgree(t *testing.T) {
	broken := errors.New("broken")
	together(3, func(c *Cluster) {
		if err := c.Agree(nil); err != nil {
			t.Error(err)
		}
		var own error
		if c.Rank() == 1 {
			own = broken
		}
		err := c.Agree(own)
		if c.Rank() == 1 && !errors.Is(err, broken) || c.Rank() != 1 && err.Error() != "rank 1 on here: broken" {
			t.Errorf("rank %d: %v", c.Rank(), err)
		}
	})
}

// A rank that does not come is named by those who wait, even where others that
// wait for it have not finished either.
func TestStallNamesTheRank(t *testing.T) {
	together(4, func(c *Cluster) {
		c.SetTimeout(50 * time.Millisecond)
		if c.Rank() == 2 {
			return
		}
		var stall *StallError
		if err := c.StartSum(make([]float32, 100), 4).Wait(); !errors.As(err, &stall) || stall.Rank != "rank 2 on here" {
			t.Errorf("rank %d: %v", c.Rank(), err)
		}
	})
}

func TestOneProcess(t *testing.T) {
	var c *Cluster
	values := []float32{3}
	all, err := c.AllGather([]byte("a"))
	if c.Rank() != 0 || c.Size() != 1 || c.StartSum(values, 1).Wait() != nil || values[0] != 3 || err != nil || len(all) != 1 {
		t.Error("one process is not alone")
	}
	if err := c.Agree(errors.New("x")); err == nil || c.Agree(nil) != nil || c.barrier() != nil || c.Leave(0) != nil {
		t.Error("one process does not agree with itself")
	}
}
