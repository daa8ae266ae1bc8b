package ablate

import (
	"fmt"
	"strings"

	"github.com/inception-go/inception/internal/report"
	"github.com/inception-go/inception/internal/statistics"
)

// cards are the page's first screen: what is better than what, how good the best
// row is and how sure that is, on which images, and where it stands.
func (r *Result) cards() (cards []report.Card) {
	if card, ok := r.verdictCard(); ok {
		cards = append(cards, card)
	}
	if card, ok := r.bestCard(); ok {
		cards = append(cards, card)
	}
	images := fmt.Sprintf("for validation, of %d classes", r.Classes)
	if r.Tune != "" {
		images = fmt.Sprintf("of %d classes to tune %s by; errors are of test images", r.Classes, r.Tune)
	}
	cards = append(cards, report.Card{Name: "images", Value: fmt.Sprint(r.ValImages), Note: images})
	stands := report.Card{Name: "where it stands", Value: fmt.Sprintf("%d of %d runs", r.Count(Done), r.Planned()),
		Note: count(len(r.Rows), "row") + ", " + count(r.seeds(), "seed") + " each"}
	if n := r.Count(Failed); n > 0 {
		stands.Note += fmt.Sprintf("; %d diverged", n)
	}
	if left := r.left(); left > 0 {
		stands.Note += fmt.Sprintf("; about %s left", duration(left.Seconds()))
	}
	return append(cards, stands)
}

// verdictCard counts the verdicts and says of what they are; there is none where
// nothing is compared.
func (r *Result) verdictCard() (report.Card, bool) {
	rows := map[Verdict][]string{}
	for _, c := range r.contrasts() {
		if c.to.Verdict != "" {
			rows[c.to.Verdict] = append(rows[c.to.Verdict], c.title)
		}
	}
	if len(rows) == 0 {
		return report.Card{}, false
	}
	var counts, of []string
	for _, v := range []Verdict{Better, Worse, Same, CannotTell} {
		if n := len(rows[v]); n > 0 {
			if v != CannotTell {
				counts = append(counts, fmt.Sprintf("%d %s", n, v))
			}
			of = append(of, fmt.Sprintf("%s: %s", v, strings.Join(rows[v], ", ")))
		}
	}
	least, comparisons := r.least()
	card := report.Card{Name: "verdicts of " + count(comparisons, "comparison"), Value: strings.Join(counts, ", "),
		Note: strings.Join(of, "; "), Main: true}
	if len(counts) == 0 {
		card.Value, card.Note = "nothing can be told", "by "+count(r.seeds(), "seed")
		if n := r.seeds(); n < least {
			card.Note += fmt.Sprintf("; it takes at least %d", least)
		}
	}
	return card, true
}

// bestCard is of the row with the lowest mean error.
func (r *Result) bestCard() (report.Card, bool) {
	var best *RowResult
	for i := range r.Rows {
		if row := &r.Rows[i]; row.Top1.N > 0 && (best == nil || row.Top1.Mean < best.Top1.Mean) {
			best = row
		}
	}
	if best == nil {
		return report.Card{}, false
	}
	note := fmt.Sprintf("top-1 error of %s in a single run", best.Title)
	if best.Top1.N > 1 {
		var errors []float64
		for _, o := range best.Runs {
			if o.State == Done {
				errors = append(errors, o.error())
			}
		}
		low, high := statistics.BCa(errors, confidence)
		note = fmt.Sprintf("top-1 error of %s, mean of %s; 95%% interval %.1f to %.1f%%", best.Title,
			count(best.Top1.N, "run"), 100*low, 100*high)
	}
	return report.Card{Name: "the best row", Value: fmt.Sprintf("%.2f%%", 100*best.Top1.Mean), Note: note}, true
}
