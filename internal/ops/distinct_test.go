package ops

import (
	"errors"
	"testing"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

func TestAGraphIsBuiltAgainWhereTwoNodesHaveTheSameHash(t *testing.T) {
	first, second := sameHash(t)
	if runs(t, pair(t, first, second)) {
		t.Error("Gorgonia runs both nodes, so nothing needs to be built again")
	}
	built := 0
	var g *gorgonia.ExprGraph
	err := Distinctly(func() (*gorgonia.ExprGraph, error) {
		if built++; built == 1 {
			g = pair(t, first, second)
		} else {
			g = pair(t, first, second+2)
		}
		return g, nil
	})
	if err != nil || built != 2 {
		t.Fatalf("built %d times: %v", built, err)
	}
	if !runs(t, g) {
		t.Error("a node of the second graph does not run")
	}
	err = Distinctly(func() (*gorgonia.ExprGraph, error) { return pair(t, first, second), nil })
	if !errors.Is(err, errSameHash) {
		t.Errorf("hashes that always agree: %v", err)
	}
}

// sameHash returns the numbers of two chains whose last nodes have the same hash.
func sameHash(t *testing.T) (first, second uint64) {
	t.Helper()
	seen := map[uint32]uint64{}
	for id := uint64(1); id < 1<<20; id += 2 {
		hash := chain(t, input(gorgonia.NewGraph()), id).Hashcode()
		if other, ok := seen[hash]; ok {
			return other, id
		}
		seen[hash] = id
	}
	t.Fatal("no two of a million hashes agree")
	return 0, 0
}

// pair returns a graph of two chains on one input.
func pair(t *testing.T, first, second uint64) *gorgonia.ExprGraph {
	t.Helper()
	g := gorgonia.NewGraph()
	x := input(g)
	chain(t, x, first)
	chain(t, x, second)
	return g
}

func input(g *gorgonia.ExprGraph) *gorgonia.Node {
	return gorgonia.NewVector(g, gorgonia.Float32, gorgonia.WithShape(16), gorgonia.WithName("x"),
		gorgonia.WithValue(tensor.New(tensor.WithBacking(make([]float32, 16)))))
}

// chain returns the last node of two ops behind x, numbers id and id+1. Single ops,
// whose hashes differ in a few digits, hardly ever agree.
func chain(t *testing.T, x *gorgonia.Node, id uint64) *gorgonia.Node {
	t.Helper()
	return numbered(t, numbered(t, x, id), id+1)
}

// numbered returns the node of op number id on x, which fills its result with one.
func numbered(t *testing.T, x *gorgonia.Node, id uint64) *gorgonia.Node {
	t.Helper()
	o := &op{name: "ones", result: newSliceResult(16)}
	o.forward = func([]gorgonia.Value) error {
		fill(o.result.data, 1)
		return nil
	}
	ids.Store(id - 1)
	n, err := o.apply(x)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// runs reports whether all ops of g run.
func runs(t *testing.T, g *gorgonia.ExprGraph) bool {
	t.Helper()
	machine := gorgonia.NewTapeMachine(g)
	defer machine.Close()
	if err := machine.RunAll(); err != nil {
		t.Fatal(err)
	}
	for _, n := range g.AllNodes() {
		if o, ok := n.Op().(*op); ok && (o.result.data == nil || o.result.data[0] != 1) {
			return false
		}
	}
	return true
}
