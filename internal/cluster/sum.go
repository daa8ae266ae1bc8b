package cluster

import (
	"encoding/binary"
	"math"
	"sync"
	"time"
)

// Sum is a sum over ranks under way.
type Sum struct {
	Began, Ended time.Time // Ended once it is done

	done chan struct{}
	err  error
}

// StartSum begins to add up values, a slice of the same length on every rank.
// When it is done, every rank's values are the sum, which must not be looked at
// before. Only the first present ranks contribute; the values of others are
// overwritten.
//
// Each rank adds up one part of the slice and sends it to all others, so every
// rank sends and receives 2(n-1)/n of the slice. The order is that of a balanced
// binary tree over the ranks: 0 and 1, 2 and 3, then those sums, and so on.
func (c *Cluster) StartSum(values []float32, present int) *Sum {
	s := &Sum{Began: time.Now(), done: make(chan struct{})}
	if c.Size() == 1 {
		s.Ended = s.Began
		close(s.done)
		return s
	}
	tag := c.nextTag()
	go func() {
		defer close(s.done)
		s.err = c.sum(values, present, tag)
		s.Ended = time.Now()
	}()
	return s
}

// Wait waits until the sum is done.
func (s *Sum) Wait() error {
	<-s.done
	return s.err
}

func (c *Cluster) sum(values []float32, present, tag int) error {
	size := c.Size()
	part := func(rank int) []float32 {
		return values[len(values)*rank/size : len(values)*(rank+1)/size]
	}
	own := part(c.rank)
	terms := make([][]float32, present)
	var got, sent []*request
	for step := 1; step < size; step++ { // begins with the neighbour, so that not all send to one
		from, to := (c.rank+size-step)%size, (c.rank+step)%size
		if from < present {
			terms[from] = borrow(len(own))
			defer giveBack(terms[from])
			got = append(got, c.receive(from, tag, message{floats: terms[from]}))
		}
		if c.rank < present {
			sent = append(sent, c.send(to, tag, message{floats: part(to)}))
		}
	}
	if c.rank < present {
		terms[c.rank] = own
	}
	if err := c.wait(got...); err != nil {
		return err
	}
	addTree(terms, func(to, from []float32) {
		for i, v := range from {
			to[i] += v
		}
	})
	copy(own, terms[0])
	// The parts that are sent must have gone before sums take their place.
	if err := c.wait(sent...); err != nil {
		return err
	}
	sent, got = nil, nil
	for step := 1; step < size; step++ {
		from, to := (c.rank+size-step)%size, (c.rank+step)%size
		got = append(got, c.receive(from, tag+1, message{floats: part(from)}))
		sent = append(sent, c.send(to, tag+1, message{floats: own}))
	}
	return c.wait(append(got, sent...)...)
}

// borrowed memory holds the terms of sums, which every update needs again.
var borrowed sync.Pool

func borrow(floats int) []float32 {
	if b, ok := borrowed.Get().(*[]float32); ok && cap(*b) >= floats {
		return (*b)[:floats]
	}
	return make([]float32, floats)
}

func giveBack(b []float32) { borrowed.Put(&b) }

// SumFloat64 adds up values over all ranks, in the order of StartSum, and
// returns when they are the sum. Every rank gets all that is added, so it is for
// few values.
func (c *Cluster) SumFloat64(values []float64) error {
	if c.Size() == 1 {
		return nil
	}
	data := make([]byte, 0, 8*len(values))
	for _, v := range values {
		data = binary.LittleEndian.AppendUint64(data, math.Float64bits(v))
	}
	all, err := c.AllGather(data)
	if err != nil {
		return err
	}
	terms := make([][]float64, len(all))
	for rank, data := range all {
		terms[rank] = make([]float64, len(values))
		for i := range values {
			terms[rank][i] = math.Float64frombits(binary.LittleEndian.Uint64(data[8*i:]))
		}
	}
	addTree(terms, func(to, from []float64) {
		for i, v := range from {
			to[i] += v
		}
	})
	copy(values, terms[0])
	return nil
}

// addTree adds up terms into the first one: each with its neighbour, then pairs
// of those sums, and so on; one without a neighbour waits for the next round.
func addTree[T any](terms []T, add func(to, from T)) {
	for step := 1; step < len(terms); step *= 2 {
		for i := 0; i+step < len(terms); i += 2 * step {
			add(terms[i], terms[i+step])
		}
	}
}
