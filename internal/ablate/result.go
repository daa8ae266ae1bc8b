package ablate

import (
	"cmp"
	"math"
	"time"

	"github.com/inception-go/inception/internal/report"
	"github.com/inception-go/inception/internal/statistics"
)

// Result is the state of an ablation. Errors are fractions of 1.
type Result struct {
	Suite     string          `json:"suite"`
	Config    string          `json:"config"` // name of the base
	Dir       string          `json:"out"`
	Seeds     []uint64        `json:"seeds"`
	Classes   int             `json:"classes"`
	ValImages int             `json:"val_images"`
	Equal     Footing         `json:"equal"`          // what all rows get the same of
	Tune      string          `json:"tune,omitempty"` // the key that was tuned for each row
	Rule      statistics.Rule `json:"rule"`           // of the verdicts
	Rows      []RowResult     `json:"rows"`
	Effects   []Effect        `json:"effects,omitempty"` // of a factorial suite

	schedule schedule
}

// RowResult is a row with its runs, one per seed.
type RowResult struct {
	Name          string     `json:"name"`
	Title         string     `json:"title"`
	Change        string     `json:"change"`
	Base          string     `json:"base,omitempty"` // the row that it is compared with
	Settings      []string   `json:"set"`
	Params        int        `json:"params"`
	ParamsWithAux int        `json:"params_with_aux"`
	MACs          int64      `json:"macs"` // at InputSize
	Epochs        int        `json:"epochs"`
	Tuned         []Tuned    `json:"tuned,omitempty"` // the short runs that chose a setting
	InputSize     int        `json:"input_size"`
	Paper         PaperError `json:"paper"`
	Top1          Spread     `json:"top1_error"`
	Top5          Spread     `json:"top5_error"`
	Validation    Spread     `json:"val_error"` // top-1, also where top1_error is of test images
	Seconds       Spread     `json:"time_s"`
	ImagesPerS    Spread     `json:"images_per_s"` // of training alone
	Runs          []Outcome  `json:"runs"`

	Comparison // with the base
}

// PaperError is Paper with errors as fractions of 1; null for what the paper does not say.
type PaperError struct {
	Size int      `json:"input_size,omitempty"` // 0 where the paper says nothing
	Top1 *float64 `json:"top1_error"`
	Top5 *float64 `json:"top5_error"`
	Ops  *float64 `json:"bn_ops"`
}

// Spread is the mean of a row's finished runs and their sample standard
// deviation, which needs at least two runs.
type Spread struct {
	N    int     `json:"n"`
	Mean float64 `json:"mean"`
	Std  float64 `json:"std"`
}

// State is the state of a run.
type State string

// The states of a run.
const (
	Pending State = "pending" // not started, or stopped
	Done    State = "done"
	Failed  State = "failed" // its loss became NaN or infinite
)

// Outcome is the result of one run: the errors of its final weights, averaged
// if ema.decay says so, on the validation images.
type Outcome struct {
	Seed       uint64        `json:"seed"`
	Run        string        `json:"run"` // folder, below the ablation's
	State      State         `json:"state"`
	Error      string        `json:"error,omitempty"`
	Identity   string        `json:"identity,omitempty"` // of configuration, data and program
	Steps      int           `json:"steps,omitempty"`
	Top1       float64       `json:"top1,omitempty"`
	Top5       float64       `json:"top5,omitempty"`
	Loss       float64       `json:"loss,omitempty"`
	Seconds    float64       `json:"time_s,omitempty"`
	ImagesPerS float64       `json:"images_per_s,omitempty"`
	Test       *Figures      `json:"test,omitempty"` // where a setting was tuned on the validation images
	curve      []report.Line // its validations
}

// error is what rows are compared by: of the test images, where there are some.
func (o Outcome) error() float64 {
	if o.Test != nil {
		return 1 - o.Test.Top1
	}
	return 1 - o.Top1
}

func (o Outcome) top5Error() float64 {
	if o.Test != nil {
		return 1 - o.Test.Top5
	}
	return 1 - o.Top5
}

// empty is the result before any run.
func (p *Plan) empty(dir string) *Result {
	r := &Result{Suite: p.Suite, Config: p.Base.Name, Dir: dir, Seeds: p.Seeds, Equal: p.equal}
	if p.tune != nil {
		r.Tune = p.tune.key
	}
	for _, row := range p.rows {
		out := RowResult{
			Name: row.Name, Title: row.Title, Change: row.Change, Base: row.base, Settings: row.settings,
			Params: row.params, ParamsWithAux: row.paramsWithAux, MACs: row.macs,
			Epochs: row.config.Train.Epochs, Tuned: row.tuned,
			InputSize: row.outline.Spec.InputSize, Paper: row.Paper.fractions(),
		}
		for i, e := range p.effects {
			if len(r.Rows) == 0 {
				r.Effects = append(r.Effects, Effect{Name: e.name, Title: e.title})
			}
			r.Effects[i].weights = append(r.Effects[i].weights, e.weight(row.ideas, len(p.rows)))
		}
		r.Rows = append(r.Rows, out)
		r.Classes, r.ValImages = row.outline.Spec.Classes, row.outline.ValImages
	}
	return r
}

// fractions returns the figures as they stand in a result.
func (p Paper) fractions() PaperError {
	e := PaperError{Top1: fraction(p.Top1), Top5: fraction(p.Top5), Ops: known(p.Ops)}
	if p != (Paper{Size: p.Size}) {
		e.Size = cmp.Or(p.Size, paperSize)
	}
	return e
}

func known(v float64) *float64 {
	if v == 0 {
		return nil
	}
	return &v
}

// fraction converts percent to a fraction of 1; 23.4/100 is not the float64
// nearest to 0.234.
func fraction(percent float64) *float64 { return known(math.Round(1e4*percent) / 1e6) }

// take reads the outcome from the metrics of a finished run.
func (o *Outcome) take(lines []report.Line) {
	speed, n := 0.0, 0
	for _, line := range lines {
		if line.Split == "val" {
			o.curve = append(o.curve, line)
		} else if line.ImagesPerS > 0 {
			speed += line.ImagesPerS
			n++
		}
	}
	last := lines[len(lines)-1]
	o.Steps, o.Top1, o.Top5, o.Loss, o.Seconds = last.Step, last.Top1, last.Top5, last.Loss, last.ElapsedS
	o.ImagesPerS = speed / float64(max(1, n))
}

// summarise computes the means over the finished runs and compares the rows.
func (r *Result) summarise() error {
	r.average()
	return r.judge()
}

// average computes the means over the finished runs.
func (r *Result) average() {
	for i := range r.Rows {
		row := &r.Rows[i]
		row.Top1 = row.spread(Outcome.error)
		row.Top5 = row.spread(Outcome.top5Error)
		row.Validation = row.spread(func(o Outcome) float64 { return 1 - o.Top1 })
		row.Seconds = row.spread(func(o Outcome) float64 { return o.Seconds })
		row.ImagesPerS = row.spread(func(o Outcome) float64 { return o.ImagesPerS })
	}
}

func (r *RowResult) spread(of func(Outcome) float64) Spread {
	var values []float64
	for _, o := range r.Runs {
		if o.State == Done {
			values = append(values, of(o))
		}
	}
	return spreadOf(values)
}

func spreadOf(values []float64) Spread {
	return Spread{len(values), statistics.Mean(values), statistics.Deviation(values)}
}

// Planned returns how many runs there are, in whatever state.
func (r *Result) Planned() (n int) {
	for _, row := range r.Rows {
		n += len(row.Runs)
	}
	return n
}

// Open counts the comparisons whose verdict more seeds could decide.
func (r *Result) Open() (n int) {
	for _, c := range r.contrasts() {
		if !c.to.test.Closed {
			n++
		}
	}
	return n
}

// Count returns how many runs are in a state.
func (r *Result) Count(s State) (n int) {
	for _, row := range r.Rows {
		n += row.count(s)
	}
	return n
}

func (r *RowResult) count(s State) (n int) {
	for _, o := range r.Runs {
		if o.State == s {
			n++
		}
	}
	return n
}

// left estimates the time of the remaining runs: those of a row take as long as
// its finished ones, those of a row without any as long as the mean of all rows.
func (r *Result) left() time.Duration {
	r.average()
	all := r.meanSeconds()
	seconds := 0.0
	for _, row := range r.Rows {
		mean := row.Seconds.Mean
		if row.Seconds.N == 0 {
			mean = all
		}
		seconds += mean * float64(row.count(Pending))
	}
	return time.Duration(seconds * float64(time.Second))
}
