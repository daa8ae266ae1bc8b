package console

import (
	"strings"
	"testing"
)

func TestFoldBreaksBetweenWords(t *testing.T) {
	for _, c := range []struct {
		name, text, want string
		columns          int
	}{
		{"short", "one two", "one two", 20},
		{"full line", "one two three", "one two\nthree", 7},
		{"one column more than fits", "one two", "one\ntwo", 6},
		{"long word", "a incomprehensible b", "a\nincomprehensible\nb", 6},
		{"letters, not bytes", "ä ö ü", "ä ö\nü", 3},
		{"spaces", "  a \n b ", "a b", 10},
		{"nothing", "", "", 10},
		{"no terminal", strings.Repeat("ab ", 40), strings.TrimSpace(strings.Repeat("ab ", 33)) + "\n" +
			strings.TrimSpace(strings.Repeat("ab ", 7)), 0},
		{"wide terminal", strings.Repeat("ab ", 40), strings.TrimSpace(strings.Repeat("ab ", 33)) + "\n" +
			strings.TrimSpace(strings.Repeat("ab ", 7)), 300},
	} {
		if is := Fold(c.text, c.columns); is != c.want {
			t.Errorf("%s: %q folded at %d is %q, want %q", c.name, c.text, c.columns, is, c.want)
		}
	}
}
