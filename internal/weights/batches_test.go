package weights

import (
	"errors"
	"testing"
)

// PyTorch's counters differ from layer to layer where some were frozen.
func TestStepCountersAreKept(t *testing.T) {
	for _, c := range []struct {
		a, b float32
		kept string
	}{{0, 0, ""}, {7, 7, "7"}, {0, 7, `{"a":0,"b":7}`}} {
		var m Metadata
		err := m.keepBatches(map[string][]int{"a" + countSuffix: {}, "b" + countSuffix: {}, "b.weight": {1}},
			func(name string) ([]float32, error) {
				return []float32{map[string]float32{"a" + countSuffix: c.a, "b" + countSuffix: c.b}[name]}, nil
			})
		if err != nil || m.Extra[extraBatches] != c.kept {
			t.Errorf("%v: kept %q, %v", c, m.Extra[extraBatches], err)
		}
		if of := m.batches(); of("a") != int64(c.a) || of("b") != int64(c.b) {
			t.Errorf("%v: %d and %d", c, of("a"), of("b"))
		}
	}
}

func TestTheFirstUnreadableCounterIsTold(t *testing.T) {
	shapes := map[string][]int{"a" + countSuffix: {}, "b" + countSuffix: {}, "c" + countSuffix: {}}
	for range 50 {
		var m Metadata
		err := m.keepBatches(shapes, func(name string) ([]float32, error) { return nil, errors.New(name) })
		if err == nil || err.Error() != "a"+countSuffix {
			t.Fatal(err)
		}
	}
}
