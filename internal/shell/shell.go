// Package shell writes words so that a shell reads them back: messages name
// commands to type, and paths may have spaces.
package shell

import (
	"runtime"
	"strings"
)

// Quote returns a word as it has to be typed: as it is, or in quotes where it
// holds what a shell would take for something else.
func Quote(word string) string {
	if word != "" && !strings.ContainsFunc(word, special) {
		return word
	}
	if runtime.GOOS == "windows" {
		return `"` + word + `"` // a path cannot hold the quotation mark itself
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// special reports whether a shell may take r for something else than itself.
func special(r rune) bool {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r > 0x7f:
		return false
	case r == '\\':
		return runtime.GOOS != "windows"
	}
	return !strings.ContainsRune("%+,-./:=@_", r)
}
