package ops

import (
	"errors"
	"fmt"

	"gorgonia.org/gorgonia"
)

// Distinctly calls build until no two nodes of its graph have the same hash. When
// Gorgonia compiles a graph it takes such nodes for one, but hashes have 32 bits: in
// one of 10,000 graphs of 1,000 nodes two agree by chance, and one would silently get
// the other's value. Each call gives the ops other numbers, and so other hashes; those
// of inputs follow from their names and shapes, so two of them that agree are an error.
func Distinctly(build func() (*gorgonia.ExprGraph, error)) error {
	const attempts = 8 // two are hardly ever needed; so many show that it is no chance
	var err error
	for range attempts {
		var g *gorgonia.ExprGraph
		if g, err = build(); err != nil {
			return err
		}
		if err = distinct(g); err == nil {
			return nil
		}
	}
	return err
}

var errSameHash = errors.New("two nodes of the graph have the same hash")

func distinct(g *gorgonia.ExprGraph) error {
	nodes := map[uint32]*gorgonia.Node{}
	for _, n := range g.AllNodes() {
		if other := nodes[n.Hashcode()]; other != nil {
			return fmt.Errorf("%w: %v and %v", errSameHash, other, n)
		}
		nodes[n.Hashcode()] = n
	}
	return nil
}
