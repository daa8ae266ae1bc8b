// Package spelling finds the name that a misspelt one was meant to be.
package spelling

import (
	"cmp"
	"slices"
	"strings"
)

// Nearest returns the name in names that takes the fewest edits.
func Nearest(name string, names []string) string {
	return slices.MinFunc(names, func(a, b string) int { return Edits(name, a) - Edits(name, b) })
}

// Near returns the name in names that was probably meant, if one is so near that
// only slips of the keys are between them, or only one begins so.
func Near(name string, names []string) (nearest string, ok bool) {
	if len(names) == 0 {
		return "", false
	}
	nearest = Nearest(name, names)
	if Edits(name, nearest) <= max(1, (len(name)+2)/3) {
		return nearest, true
	}
	whole, ok := begun(name, names)
	return cmp.Or(whole, nearest), ok
}

// begun returns the only name in names that begins so.
func begun(name string, names []string) (whole string, only bool) {
	const least = 3
	if len(name) < least {
		return "", false
	}
	for _, n := range names {
		if strings.HasPrefix(n, name) {
			if whole != "" {
				return "", false
			}
			whole = n
		}
	}
	return whole, whole != ""
}

// Suggest ends a sentence about a name that is unknown: "; did you mean X?" with
// the one in names that was probably meant, or nothing.
func Suggest(name string, names []string) string {
	nearest, ok := Near(name, names)
	if !ok {
		return ""
	}
	return "; did you mean " + nearest + "?"
}

// Unknown ends a sentence about a name that is neither a file's nor an embedded one
// of a kind, such as "suite", of which there are those in names.
func Unknown(name, kind string, names []string) string {
	the := "; the"
	if suggestion := Suggest(name, names); suggestion != "" {
		the = suggestion + " The"
	}
	return "is neither a file nor an embedded " + kind + the + " embedded " + kind + "s are " + strings.Join(names, ", ")
}

// Edits returns the Levenshtein distance between two names.
func Edits(a, b string) int {
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
