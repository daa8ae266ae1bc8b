package weights

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/ops"
)

// headlessClasses is the class count of networks without a classifier, whose
// fc is there and zero.
const headlessClasses = 1

// expected lists the parameters that weights of a structure have, without
// taking memory for their values.
func expected(spec model.Spec, noHead bool) ([]*ops.Param, error) {
	if noHead {
		spec.Classes = headlessClasses
	}
	params, err := model.Parameters(spec)
	if noHead {
		params = slices.DeleteFunc(params, func(p *ops.Param) bool { return p.Head })
	}
	return params, err
}

// StructureError lists every tensor by which a file differs from the network
// it is said to hold.
type StructureError struct {
	Network    string   // what was expected
	Missing    []string // "name [shape]"
	Misshapen  []string // "name is [shape], expected [shape]"
	Unexpected []string // "name [shape]"
	Expected   int      // number of tensors
}

func (e *StructureError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "the tensors are not those of %s: of %d expected, %d missing, %d of another shape; %d unexpected",
		e.Network, e.Expected, len(e.Missing), len(e.Misshapen), len(e.Unexpected))
	for _, part := range []struct {
		title string
		lines []string
	}{{"missing", e.Missing}, {"shape", e.Misshapen}, {"unexpected", e.Unexpected}} {
		for _, line := range part.lines {
			fmt.Fprintf(&b, "\n  %s: %s", part.title, line)
		}
	}
	return b.String()
}

// compare checks the shapes of a file's tensors against those of params. It
// returns nil or a *StructureError, in which theirs, if there is one, says
// what the file's family calls a parameter.
func compare(network string, params []*ops.Param, have map[string][]int, theirs func(string) string) error {
	e := &StructureError{Network: network, Expected: len(params)}
	call := func(name string) string {
		if theirs == nil {
			return name
		}
		return fmt.Sprintf("%s (here %s)", theirs(name), name)
	}
	wanted := map[string]bool{}
	for _, p := range params {
		wanted[p.Name] = true
		if norm, ok := normOf(p); ok {
			wanted[norm+countSuffix] = true
		}
		shape, ok := have[p.Name]
		switch {
		case !ok:
			e.Missing = append(e.Missing, fmt.Sprintf("%s %v", call(p.Name), p.Shape))
		case !slices.Equal(shape, p.Shape):
			e.Misshapen = append(e.Misshapen, fmt.Sprintf("%s is %v, expected %v", call(p.Name), shape, p.Shape))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(have)) {
		if !wanted[name] {
			e.Unexpected = append(e.Unexpected, fmt.Sprintf("%s %v", name, have[name]))
		}
	}
	if len(e.Missing)+len(e.Misshapen)+len(e.Unexpected) == 0 {
		return nil
	}
	return e
}
