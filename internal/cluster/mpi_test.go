//go:build mpi && linux && (amd64 || arm64)

package cluster

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// Under mpirun every process runs the tests, and this one tests the engine.
var launched *Cluster

func TestMain(m *testing.M) {
	c, err := Join()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	launched = c
	status := m.Run()
	if status != 0 {
		c.Abort(status)
	}
	if err := c.Leave(status); err != nil {
		fmt.Fprintln(os.Stderr, err)
		status = 1
	}
	os.Exit(status)
}

func TestLaunched(t *testing.T) {
	c := launched
	if c == nil {
		t.Skip("make test-cluster runs it under mpirun")
	}
	for _, floats := range []int{1, 7, 1000, 3 << 20} {
		var sums []*Sum
		var all [][]float32
		for n := range 3 {
			values := make([]float32, floats)
			for i := range values {
				values[i] = float32(i%1000+n) * float32(1+c.Rank())
			}
			all, sums = append(all, values), append(sums, c.StartSum(values, c.Size()))
		}
		factor := float32(c.Size() * (c.Size() + 1) / 2)
		for n, s := range sums {
			if err := s.Wait(); err != nil {
				t.Fatal(err)
			}
			for i, v := range all[n] {
				if v != float32(i%1000+n)*factor {
					t.Fatalf("rank %d: value %d of sum %d is %v", c.Rank(), i, n, v)
				}
			}
		}
	}
	long := []byte(strings.Repeat("0123456789", 1<<20))
	got, err := c.Broadcast(slices.Clone(long[:len(long)*(1-min(1, c.Rank()))]))
	if err != nil || !slices.Equal(got, long) {
		t.Fatalf("rank %d: broadcast gives %d bytes, %v", c.Rank(), len(got), err)
	}
	names, err := c.AllGather([]byte(c.Name(c.Rank())))
	if err != nil || len(names) != c.Size() || string(names[c.Size()-1]) != c.Name(c.Size()-1) {
		t.Fatalf("rank %d: gathers %q, %v", c.Rank(), names, err)
	}
}
