package pytorch

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
)

// unpickler runs the stack machine of Python's pickles, without Python: it
// builds plain values. Calls go to a hook that knows those that make tensors
// and dicts; any other call is recorded as an object. Nothing is executed.
type unpickler struct {
	in    *bytes.Reader
	stack []any
	memo  map[uint64]any

	call       func(f class, args tuple) (any, error) // of a class, by REDUCE and its like
	persistent func(id any) (any, error)              // a tensor's storage
}

// maxSteps bounds the opcodes of a pickle, of which some make far more memory
// than the byte that they take. A network's state dict has some ten thousand.
const maxSteps = 1 << 20

// load runs one pickle to its STOP.
func (u *unpickler) load() (any, error) {
	u.stack, u.memo = nil, map[uint64]any{}
	for range maxSteps {
		op, err := u.in.ReadByte()
		if err != nil {
			return nil, errors.New("pickle: ends before its STOP: the file is truncated")
		}
		if op == '.' {
			root, err := u.pop()
			if err != nil {
				return nil, fmt.Errorf("pickle: %w", err)
			}
			return root, nil
		}
		if err := u.step(op); err != nil {
			at := u.in.Size() - int64(u.in.Len()) - 1
			return nil, fmt.Errorf("pickle: opcode %q near byte %d: %w", op, at, err)
		}
	}
	return nil, fmt.Errorf("pickle: has more than %d opcodes; save the state dict alone", maxSteps)
}

// step runs one opcode.
func (u *unpickler) step(op byte) error {
	for _, group := range []func(byte) (bool, error){u.number, u.text, u.container, u.memory, u.classes} {
		if known, err := group(op); known || err != nil {
			return err
		}
	}
	return errors.New("is unknown")
}

// number handles numbers, None, booleans and the frames around opcodes.
func (u *unpickler) number(op byte) (bool, error) {
	switch op {
	case 0x80: // PROTO
		_, err := u.take(1)
		return true, err
	case 0x95: // FRAME
		_, err := u.take(8)
		return true, err
	case 'N':
		return true, u.push(nil)
	case 0x88, 0x89: // NEWTRUE, NEWFALSE
		return true, u.push(op == 0x88)
	case 'K', 'M', 'J': // BININT1, BININT2, BININT
		n, err := u.uint(map[byte]int{'K': 1, 'M': 2, 'J': 4}[op])
		if op == 'J' {
			return true, u.pushOr(int64(int32(n)), err)
		}
		return true, u.pushOr(int64(n), err)
	case 'G': // BINFLOAT, big-endian
		b, err := u.take(8)
		if err != nil {
			return true, err
		}
		return true, u.push(math.Float64frombits(binary.BigEndian.Uint64(b)))
	case 0x8a, 0x8b: // LONG1, LONG4
		b, err := u.counted(map[byte]int{0x8a: 1, 0x8b: 4}[op])
		return true, u.pushOr(longValue(b), err)
	case 'I', 'L', 'F': // INT, LONG, FLOAT of protocol 0
		line, err := u.line()
		if err != nil {
			return true, err
		}
		return true, u.pushLine(op, line)
	}
	return false, nil
}

// pushLine parses a number that is written as text.
func (u *unpickler) pushLine(op byte, line string) error {
	switch {
	case op == 'F':
		f, err := strconv.ParseFloat(line, 64)
		return u.pushOr(f, err)
	case op == 'I' && (line == "00" || line == "01"):
		return u.push(line == "01")
	}
	n, err := strconv.ParseInt(string(bytes.TrimSuffix([]byte(line), []byte("L"))), 10, 64)
	return u.pushOr(n, err)
}

// text handles str, bytes and bytearray, which are all Go strings here.
func (u *unpickler) text(op byte) (bool, error) {
	width, known := map[byte]int{
		'X': 4, 0x8c: 1, 0x8d: 8, // BINUNICODE, SHORT_, 8
		'T': 4, 'U': 1, // BINSTRING, SHORT_
		'B': 4, 'C': 1, 0x8e: 8, // BINBYTES, SHORT_, 8
		0x96: 8, // BYTEARRAY8
	}[op]
	if known {
		b, err := u.counted(width)
		return true, u.pushOr(string(b), err)
	}
	switch op {
	case 'V':
		line, err := u.line()
		return true, u.pushOr(line, err)
	case 'S': // quoted as Python 2 does
		line, err := u.line()
		if err == nil && (len(line) < 2 || line[0] != line[len(line)-1]) {
			err = errors.New("is a string without quotes")
		}
		if err != nil {
			return true, err
		}
		return true, u.push(line[1 : len(line)-1])
	}
	return false, nil
}

// container handles lists, tuples, dicts and sets.
func (u *unpickler) container(op byte) (bool, error) {
	switch op {
	case '(':
		return true, u.push(mark{})
	case '0': // POP
		_, err := u.pop()
		return true, err
	case '1': // POP_MARK
		_, err := u.sinceMark()
		return true, err
	case '}':
		return true, u.push(&dict{})
	case ']', 0x8f: // EMPTY_LIST, EMPTY_SET
		return true, u.push(&list{})
	case ')':
		return true, u.push(tuple{})
	case 0x85, 0x86, 0x87: // TUPLE1 to TUPLE3
		items, err := u.popN(int(op) - 0x84)
		return true, u.pushOr(tuple(items), err)
	case 't':
		items, err := u.sinceMark()
		return true, u.pushOr(tuple(items), err)
	case 'l', 0x91: // LIST, FROZENSET
		items, err := u.sinceMark()
		return true, u.pushOr(&list{items}, err)
	case 'd':
		items, err := u.sinceMark()
		if err != nil {
			return true, err
		}
		d := &dict{}
		_ = u.push(d)
		return true, setItems(d, items)
	case 'a': // APPEND
		items, err := u.popN(1)
		return true, u.extend(items, err)
	case 'e', 0x90: // APPENDS, ADDITEMS
		items, err := u.sinceMark()
		return true, u.extend(items, err)
	case 's': // SETITEM
		items, err := u.popN(2)
		return true, u.update(items, err)
	case 'u': // SETITEMS
		items, err := u.sinceMark()
		return true, u.update(items, err)
	}
	return false, nil
}

// extend appends to the list on top of the stack.
func (u *unpickler) extend(items []any, err error) error {
	if err != nil {
		return err
	}
	top, err := u.top()
	if err != nil {
		return err
	}
	switch top := top.(type) {
	case *list:
		top.items = append(top.items, items...)
	case *object:
		top.list.items = append(top.list.items, items...)
	default:
		return fmt.Errorf("appends to a %T", top)
	}
	return nil
}

// update sets keys of the dict on top of the stack.
func (u *unpickler) update(items []any, err error) error {
	if err != nil {
		return err
	}
	top, err := u.top()
	if err != nil {
		return err
	}
	switch top := top.(type) {
	case *dict:
		return setItems(top, items)
	case *object:
		return setItems(&top.dict, items)
	}
	return fmt.Errorf("sets items of a %T", top)
}

func setItems(d *dict, items []any) error {
	if len(items)%2 != 0 {
		return errors.New("sets a key without a value")
	}
	for i := 0; i < len(items); i += 2 {
		d.pairs = append(d.pairs, pair{items[i], items[i+1]})
	}
	return nil
}

// memory handles the memo, through which values are shared.
func (u *unpickler) memory(op byte) (bool, error) {
	var key uint64
	var err error
	switch op {
	case 'q', 'h': // BINPUT, BINGET
		key, err = u.uint(1)
	case 'r', 'j': // LONG_BINPUT, LONG_BINGET
		key, err = u.uint(4)
	case 'p', 'g': // PUT, GET
		var line string
		if line, err = u.line(); err == nil {
			key, err = strconv.ParseUint(line, 10, 64)
		}
	case 0x94: // MEMOIZE
		key = uint64(len(u.memo))
	case '2': // DUP
		top, err := u.top()
		return true, u.pushOr(top, err)
	default:
		return false, nil
	}
	if err != nil {
		return true, err
	}
	if op == 'h' || op == 'j' || op == 'g' {
		value, ok := u.memo[key]
		if !ok {
			return true, fmt.Errorf("asks for memo %d, which was not set", key)
		}
		return true, u.push(value)
	}
	top, err := u.top()
	u.memo[key] = top
	return true, err
}

// classes handles names of classes, calls of them, and persistent ids.
func (u *unpickler) classes(op byte) (bool, error) {
	switch op {
	case 'c': // GLOBAL
		module, err := u.line()
		if err != nil {
			return true, err
		}
		name, err := u.line()
		if err != nil {
			return true, err
		}
		return true, u.push(class{module, name})
	case 0x93: // STACK_GLOBAL
		names, err := u.popN(2)
		if err != nil {
			return true, err
		}
		module, ok1 := names[0].(string)
		name, ok2 := names[1].(string)
		if !ok1 || !ok2 {
			return true, errors.New("names a class by something other than strings")
		}
		return true, u.push(class{module, name})
	case 'b': // BUILD: attributes
		return true, u.build()
	case 'Q': // BINPERSID
		id, err := u.pop()
		if err != nil {
			return true, err
		}
		value, err := u.persistent(id)
		return true, u.pushOr(value, err)
	}
	return u.calls(op)
}

// calls handles what makes objects, of which only the hook makes some.
func (u *unpickler) calls(op byte) (bool, error) {
	switch op {
	case 'R', 0x81: // REDUCE, NEWOBJ
		items, err := u.popN(2)
		if err != nil {
			return true, err
		}
		return true, u.make(items[0], items[1])
	case 0x92: // NEWOBJ_EX, with keywords
		items, err := u.popN(3)
		if err != nil {
			return true, err
		}
		return true, u.make(items[0], items[1])
	case 'o': // OBJ
		items, err := u.sinceMark()
		if err != nil || len(items) == 0 {
			return true, cmp.Or(err, errUnderflow)
		}
		return true, u.make(items[0], tuple(items[1:]))
	case 'i': // INST
		module, err1 := u.line()
		name, err2 := u.line()
		items, err3 := u.sinceMark()
		if err := cmp.Or(err1, err2, err3); err != nil {
			return true, err
		}
		return true, u.make(class{module, name}, tuple(items))
	}
	return false, nil
}

// make pushes what a call gives. What is called may be what another call gave,
// such as a bound method of a scheduler.
func (u *unpickler) make(f, args any) error {
	items, ok := args.(tuple)
	if !ok {
		return fmt.Errorf("calls %s with something other than a tuple", describe(f))
	}
	switch f := f.(type) {
	case class:
		value, err := u.call(f, items)
		return u.pushOr(value, err)
	case *object:
		return u.push(&object{class: f.class, args: items})
	}
	return errors.New("calls something that is not a class")
}

// build keeps an object's attributes; those of a dict, such as a state dict's
// _metadata, are not looked at.
func (u *unpickler) build() error {
	state, err := u.pop()
	if err != nil {
		return err
	}
	top, err := u.top()
	if o, ok := top.(*object); ok {
		o.state = state
	}
	return err
}
