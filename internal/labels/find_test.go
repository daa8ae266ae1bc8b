package labels

import (
	"strings"
	"testing"
)

func TestFindNamesOneClass(t *testing.T) {
	flowers := []string{"daisy", "wild rose", "tulip", "7"}
	imagenet := ImageNet()
	for _, c := range []struct {
		name   string
		labels []string
		row    int
		err    string
	}{
		{"tulip", flowers, 2, ""}, {"Wild_Rose", flowers, 1, ""}, {"0", flowers, 0, "no class"}, {"7", flowers, 3, ""},
		{"1", []string{"a", "b"}, 1, ""}, {"2", []string{"a", "b"}, 0, `no class is called "2"; the indices are from 0 to 1`},
		{"2", []string{"0", "1", "2"}, 2, ""},
		{"tulp", flowers, 0, `no class is called "tulp"; the nearest are "tulip"`},
		{"n01440764", imagenet, 0, ""}, {"tench", imagenet, 0, ""}, {"1", imagenet, 1, ""},
		{"a", []string{"A!", "a?"}, 0, `"a" could be "A!", index 0 or "a?", index 1; name it by its index`},
	} {
		row, err := Find(c.name, c.labels)
		if c.err == "" && (err != nil || row != c.row) {
			t.Errorf("%s: row %d, %v, want %d", c.name, row, err, c.row)
		}
		if c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%s: %v, want %q", c.name, err, c.err)
		}
	}
}
