package dataset

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// MatchOptions say how class names are found among a weight file's labels.
type MatchOptions struct {
	Map     map[string]string // from class to label, before anything else
	ByOrder bool              // class i is row i, whatever the names
}

// MatchClasses returns, for each class in wanted, its row among labels. A
// class matches a label by name, exactly or else by letters and digits alone
// (case, spaces, _ and - do not matter; of "tench, Tinca tinca" the first name
// does) or, when every class is a plain number, by index.
func MatchClasses(wanted, labels []string, o MatchOptions) ([]int, error) {
	rows := make([]int, len(wanted))
	if o.ByOrder || len(o.Map) == 0 && slices.Equal(wanted, labels) {
		if len(wanted) > len(labels) {
			return nil, fmt.Errorf("%d classes, but the weights know %d", len(wanted), len(labels))
		}
		for i := range rows {
			rows[i] = i
		}
		return rows, nil
	}
	exact, index := map[string]int{}, map[string]int{}
	for i, l := range labels {
		if _, taken := exact[l]; !taken {
			exact[l] = i
		}
		for _, name := range []string{l, firstName(l)} {
			if _, taken := index[plain(name)]; !taken && plain(name) != "" {
				index[plain(name)] = i
			}
		}
	}
	numbers := allNumbers(wanted)
	taken := map[int]string{}
	for i, class := range wanted {
		name := class
		if mapped, ok := o.Map[class]; ok {
			name = mapped
		}
		row, ok := exact[name]
		if !ok {
			row, ok = index[plain(name)]
		}
		if !ok && numbers {
			n, err := strconv.ParseUint(name, 10, 31)
			row, ok = int(n), err == nil && int(n) < len(labels)
		}
		if !ok {
			return nil, fmt.Errorf("class %q matches no label of the weights; the nearest are %s; --class-map or --classes-by-order can say what it is", class, strings.Join(nearest(name, labels, 3), ", "))
		}
		if other, twice := taken[row]; twice {
			return nil, fmt.Errorf("classes %q and %q both match the label %q; --class-map can tell them apart", other, class, labels[row])
		}
		taken[row] = class
		rows[i] = row
	}
	return rows, nil
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

func allNumbers(names []string) bool {
	for _, n := range names {
		if _, err := strconv.ParseUint(n, 10, 31); err != nil {
			return false
		}
	}
	return true
}

// nearest returns the labels that take the fewest edits, quoted.
func nearest(name string, labels []string, n int) []string {
	type candidate struct {
		label string
		edits int
	}
	var all []candidate
	for _, l := range labels {
		all = append(all, candidate{l, edits(plain(name), plain(firstName(l)))})
	}
	slices.SortStableFunc(all, func(a, b candidate) int { return a.edits - b.edits })
	var out []string
	for _, c := range all[:min(n, len(all))] {
		out = append(out, strconv.Quote(c.label))
	}
	return out
}

// edits returns the Levenshtein distance of two names.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
