// Package spelling finds the name that a misspelt one was meant to be.
package spelling

import "slices"

// Nearest returns the name in names that takes the fewest edits.
func Nearest(name string, names []string) string {
	return slices.MinFunc(names, func(a, b string) int { return Edits(name, a) - Edits(name, b) })
}

// Near returns the name in names that was probably meant, if one is so near that
// only slips of the keys are between them.
func Near(name string, names []string) (nearest string, ok bool) {
	if len(names) == 0 {
		return "", false
	}
	nearest = Nearest(name, names)
	return nearest, Edits(name, nearest) <= max(1, (len(name)+2)/3)
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
