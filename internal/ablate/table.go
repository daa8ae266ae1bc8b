package ablate

import (
	"cmp"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"github.com/inception-go/inception/internal/report"
	"github.com/inception-go/inception/internal/train"
)

// column is a column of the table for people.
type column struct {
	Title string
	Left  bool // whether it is aligned left
	brief bool // whether the table of verdicts has it
	drop  int  // when a narrow terminal does without it: 1 is first, 0 never
	cell  func(RowResult) string
}

// grid is a table of words.
type grid struct {
	Columns []column
	Cells   [][]string // by row
}

// grids are the tables for people: the rows, and the effects of a factorial
// suite.
func (r *Result) grids() []grid {
	rows := grid{Columns: r.columns()}
	for _, row := range r.Rows {
		rows.add(row)
	}
	if len(r.Effects) == 0 {
		return []grid{rows}
	}
	// An effect is a row that has nothing but a comparison.
	effects := grid{Columns: []column{
		{Title: "effect", Left: true, brief: true, cell: func(o RowResult) string { return o.Title }},
	}}
	effects.Columns = append(effects.Columns, r.comparison()...)
	for _, e := range r.Effects {
		effects.add(RowResult{Title: e.Title, Comparison: e.Comparison})
	}
	return []grid{rows, effects}
}

// brief is the table of verdicts: of the rows, or of the effects.
func (r *Result) brief() grid {
	all := r.grids()
	from := all[len(all)-1]
	var brief grid
	brief.Cells = make([][]string, len(from.Cells))
	for i, c := range from.Columns {
		if !c.brief {
			continue
		}
		brief.Columns = append(brief.Columns, c)
		for row, cells := range from.Cells {
			brief.Cells[row] = append(brief.Cells[row], cells[i])
		}
	}
	return brief
}

func (g *grid) add(row RowResult) {
	var cells []string
	for _, c := range g.Columns {
		cells = append(cells, c.cell(row))
	}
	g.Cells = append(g.Cells, cells)
}

// columns lists the columns that have values.
func (r *Result) columns() []column {
	all := []column{
		{Title: "row", Left: true, brief: true, cell: func(o RowResult) string { return o.Title }},
		{Title: "change", Left: true, drop: 2, cell: func(o RowResult) string { return o.Change }},
		{Title: "params, M", drop: 5, cell: func(o RowResult) string { return fmt.Sprintf("%.3f", float64(o.Params)/1e6) }},
		{Title: "GMAC", drop: 4, cell: func(o RowResult) string {
			return strconv.FormatFloat(float64(o.MACs)/1e9, 'g', 4, 64)
		}},
	}
	if r.paper() {
		all = append(all, column{Title: "paper's Bn ops", drop: 1, cell: func(o RowResult) string {
			return plain(o.Paper.Ops, 1)
		}})
	}
	if r.Equal != EqualEpochs && r.Equal != "" {
		all = append(all, column{Title: "epochs", cell: func(o RowResult) string { return fmt.Sprint(o.Epochs) }})
	}
	if r.Tune != "" {
		all = append(all, column{Title: r.Tune, cell: RowResult.chosen},
			column{Title: "validation, %", cell: func(o RowResult) string { return o.percent(o.Validation) }})
	}
	all = append(all, column{Title: "top-1 error, %", brief: true, cell: func(o RowResult) string {
		return o.percent(o.Top1)
	}})
	if report.TellsTop5(r.Classes) {
		all = append(all, column{Title: "top-5 error, %", drop: 11, cell: func(o RowResult) string {
			return o.percent(o.Top5)
		}})
	}
	if r.paper() {
		all = append(all, column{Title: "paper's, top-1 / top-5", drop: 6, cell: func(o RowResult) string {
			if o.Paper.Top1 == nil && o.Paper.Top5 == nil {
				return none
			}
			return plain(o.Paper.Top1, 100) + " / " + plain(o.Paper.Top5, 100)
		}})
	}
	all = append(all,
		column{Title: "runs", drop: 13, cell: func(o RowResult) string { return o.progress() }},
		column{Title: "time per run", drop: 7, cell: func(o RowResult) string {
			if o.Seconds.N == 0 {
				return none
			}
			return duration(o.Seconds.Mean)
		}},
		column{Title: "images/s", drop: 3, cell: func(o RowResult) string {
			if o.ImagesPerS.N == 0 {
				return none
			}
			return fmt.Sprintf("%.0f", o.ImagesPerS.Mean)
		}})
	if len(r.Effects) > 0 {
		return all // which are what is compared
	}
	return append(all, r.comparison()...)
}

// comparison lists the columns that compare rows with their bases, the verdict
// last.
func (r *Result) comparison() []column {
	most, single := 0, false
	for _, c := range r.contrasts() {
		if d := c.to.Difference; d != nil {
			most, single = max(most, d.Pairs), single || d.McNemar != nil
		}
	}
	if most == 0 {
		return nil
	}
	of := func(cell func(*Difference) string) func(RowResult) string {
		return func(o RowResult) string {
			if o.Difference == nil || o.Difference.Mean == nil {
				return none
			}
			return cell(o.Difference)
		}
	}
	all := []column{{Title: "difference, points", brief: true, cell: of((*Difference).points)}}
	if single {
		all = append(all, column{Title: "McNemar's p", drop: 12, cell: of(func(d *Difference) string {
			if d.McNemar == nil {
				return none
			}
			return chance(&d.McNemar.P)
		})})
	}
	if most > 1 {
		if len(r.Effects) == 0 {
			all = append(all, column{Title: "beats base", drop: 9, cell: of(func(d *Difference) string {
				return fmt.Sprintf("%.0f%%", 100**d.Better)
			})})
		}
		all = append(all,
			column{Title: "p", drop: 10, cell: of(func(d *Difference) string { return chance(d.P) })},
			column{Title: "Holm's p", brief: true, cell: of(func(d *Difference) string { return chance(d.PHolm) })},
			column{Title: "detectable", drop: 8, cell: of(func(d *Difference) string {
				if d.Detectable == nil {
					return none
				}
				return fmt.Sprintf("%.2f", 100**d.Detectable)
			})})
	}
	return append(all, column{Title: "verdict", Left: true, brief: true, cell: func(o RowResult) string {
		return cmp.Or(o.Word(), none)
	}})
}

// points writes a difference as -1.29 or -1.29 [-1.45, -1.10].
func (d *Difference) points() string {
	if d.Low == nil {
		return fmt.Sprintf("%+.2f", 100**d.Mean)
	}
	return fmt.Sprintf("%+.2f [%+.2f, %+.2f]", 100**d.Mean, 100**d.Low, 100**d.High)
}

func chance(p *float64) string {
	switch {
	case p == nil:
		return none
	case *p < 0.0001:
		return "<0.0001"
	}
	return strconv.FormatFloat(*p, 'g', 2, 64)
}

const none = "-"

// chosen returns the value that was tuned for the row.
func (o RowResult) chosen() string {
	for _, t := range o.Tuned {
		if t.Chosen {
			return t.Value
		}
	}
	return none
}

// paper reports whether the paper says anything about the rows.
func (r *Result) paper() bool {
	return slices.ContainsFunc(r.Rows, func(o RowResult) bool { return o.Paper.Top1 != nil || o.Paper.Top5 != nil })
}

func plain(v *float64, times float64) string {
	if v == nil {
		return none
	}
	return fmt.Sprintf("%.1f", *v*times)
}

// percent writes an error as 12.34 or 12.34 ± 0.21.
func (o RowResult) percent(s Spread) string {
	switch {
	case s.N == 0 && o.count(Failed) > 0:
		return "diverged"
	case s.N == 0:
		return none
	case s.N == 1:
		return fmt.Sprintf("%.2f", 100*s.Mean)
	}
	return fmt.Sprintf("%.2f ± %.2f", 100*s.Mean, 100*s.Std)
}

// progress says how many of the row's runs are done.
func (o RowResult) progress() string {
	text := fmt.Sprint(o.count(Done))
	if n := o.count(Done); n < len(o.Runs) {
		text = fmt.Sprintf("%d of %d", n, len(o.Runs))
	}
	if n := o.count(Failed); n > 0 {
		text += fmt.Sprintf(", %d diverged", n)
	}
	return text
}

// duration writes seconds as people say them.
func duration(seconds float64) string {
	return train.Brief(time.Duration(seconds * float64(time.Second)))
}

// WriteText writes the tables for a terminal of so many columns, without what
// does not fit; all of it if columns is 0.
func (r *Result) WriteText(w io.Writer, columns int) error {
	for i, g := range r.grids() {
		if columns > 0 {
			g = g.within(columns)
		}
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		if i > 0 {
			fmt.Fprintln(w)
		}
		var titles []string
		for _, c := range g.Columns {
			titles = append(titles, c.Title)
		}
		for _, cells := range slices.Concat([][]string{titles}, g.Cells) {
			fmt.Fprintln(t, strings.Join(cells, "\t"))
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	return nil
}

// within returns the table without columns that are too much for the width.
func (g grid) within(width int) grid {
	for g.width() > width {
		at := -1
		for i, c := range g.Columns {
			if c.drop > 0 && (at < 0 || c.drop < g.Columns[at].drop) {
				at = i
			}
		}
		if at < 0 {
			break
		}
		narrow := grid{Columns: slices.Delete(slices.Clone(g.Columns), at, at+1)}
		for _, cells := range g.Cells {
			narrow.Cells = append(narrow.Cells, slices.Delete(slices.Clone(cells), at, at+1))
		}
		g = narrow
	}
	return g
}

// width is that of the widest line, with two spaces between columns.
func (g grid) width() int {
	all := -2
	for i, c := range g.Columns {
		widest := utf8.RuneCountInString(c.Title)
		for _, cells := range g.Cells {
			widest = max(widest, utf8.RuneCountInString(cells[i]))
		}
		all += widest + 2
	}
	return all
}

// writeMarkdown writes the tables with their caption.
func (r *Result) writeMarkdown(w io.Writer) error {
	var b strings.Builder
	line := func(cells []string) {
		for _, text := range cells {
			b.WriteString("| " + strings.ReplaceAll(text, "|", `\|`) + " ")
		}
		b.WriteString("|\n")
	}
	for _, g := range r.grids() {
		var titles, rules []string
		for _, c := range g.Columns {
			rule := "--:"
			if c.Left {
				rule = ":--"
			}
			titles, rules = append(titles, c.Title), append(rules, rule)
		}
		for _, cells := range slices.Concat([][]string{titles, rules}, g.Cells) {
			line(cells)
		}
		b.WriteString("\n")
	}
	_, err := fmt.Fprintf(w, "%s%s\n", b.String(), r.Caption())
	return err
}

// writeJSON writes the rows for programs.
func (r *Result) writeJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	return e.Encode(r.Rows)
}

// writeCSV writes the table for programs: errors are fractions of 1, unknown
// values are empty.
func (r *Result) writeCSV(w io.Writer) error {
	c := csv.NewWriter(w)
	_ = c.Write([]string{"row", "title", "change", "params", "params_with_aux", "macs", "paper_bn_ops",
		"top1_error_mean", "top1_error_std", "top5_error_mean", "top5_error_std", "paper_top1_error", "paper_top5_error",
		"runs", "diverged", "time_s", "images_per_s", "base", "pairs", "difference", "low", "high", "p", "p_holm",
		"better", "detectable", "bound", "verdict", "val_error_mean", "val_error_std", "epochs", "tuned"})
	number := func(v float64, ok bool) string {
		if !ok {
			return ""
		}
		return strconv.FormatFloat(v, 'g', 6, 64)
	}
	optional := func(v *float64) string {
		if v == nil {
			return ""
		}
		return number(*v, true)
	}
	rows := slices.Clone(r.Rows)
	for _, e := range r.Effects {
		rows = append(rows, RowResult{Name: "effect:" + e.Name, Title: e.Title, Comparison: e.Comparison})
	}
	for _, o := range rows {
		d := o.Difference
		if d == nil {
			d = &Difference{}
		}
		_ = c.Write([]string{
			o.Name, o.Title, o.Change,
			fmt.Sprint(o.Params), fmt.Sprint(o.ParamsWithAux), fmt.Sprint(o.MACs), optional(o.Paper.Ops),
			number(o.Top1.Mean, o.Top1.N > 0), number(o.Top1.Std, o.Top1.N > 1),
			number(o.Top5.Mean, o.Top5.N > 0), number(o.Top5.Std, o.Top5.N > 1),
			optional(o.Paper.Top1), optional(o.Paper.Top5),
			fmt.Sprint(o.count(Done)), fmt.Sprint(o.count(Failed)),
			number(o.Seconds.Mean, o.Seconds.N > 0), number(o.ImagesPerS.Mean, o.ImagesPerS.N > 0),
			o.Base, fmt.Sprint(d.Pairs), optional(d.Mean), optional(d.Low), optional(d.High), optional(d.P),
			optional(d.PHolm), optional(d.Better), optional(d.Detectable), optional(d.Bound), string(o.Verdict),
			number(o.Validation.Mean, o.Validation.N > 0), number(o.Validation.Std, o.Validation.N > 1), fmt.Sprint(o.Epochs),
			strings.TrimPrefix(o.chosen(), none),
		})
	}
	c.Flush()
	return c.Error()
}
