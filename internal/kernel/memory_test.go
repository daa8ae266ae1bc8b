package kernel

import (
	"testing"
)

// Memory is zero and as long as asked for, whether it has huge pages or not, and
// what lies beside it is as it was.
func TestNewFloats(t *testing.T) {
	for _, n := range []int{0, 1, hugePage / floatBytes, 3*hugePage/floatBytes + 5} {
		before := make([]float32, 1000)
		floats := NewFloats(n)
		if len(floats) != n {
			t.Fatalf("%d floats, want %d", len(floats), n)
		}
		for i, v := range floats {
			if v != 0 {
				t.Fatalf("float %d of %d is %v", i, n, v)
			}
			floats[i] = 1
		}
		for i, v := range before {
			if v != 0 {
				t.Fatalf("float %d beside %d is %v", i, n, v)
			}
		}
	}
}
