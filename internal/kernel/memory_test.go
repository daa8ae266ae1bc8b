package kernel

import (
	"runtime"
	"testing"
	"unsafe"
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

// What lies outside the whole huge pages of dropped memory is as it was; Linux took
// those.
func TestDropFloats(t *testing.T) {
	floats := NewFloats(3*hugePage/floatBytes + 5)
	for i := range floats {
		floats[i] = 1
	}
	dropFloats(floats[:10])
	pages := hugePages(floats)
	from := int(uintptr(unsafe.Pointer(&pages[0]))-uintptr(unsafe.Pointer(&floats[0]))) / floatBytes
	for i, v := range floats {
		want := float32(1)
		if runtime.GOOS == "linux" && i >= from && i < from+len(pages)/floatBytes {
			want = 0
		}
		if v != want {
			t.Fatalf("float %d of %d is %v, want %v", i, len(floats), v, want)
		}
	}
}

// A Slab's slices are zero, begin cache lines, and do not share memory.
func TestSlab(t *testing.T) {
	var slab Slab
	var taken [][]float32
	for _, s := range []*Slab{&slab, nil} {
		for _, n := range []int{1, 16, 17, slabFloats - 20, 100, slabFloats, 3} {
			floats := s.Floats(n)
			if len(floats) != n || s != nil && cap(floats) != n {
				t.Fatalf("%d floats and room for %d, want %d", len(floats), cap(floats), n)
			}
			if at := uintptr(unsafe.Pointer(&floats[0])); s != nil && at%64 != 0 {
				t.Errorf("%d floats begin at %x", n, at)
			}
			for i, v := range floats {
				if v != 0 {
					t.Fatalf("float %d of %d is %v", i, n, v)
				}
				floats[i] = float32(len(taken) + 1)
			}
			taken = append(taken, floats)
		}
	}
	for i, floats := range taken {
		for _, v := range floats {
			if v != float32(i+1) {
				t.Fatalf("slice %d is overwritten by slice %v", i, v-1)
			}
		}
	}
}
