package convert

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/inception-go/inception/internal/model"
)

// plainConvs lists the convolutions of V3 without auxiliary head, as they are
// declared.
func plainConvs() ([]string, error) {
	layers, err := layersOf(model.V3, false)
	var convs []string
	for _, l := range layers {
		if !l.head {
			convs = append(convs, l.name)
		}
	}
	return declared(convs), err
}

// branchName splits the name of a layer in a module: its branch, its place
// there, counted from 1, and a or b where two stand side by side.
var branchName = regexp.MustCompile(`^(.*?)(?:_(\d)([ab])?)?$`)

// place is where a layer stands in its network.
type place struct {
	layer  string
	module int // counted from 0
	branch int // of the module
	index  int // in the branch
	side   string
	// What lies between the layer and the module's own concat.
	depth, concats int
}

// branchOrder is the order in which torchvision and Keras declare branches.
var branchOrder = []string{
	"branch1x1", "branch5x5", "branch3x3", "branch7x7", "branch7x7x3", "branch3x3dbl", "branch7x7dbl", "branch_pool",
}

// places returns the layers as torchvision declares them and Keras makes
// them: module by module, branch by branch.
func places(layers []string) []place {
	var all []place
	modules := map[string]int{}
	longest := map[string]int{} // of a branch
	pairs := map[string]bool{}  // branches that end in two layers side by side
	for _, layer := range layers {
		module, name, _ := strings.Cut(layer, ".")
		if _, known := modules[module]; !known {
			modules[module] = len(modules)
		}
		parts := branchName.FindStringSubmatch(name)
		index, _ := strconv.Atoi(parts[2])
		key := module + "." + parts[1]
		longest[key] = max(longest[key], index)
		pairs[key] = pairs[key] || parts[3] != ""
		branch := slices.Index(branchOrder, parts[1])
		all = append(all, place{layer: layer, module: modules[module], branch: branch, index: index, side: parts[3]})
	}
	for i := range all {
		p := &all[i]
		module, name, _ := strings.Cut(p.layer, ".")
		key := module + "." + branchName.FindStringSubmatch(name)[1]
		p.depth = longest[key] - p.index
		if pairs[key] {
			p.concats = 1 // of the two
		}
	}
	slices.SortStableFunc(all, func(a, b place) int {
		return cmp.Or(cmp.Compare(a.module, b.module), cmp.Compare(a.branch, b.branch),
			cmp.Compare(a.index, b.index), strings.Compare(a.side, b.side))
	})
	return all
}

// declared returns the layers in the order in which they are declared.
func declared(layers []string) []string {
	var names []string
	for _, p := range places(layers) {
		names = append(names, p.layer)
	}
	return names
}

// kerasEntry is a layer of Keras' list model.layers that has weights.
type kerasEntry struct {
	number int  // of the declared convolution
	norm   bool // its batch norm
}

// kerasOrder returns Keras' list model.layers, which goes by the longest way
// to the end: a convolution, its batch norm and its ReLU are a layer each, and
// a concat is one.
func kerasOrder(layers []string) []kerasEntry {
	all := places(layers)
	var entries []kerasEntry
	for i := range all {
		entries = append(entries, kerasEntry{i, false}, kerasEntry{i, true})
	}
	depth := func(e kerasEntry) int {
		d := 3*all[e.number].depth + all[e.number].concats
		if !e.norm {
			d++
		}
		return d
	}
	slices.SortStableFunc(entries, func(a, b kerasEntry) int {
		return cmp.Or(cmp.Compare(all[a.number].module, all[b.number].module), cmp.Compare(depth(b), depth(a)))
	})
	return entries
}
