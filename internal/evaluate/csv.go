package evaluate

import (
	"encoding/csv"
	"io"
	"strconv"

	"github.com/inception-go/inception/internal/dataset"
)

// WriteClasses writes the scores of each class as CSV.
func (r Result) WriteClasses(w io.Writer) error {
	rows := [][]string{{"class", "label", "images", "predicted", "right", "precision", "recall", "f1"}}
	for class, s := range r.PerClass() {
		rows = append(rows, []string{strconv.Itoa(class), r.Labels[class], strconv.Itoa(s.Images), strconv.Itoa(s.Predicted),
			strconv.Itoa(r.Confusion[class][class]), decimal(s.Precision), decimal(s.Recall), decimal(s.F1)})
	}
	return csv.NewWriter(w).WriteAll(rows)
}

// WriteConfusion writes the confusion matrix as CSV: a row for each true class,
// a column for each predicted one.
func (r Result) WriteConfusion(w io.Writer) error {
	rows := [][]string{append([]string{"true class"}, r.Labels...)}
	for class, counts := range r.Confusion {
		row := []string{r.Labels[class]}
		for _, n := range counts {
			row = append(row, strconv.Itoa(n))
		}
		rows = append(rows, row)
	}
	return csv.NewWriter(w).WriteAll(rows)
}

// WritePredictions writes what was found for each image of set as CSV.
func (r Result) WritePredictions(w io.Writer, set dataset.Set) error {
	rows := [][]string{{"image", "class", "label", "predicted_class", "predicted_label", "probability", "class_probability", "class_rank", "loss"}}
	for _, p := range r.Predictions {
		best := p.Top[0]
		rows = append(rows, []string{set.Name(p.Index), strconv.Itoa(p.Label), r.Labels[p.Label], strconv.Itoa(best.Class), r.Labels[best.Class],
			decimal(best.Prob), decimal(p.Prob), strconv.Itoa(p.Rank), decimal(p.Loss)})
	}
	return csv.NewWriter(w).WriteAll(rows)
}

func decimal(v float64) string { return strconv.FormatFloat(v, 'g', 9, 64) }
