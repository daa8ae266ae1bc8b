package pytorch

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

var errUnderflow = errors.New("takes more from its stack than is there")

func (u *unpickler) push(v any) error {
	u.stack = append(u.stack, v)
	return nil
}

func (u *unpickler) pushOr(v any, err error) error {
	if err != nil {
		return err
	}
	return u.push(v)
}

func (u *unpickler) top() (any, error) {
	if len(u.stack) == 0 {
		return nil, errUnderflow
	}
	return u.stack[len(u.stack)-1], nil
}

func (u *unpickler) pop() (any, error) {
	items, err := u.popN(1)
	if err != nil {
		return nil, err
	}
	return items[0], nil
}

// popN takes n values off the stack; they are the caller's to keep.
func (u *unpickler) popN(n int) ([]any, error) {
	at := len(u.stack) - n
	if at < 0 {
		return nil, errUnderflow
	}
	items := append([]any(nil), u.stack[at:]...)
	for _, item := range items {
		if _, ok := item.(mark); ok {
			return nil, errUnderflow
		}
	}
	u.stack = u.stack[:at]
	return items, nil
}

// sinceMark takes all values above the last mark off the stack, and the mark.
func (u *unpickler) sinceMark() ([]any, error) {
	for at := len(u.stack) - 1; at >= 0; at-- {
		if _, ok := u.stack[at].(mark); ok {
			items := append([]any(nil), u.stack[at+1:]...)
			u.stack = u.stack[:at]
			return items, nil
		}
	}
	return nil, errUnderflow
}

// take reads n bytes; it checks that they are there before it takes memory.
func (u *unpickler) take(n uint64) ([]byte, error) {
	if n > uint64(u.in.Len()) {
		return nil, fmt.Errorf("wants %d bytes, the pickle has %d more", n, u.in.Len())
	}
	b := make([]byte, n)
	_, err := u.in.Read(b)
	if n == 0 {
		err = nil
	}
	return b, err
}

// uint reads a little-endian number of so many bytes.
func (u *unpickler) uint(width int) (uint64, error) {
	b, err := u.take(uint64(width))
	if err != nil {
		return 0, err
	}
	var full [8]byte
	copy(full[:], b)
	return binary.LittleEndian.Uint64(full[:]), nil
}

// counted reads a length of so many bytes, then that many bytes.
func (u *unpickler) counted(width int) ([]byte, error) {
	n, err := u.uint(width)
	if err != nil {
		return nil, err
	}
	return u.take(n)
}

// line reads to the end of a line.
func (u *unpickler) line() (string, error) {
	var b []byte
	for {
		c, err := u.in.ReadByte()
		if err != nil {
			return "", errors.New("has a line without an end")
		}
		if c == '\n' {
			return string(bytes.TrimSuffix(b, []byte("\r"))), nil
		}
		b = append(b, c)
	}
}
