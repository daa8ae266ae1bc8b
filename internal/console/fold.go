package console

import (
	"strings"
	"unicode/utf8"
)

// widest is the most columns of a text that people read.
const widest = 100

// Fold breaks a paragraph between words into lines for a terminal of so many
// columns, of at most 100; columns 0 is no terminal. A longer word has its own line.
func Fold(text string, columns int) string {
	if columns < 1 || columns > widest {
		columns = widest
	}
	var b strings.Builder
	used := 0
	for _, word := range strings.Fields(text) {
		n := utf8.RuneCountInString(word)
		switch {
		case used == 0:
		case used+1+n > columns:
			b.WriteByte('\n')
			used = 0
		default:
			b.WriteByte(' ')
			used++
		}
		b.WriteString(word)
		used += n
	}
	return b.String()
}
