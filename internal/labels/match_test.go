package labels

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestMatchClasses(t *testing.T) {
	labels := []string{"tench, Tinca tinca", "gold fish", "great_white-shark"}
	for _, c := range []struct {
		name   string
		wanted []string
		o      MatchOptions
		want   []int
		fails  string
	}{
		{"by name, whatever the spelling", []string{"Great White Shark", "tench", "goldfish"}, MatchOptions{}, []int{2, 0, 1}, ""},
		{"by number", []string{"2", "00"}, MatchOptions{}, []int{2, 0}, ""},
		{"by order", []string{"x", "y"}, MatchOptions{ByOrder: true}, []int{0, 1}, ""},
		{"by a map", []string{"Haie"}, MatchOptions{Map: map[string]string{"Haie": "great white shark"}}, []int{2}, ""},
		{"a stranger", []string{"goldfisch"}, MatchOptions{}, nil, `the nearest are "gold fish"`},
		{"a number beyond", []string{"0", "3"}, MatchOptions{}, nil, "matches no label"},
		{"two for one", []string{"goldfish", "gold-fish"}, MatchOptions{}, nil, "both match"},
		{"too many by order", []string{"a", "b", "c", "d"}, MatchOptions{ByOrder: true}, nil, "4 classes"},
	} {
		got, err := MatchClasses(c.wanted, labels, c.o)
		if c.fails == "" && (err != nil || !slices.Equal(got.Rows, c.want)) {
			t.Errorf("%s: %v, %v, want %v", c.name, got, err, c.want)
		}
		if c.fails != "" && (err == nil || !strings.Contains(err.Error(), c.fails)) {
			t.Errorf("%s: error is %v, want %q", c.name, err, c.fails)
		}
	}
}

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
		{"numbers that are labels match by value", []string{"002", "10"}, []string{"0", "1", "10", "2"}, MatchOptions{}, []int{3, 2}, ""},
		{"numbers beside labels that are numbers are no indices", []string{"0", "2"}, []string{"1", "2", "3"}, MatchOptions{}, nil, `"0" matches no label`},
		{"a first name that two labels share", []string{"crane"}, []string{"crane, bird", "crane, machine"}, MatchOptions{}, nil, `could be "crane, bird" or "crane, machine"`},
		{"a label that is there twice", []string{"a"}, []string{"a", "a", "b"}, MatchOptions{}, nil, `could be "a" in row 0 or "a" in row 1`},
		{"numbers among names are no indices", []string{"0", "b"}, []string{"a", "b"}, MatchOptions{}, nil, `"0" matches no label`},
		{"the map goes before equal names", []string{"a", "b"}, []string{"a", "b"}, MatchOptions{Map: map[string]string{"a": "b", "b": "a"}}, []int{1, 0}, ""},
		{"the map exchanges names", []string{"b", "a"}, []string{"a", "b", "c"}, MatchOptions{Map: map[string]string{"a": "c"}}, []int{1, 2}, ""},
		{"a number's slip in the map is no index", []string{"1", "0"}, []string{"a", "b"}, MatchOptions{Map: map[string]string{"1": "bb"}}, nil, `class "1" is mapped to "bb", which matches no label of the weights; the nearest are "b"`},
		{"a negative number in the map is no row", []string{"1"}, []string{"a", "b"}, MatchOptions{Map: map[string]string{"1": "-1"}}, nil, "matches no label"},
		{"fewer classes than rows go by order", []string{"x"}, []string{"a", "b"}, MatchOptions{ByOrder: true}, []int{0}, ""},
		{"no classes match no rows", nil, []string{"a"}, MatchOptions{}, []int{}, ""},
		{"no labels match nothing", []string{"a"}, nil, MatchOptions{}, nil, "matches no label"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := MatchClasses(c.wanted, c.labels, c.o)
			if c.fails == "" && (err != nil || !slices.Equal(got.Rows, c.want)) {
				t.Errorf("%.200v, %v, want %.200v", got, err, c.want)
			}
			if c.fails != "" && (err == nil || !strings.Contains(err.Error(), c.fails)) {
				t.Errorf("%v, error is %v, want %q", got, err, c.fails)
			}
		})
	}
}

// imageNetLabels returns ImageNet's labels, some of them changed.
func imageNetLabels(change func(row int, label string) string) []string {
	labels := ImageNet()
	for i := range labels {
		labels[i] = change(i, labels[i])
	}
	return labels
}

func TestImageNetsClassesAreInTheOrderOfTheirWnids(t *testing.T) {
	classes := imageNetClasses()
	if len(classes) != 1000 || !slices.IsSortedFunc(classes, func(a, b imageNetClass) int { return strings.Compare(a.wnid, b.wnid) }) {
		t.Fatalf("%d classes", len(classes))
	}
	seen := map[string]bool{}
	for i, label := range ImageNet() {
		if seen[label] || label == "" || !regexp.MustCompile(`^n\d{8}$`).MatchString(classes[i].wnid) {
			t.Errorf("row %d: %q, %s", i, label, classes[i].wnid)
		}
		seen[label] = true
	}
	for row, want := range map[int]string{0: "n01440764 tench", 134: "n02012849 crane bird", 517: "n03126707 crane", 999: "n15075141 toilet tissue"} {
		if got := classes[row].wnid + " " + classes[row].names[0]; got != want {
			t.Errorf("row %d is %s, want %s", row, got, want)
		}
	}
}

func TestImageNetFoldersMatchOrAreRefused(t *testing.T) {
	own := ImageNet()
	keras := imageNetLabels(func(row int, label string) string {
		if row == 134 || row == 639 {
			label, _, _ = strings.Cut(label, " ")
		}
		return strings.ReplaceAll(label, " ", "_")
	})
	wnids := imageNetLabels(func(row int, _ string) string { return imageNetClasses()[row].wnid })
	long := imageNetLabels(func(row int, label string) string {
		return imageNetClasses()[row].wnid + " " + label + ", whatever else"
	})
	const cranes = `n02012849 ("crane bird") or n03126707 ("crane"); name the folder by its wnid`
	for _, c := range []struct {
		name           string
		labels, wanted []string
		o              MatchOptions
		want           []int
		fails          string
	}{
		{"all wnids", own, wnids, MatchOptions{}, upTo(1000), ""},
		{"all names", wnids, own, MatchOptions{}, upTo(1000), ""},
		{"some wnids", own, []string{"n01443537", "n03126707", "n15075141"}, MatchOptions{}, []int{1, 517, 999}, ""},
		{"some wnids, other labels", keras, []string{"n02012849", "n03126707"}, MatchOptions{}, []int{134, 517}, ""},
		{"some wnids, labels with wnids", long, []string{"n02012849", "n01440764"}, MatchOptions{}, []int{134, 0}, ""},
		{"some names", own, []string{"great_white_shark", "Toilet Tissue"}, MatchOptions{}, []int{2, 999}, ""},
		{"names and wnids", own, []string{"goldfish", "n01440764"}, MatchOptions{}, []int{1, 0}, ""},
		{"numbers", own, []string{"0999", "7"}, MatchOptions{}, []int{999, 7}, ""},
		{"a number too large", own, []string{"1000", "7"}, MatchOptions{}, nil, `"1000" matches no label`},
		{"numbers among names", own, []string{"7", "tench"}, MatchOptions{}, nil, `"7" matches no label`},
		{"a wnid of no class", own, []string{"n01440765"}, MatchOptions{}, nil, `the nearest are n01440764 ("tench")`},
		{"a slip", own, []string{"goldfinsh"}, MatchOptions{}, nil, `n01531178 ("goldfinch")`},
		{"a crane of some kind", own, []string{"crane", "tench"}, MatchOptions{}, nil, cranes},
		{"a crane in capitals", own, []string{"CRANE"}, MatchOptions{}, nil, cranes},
		{"a crane among Keras' names", keras, []string{"crane"}, MatchOptions{}, nil, `n02012849 ("crane") or n03126707 ("crane")`},
		{"a crane among wnids", wnids, []string{"crane"}, MatchOptions{}, nil, `"n02012849" or "n03126707"`},
		{"both cranes", own, []string{"crane", "crane bird"}, MatchOptions{}, []int{517, 134}, ""},
		{"a crane beside the bird's wnid", own, []string{"crane", "n02012849"}, MatchOptions{}, []int{517, 134}, ""},
		{"the bird", own, []string{"crane_bird"}, MatchOptions{}, []int{134}, ""},
		{"the dog or the garment", own, []string{"cardigan"}, MatchOptions{}, nil, "n02113186"},
		{"the dog and the garment", own, []string{"Cardigan", "cardigan"}, MatchOptions{}, []int{264, 474}, ""},
		{"one maillot", own, []string{"maillot"}, MatchOptions{}, nil, "n03710637"},
		{"a mapped crane", own, []string{"crane"}, MatchOptions{Map: map[string]string{"crane": "crane"}}, []int{517}, ""},
		{"a crane mapped to a wnid", keras, []string{"crane"}, MatchOptions{Map: map[string]string{"crane": "n02012849"}}, []int{134}, ""},
		{"1000 classes of something else", imageNetLabels(func(row int, _ string) string { return "kind " + strconv.Itoa(row) }), []string{"n01440764"}, MatchOptions{}, nil, "matches no label"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := MatchClasses(c.wanted, c.labels, c.o)
			if c.fails == "" && (err != nil || !slices.Equal(got.Rows, c.want)) {
				t.Errorf("%.200v, %v, want %.200v", got, err, c.want)
			}
			if c.fails != "" && (err == nil || !strings.Contains(err.Error(), c.fails)) {
				t.Errorf("%v, error is %v, want %q", got, err, c.fails)
			}
		})
	}
}

func upTo(n int) []int {
	rows := make([]int, n)
	for i := range rows {
		rows[i] = i
	}
	return rows
}

func TestAMatchThatNoNameDecidedIsSaid(t *testing.T) {
	for _, c := range []struct {
		wanted, labels []string
		o              MatchOptions
		want           string
	}{
		{[]string{"3", "1"}, []string{"a", "b", "c", "d"}, MatchOptions{}, `by index, counted from 0: "3" is "d"`},
		{[]string{"a", "x"}, []string{"A", "b"}, MatchOptions{ByOrder: true}, `by their order: "x" is "b"`},
		{[]string{"a", "b"}, []string{"a", "b"}, MatchOptions{}, ""},
		{[]string{"b"}, []string{"a", "b"}, MatchOptions{}, ""},
	} {
		got, err := MatchClasses(c.wanted, c.labels, c.o)
		if err != nil || (got.Note == "") != (c.want == "") || !strings.Contains(got.Note, c.want) {
			t.Errorf("%v among %v: note %q, %v, want %q", c.wanted, c.labels, got.Note, err, c.want)
		}
	}
}

func TestClassMapsAreLinesWithATab(t *testing.T) {
	classes, err := ParseMap("Haie\tgreat white shark\r\n\n  \nx\ty\tz\n")
	if err != nil || len(classes) != 2 || classes["Haie"] != "great white shark" || classes["x"] != "y\tz" {
		t.Errorf("%q, %v", classes, err)
	}
	if _, err := ParseMap("a\tb\nc d\n"); err == nil || err.Error() != "2: needs a folder, a tab and a label" {
		t.Errorf("a line without a tab: %v", err)
	}
}
