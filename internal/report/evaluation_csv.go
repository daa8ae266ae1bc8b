package report

import (
	"encoding/csv"
	"io"
	"strconv"

	"github.com/inception-go/inception/internal/evaluate"
)

// WriteClasses writes the scores of each class as CSV.
func (e Evaluation) WriteClasses(w io.Writer) error {
	rows := [][]string{{"class", "label", "images", "predicted", "right", "precision", "recall", "f1"}}
	for class, s := range e.PerClass() {
		rows = append(rows, []string{
			strconv.Itoa(class), e.Labels[class], strconv.Itoa(s.Images), strconv.Itoa(s.Predicted),
			strconv.Itoa(e.Confusion[class][class]), decimal(s.Precision), decimal(s.Recall), decimal(s.F1),
		})
	}
	return csv.NewWriter(w).WriteAll(rows)
}

// WriteConfusion writes the confusion matrix as CSV: a row for each true class,
// a column for each predicted one.
func (e Evaluation) WriteConfusion(w io.Writer) error {
	rows := [][]string{append([]string{"true class"}, e.Labels...)}
	for class, counts := range e.Confusion {
		row := []string{e.Labels[class]}
		for _, n := range counts {
			row = append(row, strconv.Itoa(n))
		}
		rows = append(rows, row)
	}
	return csv.NewWriter(w).WriteAll(rows)
}

// WritePredictions writes what was found for each image as CSV.
func (e Evaluation) WritePredictions(w io.Writer) error {
	rows := [][]string{{"image", "class", "label", "predicted_class", "predicted_label",
		"probability", "class_probability", "class_rank", "loss"}}
	for _, p := range e.Predictions {
		best := p.Top[0]
		rows = append(rows, []string{
			e.Set.Name(p.Index), strconv.Itoa(p.Label), e.Labels[p.Label], strconv.Itoa(best.Index), e.Labels[best.Index],
			decimal(best.Prob), decimal(p.Prob), strconv.Itoa(p.Rank), decimal(p.Loss),
		})
	}
	return csv.NewWriter(w).WriteAll(rows)
}

// Predictions is a table of what pictures without known classes show.
type Predictions struct{ rows [][]string }

// Add appends a picture's classes, the most probable first.
func (p *Predictions) Add(image string, classes []evaluate.Class) {
	for i, c := range classes {
		p.rows = append(p.rows, []string{image, strconv.Itoa(i + 1), strconv.Itoa(c.Index), c.Label, decimal(c.Prob)})
	}
}

// WriteCSV writes the table.
func (p *Predictions) WriteCSV(w io.Writer) error {
	head := []string{"image", "rank", "index", "label", "probability"}
	return csv.NewWriter(w).WriteAll(append([][]string{head}, p.rows...))
}

func decimal(v float64) string { return strconv.FormatFloat(v, 'g', 9, 64) }
