package console

import (
	"fmt"
	"io"
	"unicode"
	"unicode/utf8"
)

// Plain is a writer that writes the control characters of a text out, as
// \u001b: names of files, classes and labels come from others, and a terminal
// obeys what stands in them. Inside JSON it means the same as before.
type Plain struct {
	to      io.Writer
	pending []byte // a character that goes on in the next write
}

// NewPlain returns a Plain that writes to w.
func NewPlain(w io.Writer) *Plain { return &Plain{to: w} }

// Cursor returns the writer behind a Plain, for what moves the cursor; any
// other writer is returned as it is.
func Cursor(w io.Writer) io.Writer {
	if p, ok := w.(*Plain); ok {
		return p.to
	}
	return w
}

// Write implements io.Writer.
func (p *Plain) Write(text []byte) (int, error) {
	in := append(p.pending, text...)
	p.pending = nil
	out := make([]byte, 0, len(in))
	for len(in) > 0 {
		if !utf8.FullRune(in) {
			p.pending = append(p.pending, in...)
			break
		}
		r, size := utf8.DecodeRune(in)
		switch {
		case r == utf8.RuneError && size == 1:
			out = fmt.Appendf(out, `\x%02x`, in[0])
		case obeyed(r):
			out = fmt.Appendf(out, `\u%04x`, r)
		default:
			out = append(out, in[:size]...)
		}
		in = in[size:]
	}
	if _, err := p.to.Write(out); err != nil {
		return 0, err
	}
	return len(text), nil
}

// obeyed reports whether a terminal does something else with r than show it.
func obeyed(r rune) bool {
	switch {
	case r == '\n', r == '\t':
		return false
	case 0x202a <= r && r <= 0x202e, 0x2066 <= r && r <= 0x2069: // the order of what follows
		return true
	}
	return unicode.IsControl(r)
}
