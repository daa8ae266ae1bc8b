package ablate

import (
	"strings"
	"testing"

	"github.com/inception-go/inception/internal/statistics"
)

func TestTheFirstScreenSaysWhatIsBetterHowGoodItIsAndWhereItStands(t *testing.T) {
	few := ablation(statistics.Rule{Level: Level, Margin: 0.005, Looks: []statistics.Look{{Pairs: 3, Level: Level}}},
		[]float64{0.21, 0.20, 0.22}, []float64{0.19, 0.18, -1})
	alone := ablation(statistics.Rule{Level: Level}, []float64{0.21})
	for name, c := range map[string]struct {
		result *Result
		want   []string
	}{
		"one of each verdict": {told(), []string{
			"verdicts of 4 comparisons: 1 better, 1 worse, 1 same (better: Row 1; worse: Row 2; same: Row 3; cannot tell: Row 4)",
			"the best row: 19.83% (top-1 error of Row 1, mean of 8 runs; 95% interval ",
			"images: 1000 (for validation, of 10 classes)", "where it stands: 40 of 40 runs (5 rows, 8 seeds each)"}},
		"too few seeds": {few, []string{
			"verdicts of 1 comparison: nothing can be told (by 3 seeds; it takes at least 6)",
			"the best row: 18.50%", "where it stands: 5 of 6 runs (2 rows, 3 seeds each; about 1m00s left)"}},
		"nothing to compare": {alone, []string{"the best row: 21.00% (top-1 error of Row 0 in a single run)",
			"where it stands: 1 of 1 runs (1 row, 1 seed each)"}},
	} {
		var text strings.Builder
		for _, card := range c.result.cards() {
			text.WriteString(card.Name + ": " + card.Value + " (" + card.Note + ")\n")
		}
		for _, want := range c.want {
			if !strings.Contains(text.String(), want) {
				t.Errorf("%s: no %q in\n%s", name, want, text.String())
			}
		}
		if name == "nothing to compare" && strings.Contains(text.String(), "verdict") {
			t.Errorf("%s: %s", name, text.String())
		}
	}
}
