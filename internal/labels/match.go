// Package labels finds the classes of a dataset among those that a classifier
// knows: by name however it is written, by ImageNet's wnids, by index or by a
// map that somebody gives. Lists of names enter; the classifier's row of each
// class leaves.
package labels

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/inception-go/inception/internal/spelling"
)

// MatchOptions say how class names are found among a weight file's labels.
type MatchOptions struct {
	Map     map[string]string // from class to label, before anything else
	ByOrder bool              // class i is row i, whatever the names
}

// Match says which row of a classifier each class of a dataset is.
type Match struct {
	Rows []int
	Note string // what people should know because names did not decide it
}

// MatchClasses finds each class in wanted among labels. A class matches a
// label by name, exactly or else by letters and digits alone (case, spaces, _
// and - do not matter; of "tench, Tinca tinca" the first name does), by wnid
// if the labels are ImageNet's or, when every class is a plain number, by
// index. A name that could be several labels is an error.
func MatchClasses(wanted, labels []string, o MatchOptions) (Match, error) {
	wanted, labels = inNFC(wanted), inNFC(labels)
	rows := make([]int, len(wanted))
	if o.ByOrder || len(o.Map) == 0 && slices.Equal(wanted, labels) {
		if len(wanted) > len(labels) {
			return Match{}, fmt.Errorf("%d classes, but the weights know %d", len(wanted), len(labels))
		}
		for i := range rows {
			rows[i] = i
		}
		return Match{Rows: rows, Note: byOrder(wanted, labels)}, nil
	}
	mapping := map[string]string{}
	for class, label := range o.Map {
		mapping[norm.NFC.String(class)] = norm.NFC.String(label)
	}
	m := newMatcher(wanted, labels)
	taken := map[int]string{}
	for i, class := range wanted {
		name, mapped := mapping[class]
		if !mapped {
			name = class
		}
		row, err := m.find(name, mapped)
		if err != nil {
			if mapped {
				return Match{}, fmt.Errorf("class %q is mapped to %q, which %w", class, name, err)
			}
			return Match{}, fmt.Errorf("class %q %w", class, err)
		}
		if other, twice := taken[row]; twice {
			return Match{}, fmt.Errorf("classes %q and %q both match the label %q; --class-map can tell them apart",
				other, class, labels[row])
		}
		taken[row] = class
		rows[i] = row
	}
	if m.note == "" && len(mapping) == 0 && areNumbers(labels) {
		m.note = byNumber(wanted, rows)
	}
	if text := unusedOf(mapping, wanted); text != "" {
		m.note = strings.TrimPrefix(m.note+"; "+text, "; ")
	}
	return Match{Rows: rows, Note: m.note}, nil
}

// unusedOf names what a map has that no class is called.
func unusedOf(mapping map[string]string, wanted []string) string {
	var unused []string
	for class := range mapping {
		if !slices.Contains(wanted, class) {
			unused = append(unused, strconv.Quote(class))
		}
	}
	if len(unused) == 0 {
		return ""
	}
	slices.Sort(unused)
	return fmt.Sprintf("the class map names %s, and no class is called so", strings.Join(unused, ", "))
}

// inNFC returns names in Unicode's form NFC: systems write an umlaut in
// different ways.
func inNFC(names []string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = norm.NFC.String(name)
	}
	return out
}

// areNumbers reports whether labels only count the rows: they are not names
// then, and say nothing of the order that the network was trained in.
func areNumbers(labels []string) bool {
	for row, label := range labels {
		if label != strconv.Itoa(row) {
			return false
		}
	}
	return len(labels) > 0
}

// byNumber says what a match with rows that have no names rests on. Most
// tools sort the folders of classes as texts, where "10" comes before "2".
func byNumber(wanted []string, rows []int) string {
	note := "the weights name no classes, so these are matched by number"
	for i, row := range rows {
		if i != row {
			return fmt.Sprintf("%s: %q is row %d; if the network was trained on the folders in the order of their names, "+
				"it is row %d: --classes-by-order", note, wanted[i], row, i)
		}
	}
	return note + ", which is their order too (--classes-by-order)"
}

// ParseMap reads a class map for MatchOptions: lines of a class, a tab and its
// label. An error begins with the number of the line.
func ParseMap(text string) (map[string]string, error) {
	classes := map[string]string{}
	for i, line := range strings.Split(Text([]byte(text)), "\n") {
		line = strings.TrimRight(line, "\r")
		if strings.TrimSpace(line) == "" {
			continue
		}
		folder, label, ok := strings.Cut(line, "\t")
		if !ok {
			return nil, fmt.Errorf("%d: needs a folder, a tab and a label", i+1)
		}
		classes[folder] = label
	}
	return classes, nil
}

// byOrder gives an example of a match by order.
func byOrder(wanted, labels []string) string {
	for i, class := range wanted {
		if plain(class) != plain(labels[i]) {
			return fmt.Sprintf("classes are matched by their order: %q is %q", class, labels[i])
		}
	}
	return ""
}

// matcher finds rows by name.
type matcher struct {
	labels  []string
	classes []imageNetClass // of the labels, if they are ImageNet's
	exact   map[string][]int
	alike   map[string][]int // by plain name
	number  map[uint64][]int // of labels that are plain numbers
	wanted  map[string]bool
	indices bool // every class is a plain number
	note    string
}

func newMatcher(wanted, labels []string) *matcher {
	m := &matcher{
		labels: labels, classes: imageNetRows(labels), exact: map[string][]int{}, alike: map[string][]int{},
		number: map[uint64][]int{}, wanted: map[string]bool{}, indices: len(wanted) > 0,
	}
	for _, class := range wanted {
		m.wanted[class] = true
		_, isNumber := number(class)
		m.indices = m.indices && isNumber
	}
	for row, label := range labels {
		for _, name := range m.spelled(row) {
			if !slices.Contains(m.exact[name], row) {
				m.exact[name] = append(m.exact[name], row)
			}
		}
		if n, ok := number(label); ok {
			m.number[n] = append(m.number[n], row)
		}
		for _, name := range m.names(row) {
			if name = plain(name); name != "" && !slices.Contains(m.alike[name], row) {
				m.alike[name] = append(m.alike[name], row)
			}
		}
	}
	return m
}

// spelled lists the names that no other row should have.
func (m *matcher) spelled(row int) []string {
	names := []string{m.labels[row]}
	if m.classes != nil {
		names = append(names, m.classes[row].wnid, m.classes[row].names[0])
	}
	return names
}

// names lists all that a row goes by.
func (m *matcher) names(row int) []string {
	names := append(m.spelled(row), firstName(m.labels[row]))
	if m.classes != nil {
		names = append(names, m.classes[row].names[1:]...)
	}
	return names
}

// Find returns the row of one class that a person names: by its label as
// MatchClasses finds it, by a wnid of ImageNet, or by index.
func Find(name string, labels []string) (int, error) {
	name = norm.NFC.String(name)
	m := newMatcher([]string{name}, inNFC(labels))
	switch rows := m.rows(name); len(rows) {
	case 0:
		if _, digits := number(name); digits && !areNumbers(labels) {
			return 0, fmt.Errorf("no class is called %q; the indices are from 0 to %d", name, len(labels)-1)
		}
		return 0, fmt.Errorf("no class is called %q; the nearest are %s", name, strings.Join(m.nearest(name, 3), ", "))
	case 1:
		return rows[0], nil
	default:
		var all []string
		for _, row := range rows {
			all = append(all, fmt.Sprintf("%s, index %d", m.describe(row), row))
		}
		return 0, fmt.Errorf("%q could be %s; name it by its index", name, strings.Join(all, " or "))
	}
}

// rows returns the rows that a name can mean.
func (m *matcher) rows(name string) []int {
	rows := m.exact[name]
	if len(rows) == 0 {
		rows = m.alike[plain(name)]
	}
	if len(rows) == 0 && m.indices {
		rows = m.numbered(name)
	}
	return rows
}

// find returns the row of a name. The label that a class map gives is meant as
// it is written.
func (m *matcher) find(name string, mapped bool) (int, error) {
	rows := m.exact[name]
	if len(rows) == 1 && !mapped && m.classes != nil {
		// A crane that is alone may be the bird or the machine; beside a
		// "crane bird" it is the machine.
		asked := func(name string) bool { return m.wanted[name] }
		for _, row := range m.alike[plain(name)] {
			if row != rows[0] && !slices.ContainsFunc(m.spelled(row), asked) {
				return 0, m.ambiguous(m.alike[plain(name)])
			}
		}
	}
	switch rows = m.rows(name); len(rows) {
	case 0:
		if areNumbers(m.labels) {
			return 0, fmt.Errorf("matches no label of the weights, which only count their %d classes; "+
				"--classes-by-order or --class-map can say what it is", len(m.labels))
		}
		return 0, fmt.Errorf("matches no label of the weights; the nearest are %s; "+
			"--class-map or --classes-by-order can say what it is", strings.Join(m.nearest(name, 3), ", "))
	case 1:
		return rows[0], nil
	}
	return 0, m.ambiguous(rows)
}

// numbered returns the rows of a number: of labels with that value, or the
// row of that index where no label is a number.
func (m *matcher) numbered(name string) []int {
	n, ok := number(name)
	switch {
	case !ok:
		return nil
	case len(m.number) > 0:
		return m.number[n]
	case n >= uint64(len(m.labels)):
		return nil
	}
	if m.note == "" {
		m.note = fmt.Sprintf("classes are matched by index, counted from 0: %q is %q", name, m.labels[n])
	}
	return []int{int(n)}
}

// ambiguous says which rows a name could be.
func (m *matcher) ambiguous(rows []int) error {
	var all []string
	for _, row := range rows {
		all = append(all, m.describe(row))
	}
	cure := "--class-map or --classes-by-order can say which it is"
	if m.classes != nil {
		cure = "name the folder by its wnid, or give --class-map"
	}
	return fmt.Errorf("could be %s; %s", strings.Join(all, " or "), cure)
}

// describe names a row for people.
func (m *matcher) describe(row int) string {
	switch {
	case m.classes == nil && len(m.exact[m.labels[row]]) > 1:
		return fmt.Sprintf("%q in row %d", m.labels[row], row)
	case m.classes == nil || m.labels[row] == m.classes[row].wnid:
		return strconv.Quote(m.labels[row])
	}
	return fmt.Sprintf("%s (%q)", m.classes[row].wnid, m.labels[row])
}

func firstName(label string) string {
	name, _, _ := strings.Cut(label, ",")
	return name
}

// plain returns letters and digits only, in lower case.
func plain(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, name)
}

// number returns the value of a name of digits alone.
func number(name string) (uint64, bool) {
	n, err := strconv.ParseUint(name, 10, 31)
	return n, err == nil
}

// nearest returns the rows with a name that takes the fewest edits, described.
func (m *matcher) nearest(name string, n int) []string {
	type candidate struct{ row, edits int }
	var all []candidate
	for row := range m.labels {
		c := candidate{row, len(name) + len(m.labels[row])}
		for _, own := range m.names(row) {
			c.edits = min(c.edits, spelling.Edits(plain(name), plain(own)))
		}
		all = append(all, c)
	}
	slices.SortStableFunc(all, func(a, b candidate) int { return a.edits - b.edits })
	var out []string
	for _, c := range all[:min(n, len(all))] {
		out = append(out, m.describe(c.row))
	}
	return out
}
