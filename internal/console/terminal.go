package console

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/term"
)

// Style is how a text stands out on a terminal: the parameter of ANSI's
// "select graphic rendition".
type Style string

// The styles of messages.
const (
	Failure Style = "31" // red
	Good    Style = "32" // green
	Warning Style = "33" // yellow
)

// Styled writes a text to w, in a style if w is a terminal that shows colours
// and the variable NO_COLOR is unset or empty (https://no-color.org).
func Styled(w io.Writer, style Style, text string) {
	if !coloured(w) {
		fmt.Fprint(w, text)
		return
	}
	out := Cursor(w)
	fmt.Fprint(out, "\x1b["+string(style)+"m")
	fmt.Fprint(w, text)
	fmt.Fprint(out, "\x1b[0m")
}

// coloured reports whether w shows colours.
func coloured(w io.Writer) bool {
	return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && IsTerminal(w)
}

// IsTerminal reports whether w, or what is behind a Plain, is a terminal.
func IsTerminal(w io.Writer) bool {
	f, ok := Cursor(w).(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) && obeysCodes(f)
}

// Width returns a function that returns the columns of the terminal that w is;
// nil if w is none.
func Width(w io.Writer) func() int {
	if !IsTerminal(w) {
		return nil
	}
	f := Cursor(w).(*os.File)
	return func() int {
		const usual = 80
		if columns, _, err := term.GetSize(int(f.Fd())); err == nil && columns > 0 {
			return columns
		}
		return usual
	}
}
