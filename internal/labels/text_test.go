package labels

import (
	"os"
	"slices"
	"strings"
	"testing"
)

func TestTextFilesMayBeginWithAByteOrderMark(t *testing.T) {
	marked, err := os.ReadFile("testdata/bom_crlf.txt")
	if err != nil {
		t.Fatal(err)
	}
	if got := Lines(marked); !slices.Equal(got, []string{"red", "green", "blue", "d", "e", "f"}) {
		t.Errorf("lines are %q", got)
	}
	for name, data := range map[string]string{
		"plain": "ä\nb\n", "UTF-8": "\xef\xbb\xbfä\r\nb", "UTF-16 LE": "\xff\xfe\xe4\x00\x0a\x00b\x00",
		"UTF-16 BE": "\xfe\xff\x00\xe4\x00\x0a\x00b\x00\x0a", "cut UTF-16": "\xff\xfe\xe4\x00\x0a\x00b\x00\x0a",
	} {
		if got := Lines([]byte(data)); !slices.Equal(got, []string{"ä", "b"}) {
			t.Errorf("%s: lines are %q", name, got)
		}
	}
	text, err := os.ReadFile("testdata/map.tsv")
	if err != nil {
		t.Fatal(err)
	}
	if m, err := ParseMap(string(text)); err != nil || m["0"] != "1" || len(m) != 3 {
		t.Errorf("map is %q, %v", m, err)
	}
}

func TestNamesInBothNormalFormsMatch(t *testing.T) {
	const composed, decomposed = "K\u00e4se", "Ka\u0308se"
	for _, names := range [][2]string{{composed, decomposed}, {decomposed, composed}} {
		wanted, known := []string{names[0]}, []string{"Kase", names[1]}
		if m, err := MatchClasses(wanted, known, MatchOptions{}); err != nil || m.Rows[0] != 1 {
			t.Errorf("%q among %q: %v, %v", wanted, known, m, err)
		}
		o := MatchOptions{Map: map[string]string{names[1]: names[1]}}
		if m, err := MatchClasses(wanted, known, o); err != nil || m.Rows[0] != 1 {
			t.Errorf("mapped: %v, %v", m, err)
		}
	}
}

func TestNumberedRowsAreNoNames(t *testing.T) {
	numbers := strings.Fields("0 1 2 3 4 5 6 7 8 9 10 11")
	folders := slices.Sorted(slices.Values(numbers)) // 0 1 10 11 2 ...
	m, err := MatchClasses(folders, numbers, MatchOptions{})
	const want = `matched by number: "10" is row 10; if the network was trained on the folders in the order of ` +
		`their names, it is row 2: --classes-by-order`
	if err != nil || m.Rows[2] != 10 || !strings.Contains(m.Note, want) {
		t.Errorf("%+v, %v, want %q", m, err, want)
	}
	if m, err := MatchClasses(folders, numbers, MatchOptions{ByOrder: true}); err != nil || m.Rows[2] != 2 {
		t.Errorf("by order: %+v, %v", m, err)
	}
	if _, err := MatchClasses([]string{"cat"}, numbers, MatchOptions{}); err == nil ||
		!strings.Contains(err.Error(), "only count their 12 classes; --classes-by-order") {
		t.Errorf("names: %v", err)
	}
	// Weights trained here on such folders have their names.
	if m, err := MatchClasses(folders, folders, MatchOptions{}); err != nil || m.Note != "" || m.Rows[2] != 2 {
		t.Errorf("own labels: %+v, %v", m, err)
	}
}
