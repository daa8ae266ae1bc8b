package pytorch

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/inception-go/inception/internal/weights/element"
)

// storageTypes are the element types of torch's storage classes.
var storageTypes = map[string]element.Type{
	"DoubleStorage": element.F64, "FloatStorage": element.F32,
	"HalfStorage": element.F16, "BFloat16Storage": element.BF16,
	"LongStorage": element.I64, "IntStorage": element.I32,
	"ShortStorage": "I16", "CharStorage": "I8", "ByteStorage": "U8", "BoolStorage": "BOOL",
	"ComplexFloatStorage": "C64",
}

// otherStorages are the element sizes of storages whose tensors are refused
// where they are needed.
var otherStorages = map[string]int{
	"ComplexDoubleStorage": 16, "QInt8Storage": 1, "QUInt8Storage": 1, "QInt32Storage": 4,
	"QUInt4x2Storage": 1, "QUInt2x4Storage": 1, "UntypedStorage": 1, "_UntypedStorage": 1,
}

// storage is a run of elements that tensors are views of.
type storage struct {
	class string
	kind  element.Type // empty for one of otherStorages
	size  int          // of an element
	key   string
	count int64
	data  func() ([]byte, error)
}

// tensor is a view of a storage.
type tensor struct {
	storage       *storage
	offset        int64
	shape, stride []int
}

// caller stands in for the few functions that rebuild state dicts. A call of
// anything else is recorded, not made.
type caller struct {
	pairs int // how many more pairs newDict may copy; each came from the file once
}

func (c *caller) call(f class, args tuple) (any, error) {
	switch f.String() {
	case "collections.OrderedDict", "collections.defaultdict", "collections.Counter", "builtins.dict", "__builtin__.dict":
		return c.newDict(args)
	case "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2":
		return newTensor(args)
	case "torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state":
		if len(args) == 0 {
			return nil, errors.New("is a parameter without a tensor")
		}
		return args[0], nil
	}
	// A subclass of Tensor: function, type, arguments, state.
	if strings.HasPrefix(f.name, "_rebuild_from_type") && len(args) >= 3 {
		inner, ok1 := args[0].(class)
		innerArgs, ok2 := args[2].(tuple)
		if ok1 && ok2 && inner != f {
			return c.call(inner, innerArgs)
		}
	}
	return &object{class: f, args: args}, nil
}

var errCopies = errors.New("copies its lists more often than its size allows")

// newDict makes an OrderedDict, which older Pythons give their items as a
// list of pairs, or a Counter, which takes a dict.
func (c *caller) newDict(args tuple) (any, error) {
	d := &dict{}
	if len(args) == 0 {
		return d, nil
	}
	items, ok := args[0].(*list)
	if from, isDict := args[0].(*dict); isDict {
		if c.pairs -= len(from.pairs); c.pairs < 0 {
			return nil, errCopies
		}
		d.pairs = append(d.pairs, from.pairs...)
	}
	if !ok {
		return d, nil
	}
	// One list, copied again and again, would take memory without bound.
	if c.pairs -= len(items.items); c.pairs < 0 {
		return nil, errCopies
	}
	for _, item := range items.items {
		kv, ok := item.(tuple)
		if l, isList := item.(*list); isList {
			kv, ok = l.items, true
		}
		if ok && len(kv) == 2 {
			d.pairs = append(d.pairs, pair{kv[0], kv[1]})
		}
	}
	return d, nil
}

// newTensor checks a view's arguments: storage, offset, shape, stride, ...
func newTensor(args tuple) (any, error) {
	if len(args) < 4 {
		return nil, errors.New("rebuilds a tensor from too few arguments")
	}
	t := &tensor{}
	var ok bool
	if t.storage, ok = args[0].(*storage); !ok {
		return nil, errors.New("rebuilds a tensor without a storage")
	}
	if t.offset, ok = args[1].(int64); !ok || t.offset < 0 {
		return nil, errors.New("rebuilds a tensor with an impossible offset")
	}
	var err error
	if t.shape, err = dimensions(args[2]); err != nil {
		return nil, err
	}
	if t.stride, err = dimensions(args[3]); err != nil {
		return nil, err
	}
	return t, t.check()
}

// maxDimensions keeps a shape that many tensors share small.
const maxDimensions = 8

// dimensions reads a shape or a stride.
func dimensions(v any) ([]int, error) {
	if size, ok := v.(*object); ok && size.class.name == "Size" && len(size.args) == 1 {
		v = size.args[0]
	}
	items, ok := v.(tuple)
	if l, isList := v.(*list); isList {
		items, ok = l.items, true
	}
	if !ok {
		return nil, fmt.Errorf("has a %T for a tensor's shape", v)
	}
	if len(items) > maxDimensions {
		return nil, fmt.Errorf("has a tensor of %d dimensions", len(items))
	}
	dims := make([]int, len(items))
	for i, item := range items {
		d, ok := item.(int64)
		if !ok || d < 0 || d > min(1<<40, math.MaxInt) {
			return nil, fmt.Errorf("has the dimension %s", describe(item))
		}
		dims[i] = int(d)
	}
	return dims, nil
}

// maxExpanded bounds the elements of a view that has more than its storage,
// which an expanded tensor has; no network's tensor has more.
const maxExpanded = 1 << 22

// check keeps a view inside its storage, and its elements within the file's
// size or a few megabytes.
func (t *tensor) check() error {
	if len(t.shape) != len(t.stride) {
		return fmt.Errorf("has a tensor of shape %v with strides %v", t.shape, t.stride)
	}
	count, err := element.Bytes(t.shape, 1, t.most())
	if err != nil {
		return fmt.Errorf("has a tensor beyond its storage: %w", err)
	}
	if count == 0 {
		return nil
	}
	last := t.offset
	if last >= t.storage.count {
		return fmt.Errorf("has a tensor at offset %d of a storage of %d", last, t.storage.count)
	}
	for i, d := range t.shape {
		far := d > 1 && int64(t.stride[i]) > t.storage.count/int64(d-1) // else no product overflows
		if !far && d > 1 {
			last += int64(d-1) * int64(t.stride[i])
		}
		if far || last >= t.storage.count {
			return fmt.Errorf("has a tensor of shape %v, offset %d and strides %v outside of its storage of %d", t.shape,
				t.offset, t.stride, t.storage.count)
		}
	}
	return nil
}

// most is how many elements the view may have.
func (t *tensor) most() int { return max(int(t.storage.count), maxExpanded) }

// bytes returns the view's elements in row-major order.
func (t *tensor) bytes() ([]byte, error) {
	size := t.storage.size
	data, err := t.storage.data()
	if err != nil {
		return nil, err
	}
	count, err := element.Bytes(t.shape, 1, t.most())
	if err != nil || count == 0 {
		return nil, err
	}
	if int64(len(data)) < t.storage.count*int64(size) {
		return nil, fmt.Errorf("storage %q has %d bytes for %d elements of %s", t.storage.key, len(data),
			t.storage.count, t.storage.class)
	}
	data = data[int(t.offset)*size:]
	if t.contiguous() {
		return data[:count*size], nil
	}
	if t.expanded() {
		return bytes.Repeat(data[:size], count), nil
	}
	out := make([]byte, 0, count*size)
	index := make([]int, len(t.shape))
	for {
		at := 0
		for i, x := range index {
			at += x * t.stride[i]
		}
		out = append(out, data[at*size:(at+1)*size]...)
		i := len(index) - 1
		for ; i >= 0; i-- {
			if index[i]++; index[i] < t.shape[i] {
				break
			}
			index[i] = 0
		}
		if i < 0 {
			return out, nil
		}
	}
}

// expanded reports whether all elements of the view are one.
func (t *tensor) expanded() bool {
	for i, d := range t.shape {
		if d > 1 && t.stride[i] != 0 {
			return false
		}
	}
	return true
}

// contiguous reports whether the view is row-major as it lies.
func (t *tensor) contiguous() bool {
	step := 1
	for i := len(t.shape) - 1; i >= 0; i-- {
		if t.shape[i] != 1 && t.stride[i] != step {
			return false
		}
		step *= t.shape[i]
	}
	return true
}
