package ablate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/inception-go/inception/internal/report"
)

// Caption says what the table's figures are.
func (r *Result) Caption() string {
	images := fmt.Sprintf("%d validation images", r.ValImages)
	if r.Tune != "" {
		images = "the test images, which were looked at once"
	}
	text := fmt.Sprintf("Suite %s on %s. Errors are of each run's final weights "+
		"(their running average, where ema.decay is on) on %s of %d classes: "+
		"not of the best epoch, because choosing it by the same images would flatter it. ",
		r.Suite, r.Config, images, r.Classes)
	text += r.footing()
	if n := r.seeds(); n > 1 {
		text += fmt.Sprintf("Mean ± sample standard deviation over the runs with seeds %d to %d. ", r.Seeds[0], r.Seeds[n-1])
	} else {
		text += fmt.Sprintf("One run per row, with seed %d, so differences within a run's usual spread mean nothing. ",
			r.Seeds[0])
	}
	text += r.comparisonCaption() + "Params and GMAC: without auxiliary heads, for one image" + r.sizes() + "."
	if !report.TellsTop5(r.Classes) {
		text += fmt.Sprintf(" Top-5 is meaningless with %d classes.", r.Classes)
	}
	if r.paper() {
		text += " The paper's figures are for ILSVRC 2012 with 1000 classes, at " + r.paperSizes() + "."
	}
	return text
}

// seeds returns the most seeds that a row has, or is to have.
func (r *Result) seeds() (n int) {
	for _, row := range r.Rows {
		n = max(n, len(row.Runs))
	}
	return min(n, len(r.Seeds))
}

// footing says what the rows have the same of, and what was chosen for each.
func (r *Result) footing() (text string) {
	switch r.Equal {
	case EqualTime:
		text = "Each row has the epochs that the first one's training time allows. "
	case EqualMACs:
		text = "Each row has the epochs that the first one's multiply-adds in training allow. "
	}
	if r.Tune != "" {
		text += fmt.Sprintf("%s was chosen for each row by short runs, equally many and long, on %d validation images, "+
			"whose errors are those of the column validation. ", r.Tune, r.ValImages)
	}
	return text
}

// comparisonCaption says what the comparison's figures are.
func (r *Result) comparisonCaption() string {
	least, comparisons := r.least()
	if comparisons == 0 || len(r.comparison()) == 0 {
		return ""
	}
	text := fmt.Sprintf("Difference: the row's error less %s with the same seed", r.bases())
	if len(r.Effects) > 0 {
		text = "Difference: the mean error of the rows with an idea less that of those without; of two ideas half of what " +
			"one changes with the other less what it changes without; rows with the same seed together"
	}
	if r.seeds() > 1 {
		text += ", with the 95% interval of the BCa bootstrap; "
		if len(r.Effects) == 0 {
			text += "beats base: the probability that a run of the row has a lower error than one of the base; "
		}
		text += "p: of the exact sign-flip test; Holm's p: for all " +
			fmt.Sprintf("%d comparisons together; detectable: the smallest difference that so many seeds find in "+
				"80%% of the cases. Better and worse: Holm's p is at most %g. ", comparisons, Level) +
			fmt.Sprintf("No larger than X: the test excludes larger differences, and X is at most the margin, %.2g points",
				100*r.Rule.Margin)
	}
	text += ". "
	if n := r.seeds(); n < least {
		text += fmt.Sprintf("With %s and %s no difference can be told from chance: that takes at least %d seeds. ",
			count(comparisons, "comparison"), count(n, "seed"), least)
	}
	if spent := r.schedule.spent(); spent > Level+1e-9 {
		text += fmt.Sprintf("Seeds were added after a look at fewer, so a suite without any difference shows one in up "+
			"to %.0f%% of the cases instead of %.0f%%. ", 100*spent, 100*Level)
	}
	return text
}

// bases says what the rows are compared with.
func (r *Result) bases() string {
	base := ""
	for i, row := range r.Rows {
		if row.Base == "" {
			continue
		}
		if base != "" && base != row.Base {
			return "that of the row above"
		}
		if base = row.Base; i == len(r.Rows)-1 {
			break
		}
	}
	if base == "" {
		return "" // effects alone
	}
	return "that of " + r.row(base).Title
}

func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// sizes says at which input size the rows run, if it is one.
func (r *Result) sizes() string {
	for _, row := range r.Rows {
		if row.InputSize != r.Rows[0].InputSize {
			return " of the row's own size"
		}
	}
	return fmt.Sprintf(" of %dx%[1]d", r.Rows[0].InputSize)
}

// paperSizes lists the input sizes of the paper's figures with the rows that
// have each. A row's operations cannot be compared with a GMAC at another size.
func (r *Result) paperSizes() string {
	var sizes []int
	rows := map[int][]string{}
	other := false
	for _, row := range r.Rows {
		size := row.Paper.Size
		if size == 0 {
			continue
		}
		if rows[size] == nil {
			sizes = append(sizes, size)
		}
		rows[size] = append(rows[size], row.Title)
		other = other || row.Paper.Ops != nil && size != row.InputSize
	}
	slices.SortFunc(sizes, func(a, b int) int { return len(rows[b]) - len(rows[a]) })
	text := fmt.Sprintf("%dx%[1]d pixels", sizes[0])
	for _, size := range sizes[1:] {
		text += fmt.Sprintf(", of %s at %dx%[2]d", strings.Join(rows[size], " and "), size)
	}
	if other {
		text += "; operations counted at another size than the row's cannot be compared with its GMAC"
	}
	return text
}
