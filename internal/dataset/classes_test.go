package dataset

import (
	"slices"
	"strings"
	"testing"
)

func TestMatchClassesTellsAlikeNamesApart(t *testing.T) {
	for _, c := range []struct {
		name           string
		wanted, labels []string
		o              MatchOptions
		want           []int
		fails          string
	}{
		{"the same names match by position", []string{"a", "a"}, []string{"a", "a"}, MatchOptions{}, []int{0, 1}, ""},
		{"an exact name goes before a first name", []string{"crane"}, []string{"crane, bird", "crane"}, MatchOptions{}, []int{1}, ""},
		{"the whole label matches, too", []string{"maillot, tank suit"}, []string{"maillot", "maillot, tank suit"}, MatchOptions{}, []int{1}, ""},
		{"an exact name goes before one that differs in signs", []string{"C#", "C++"}, []string{"C", "C++", "C#"}, MatchOptions{}, []int{2, 1}, ""},
		{"names of signs only match exactly", []string{"-", "+"}, []string{"+", "-"}, MatchOptions{}, []int{1, 0}, ""},
		{"names of signs only match nothing else", []string{"*"}, []string{"+", "a"}, MatchOptions{}, nil, "matches no label"},
		{"letters beyond ASCII match in either case", []string{"ÄPFEL"}, []string{"Birnen", "äpfel"}, MatchOptions{}, []int{1}, ""},
		{"numbers that are names match by name", []string{"2", "1"}, []string{"1", "2", "3"}, MatchOptions{}, []int{1, 0}, ""},
		{"numbers among names are no indices", []string{"0", "b"}, []string{"a", "b"}, MatchOptions{}, nil, `"0" matches no label`},
		{"the map goes before equal names", []string{"a", "b"}, []string{"a", "b"}, MatchOptions{Map: map[string]string{"a": "b", "b": "a"}}, []int{1, 0}, ""},
		{"the map exchanges names", []string{"b", "a"}, []string{"a", "b", "c"}, MatchOptions{Map: map[string]string{"a": "c"}}, []int{1, 2}, ""},
		{"a number's slip in the map is no index", []string{"1", "0"}, []string{"a", "b"}, MatchOptions{Map: map[string]string{"1": "bb"}}, nil, `nearest are "b"`},
		{"a negative number in the map is no row", []string{"1"}, []string{"a", "b"}, MatchOptions{Map: map[string]string{"1": "-1"}}, nil, "matches no label"},
		{"fewer classes than rows go by order", []string{"x"}, []string{"a", "b"}, MatchOptions{ByOrder: true}, []int{0}, ""},
		{"no classes match no rows", nil, []string{"a"}, MatchOptions{}, []int{}, ""},
		{"no labels match nothing", []string{"a"}, nil, MatchOptions{}, nil, "matches no label"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := MatchClasses(c.wanted, c.labels, c.o)
			if c.fails == "" && (err != nil || !slices.Equal(got, c.want)) {
				t.Errorf("%v, %v, want %v", got, err, c.want)
			}
			if c.fails != "" && (err == nil || !strings.Contains(err.Error(), c.fails)) {
				t.Errorf("%v, error is %v, want %q", got, err, c.fails)
			}
		})
	}
}

func TestEditsAreLevenshteins(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"kitten", "sitting", 3}, {"flaw", "lawn", 2}, {"same", "same", 0}} {
		if got := edits(c.a, c.b); got != c.want {
			t.Errorf("%q to %q takes %d edits, want %d", c.a, c.b, got, c.want)
		}
	}
}
