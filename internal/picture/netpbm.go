package picture

import (
	"errors"
	"fmt"
	"io"
)

var netpbmFormat = format{
	name: "PBM, PGM, PPM", ending: ".pnm",
	is: func(data []byte) bool {
		return len(data) > 2 && data[0] == 'P' && data[1] >= '1' && data[1] <= '6' && isSpace(data[2])
	},
	measure: func(data []byte) (header, error) {
		n, err := readNetpbm(data)
		return header{n.w, n.h, 3 * int64(n.w) * int64(n.h)}, err
	},
	decode: decodeNetpbm,
}

// netpbm is a picture of Netpbm's plain (P1 to P3) or raw (P4 to P6) formats.
type netpbm struct {
	kind byte
	w, h int
	most int // value of a sample
	rest []byte
}

func readNetpbm(data []byte) (netpbm, error) {
	n := netpbm{kind: data[1], rest: data[2:], most: 1}
	numbers := []*int{&n.w, &n.h, &n.most}
	if n.bits() {
		numbers = numbers[:2]
	}
	for _, to := range numbers {
		v, err := n.number()
		if err != nil {
			return n, err
		}
		*to = v
	}
	if n.most < 1 || n.most > 65535 {
		return n, fmt.Errorf("samples go up to %d; it must be from 1 to 65535", n.most)
	}
	if len(n.rest) > 0 {
		n.rest = n.rest[1:] // one space ends the header
	}
	return n, nil
}

// bits says whether samples are bits, of which 1 is black.
func (n *netpbm) bits() bool { return n.kind == '1' || n.kind == '4' }

// skip skips spaces and comments.
func (n *netpbm) skip() {
	for len(n.rest) > 0 && (isSpace(n.rest[0]) || n.rest[0] == '#') {
		if n.rest[0] == '#' {
			for len(n.rest) > 0 && n.rest[0] != '\n' && n.rest[0] != '\r' {
				n.rest = n.rest[1:]
			}
			continue
		}
		n.rest = n.rest[1:]
	}
}

// number reads a number behind spaces and comments.
func (n *netpbm) number() (int, error) {
	n.skip()
	v, digits := 0, 0
	for ; len(n.rest) > 0 && n.rest[0] >= '0' && n.rest[0] <= '9'; digits++ {
		if v = 10*v + int(n.rest[0]-'0'); v > 1<<27 { // ten times which is an int of 32 bits
			return 0, errors.New("has a number that is too large")
		}
		n.rest = n.rest[1:]
	}
	switch {
	case digits == 0 && len(n.rest) == 0:
		return 0, io.ErrUnexpectedEOF
	case digits == 0:
		return 0, fmt.Errorf("has %q where a number should be", n.rest[0])
	}
	return v, nil
}

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

func decodeNetpbm(data []byte) (Image, error) {
	n, err := readNetpbm(data)
	if err != nil {
		return Image{}, err
	}
	im := New(n.w, n.h)
	samples := 1
	if n.kind == '3' || n.kind == '6' {
		samples = 3
	}
	row := make([]uint8, samples*n.w)
	for y := range n.h {
		if err := n.row(row); err != nil {
			if y == 0 {
				return Image{}, err
			}
			im.Damage = damageOf(err)
			break
		}
		to := im.Pix[3*y*n.w:][:3*n.w]
		if samples == 3 {
			copy(to, row)
			continue
		}
		for x, v := range row {
			to[3*x], to[3*x+1], to[3*x+2] = v, v, v
		}
	}
	return im, nil
}

// row reads a row of samples, stretched to eight bits.
func (n *netpbm) row(row []uint8) error {
	switch {
	case n.kind == '1':
		return n.plainBits(row)
	case n.kind == '4':
		size := (len(row) + 7) / 8
		if len(n.rest) < size {
			return io.ErrUnexpectedEOF
		}
		for x := range row {
			row[x] = 255 * (^n.rest[x/8] >> (7 - x%8) & 1)
		}
		n.rest = n.rest[size:]
		return nil
	case n.kind <= '3':
		for i := range row {
			v, err := n.number()
			if err != nil {
				return err
			}
			row[i] = n.stretched(v)
		}
		return nil
	}
	size := 1
	if n.most > 255 {
		size = 2
	}
	if len(n.rest) < size*len(row) {
		return io.ErrUnexpectedEOF
	}
	for i := range row {
		v := int(n.rest[size*i])
		if size == 2 {
			v = v<<8 | int(n.rest[2*i+1])
		}
		row[i] = n.stretched(v)
	}
	n.rest = n.rest[size*len(row):]
	return nil
}

// plainBits reads digits that need no space between them.
func (n *netpbm) plainBits(row []uint8) error {
	for i := range row {
		n.skip()
		switch {
		case len(n.rest) == 0:
			return io.ErrUnexpectedEOF
		case n.rest[0] != '0' && n.rest[0] != '1':
			return fmt.Errorf("has %q where 0 or 1 should be", n.rest[0])
		}
		row[i] = 255 * (1 - (n.rest[0] - '0'))
		n.rest = n.rest[1:]
	}
	return nil
}

// stretched returns a sample of 0 to most as one of 0 to 255; of 16 bits, the
// upper eight.
func (n *netpbm) stretched(v int) uint8 {
	if n.most == 65535 {
		return uint8(v >> 8)
	}
	return uint8(min((2*v*255+n.most)/(2*n.most), 255))
}
