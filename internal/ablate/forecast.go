package ablate

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/statistics"
	"github.com/inception-go/inception/internal/train"
)

// Forecast is an estimate of what a plan will do.
type Forecast struct {
	Suite  string        `json:"suite"`
	Config string        `json:"config"`
	Seeds  []uint64      `json:"seeds"`
	Rows   []RowForecast `json:"rows"`
	Total  float64       `json:"time_s"`             // of the runs to come
	Tuning float64       `json:"tuning_s,omitempty"` // the part of it that short runs take
	Budget float64       `json:"budget_s,omitempty"`

	Looks []statistics.Look `json:"looks"`
}

// RowForecast is a row with the estimated time of one of its runs.
type RowForecast struct {
	Name          string   `json:"name"`
	Title         string   `json:"title"`
	Change        string   `json:"change"`
	Settings      []string `json:"set"`
	Params        int      `json:"params"`
	ParamsWithAux int      `json:"params_with_aux"`
	MACs          int64    `json:"macs"`
	Steps         int      `json:"steps"`
	StepSeconds   float64  `json:"step_s"`
	Seconds       float64  `json:"time_s"`
	Runs          int      `json:"runs"` // with those that are done
	Done          int      `json:"done"`
}

// Forecast estimates how long the plan will take, with the runs that dir has of
// it already, if the machine stays as busy as it is now: it measures a few steps
// of every row's network. With a budget it plans the seeds of each row, as they
// will be if none of the open verdicts is decided on the way.
func (p *Plan) Forecast(ctx context.Context, dir string) (*Forecast, error) {
	f := &Forecast{Suite: p.Suite, Config: p.Base.Name, Seeds: p.Seeds, Budget: p.budget.Seconds()}
	r, err := p.collect(dir)
	if err != nil {
		return nil, err
	}
	if err := r.summarise(); err != nil {
		return nil, err
	}
	f.Looks = r.Rule.Looks
	books := p.ledger(r, nil)
	for i, row := range p.rows {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		step, err := row.stepTime(p.like.Emulate)
		if err != nil {
			return nil, fmt.Errorf("row %s: %w", row.Name, err)
		}
		o := r.Rows[i]
		r := RowForecast{
			Name: row.Name, Title: row.Title, Change: row.Change, Settings: row.settings,
			Params: row.params, ParamsWithAux: row.paramsWithAux, MACs: row.macs,
			Steps: row.outline.Updates, StepSeconds: step.Seconds() * float64(row.config.Train.GradAccumSteps),
			Seconds: row.runTime(step).Seconds() / float64(p.crew.ranks()),
		}
		if o.Seconds.N > 0 {
			r.Seconds = o.Seconds.Mean
		}
		r.Done = o.count(Done) + o.count(Failed)
		books.seconds[i] = r.Seconds
		f.Rows = append(f.Rows, r)
	}
	budget := unlimited
	if p.budget > 0 {
		budget = f.Budget
	}
	for i, row := range p.rows {
		if p.tune != nil && len(row.tuned) == 0 {
			f.Tuning += f.Rows[i].Seconds * float64(len(p.tune.values)*p.tune.epochs) /
				float64(row.config.Train.Epochs*p.crew.crews())
		}
	}
	var runs []int
	runs, f.Total = books.plan(budget - f.Tuning)
	f.Total += f.Tuning
	for i, n := range runs {
		f.Rows[i].Runs = n
	}
	return f, nil
}

// stepTime measures a batch of a row's network, of which an update may have several.
func (r planned) stepTime(emulate bool) (time.Duration, error) {
	spec, o := r.outline.Spec, r.config.Recipe
	w, err := model.NewWeights(spec, o.Train.Seed)
	if err != nil {
		return 0, err
	}
	o.Train = o.Train.For(r.outline.TrainImages)
	o.Train.GradAccumSteps = 1
	s, err := train.NewStepper(o, w, emulate, nil)
	if err != nil {
		return 0, err
	}
	defer s.Close()
	rng := rand.New(rand.NewPCG(1, 1))
	images, labels := make([]float32, o.Train.BatchSize*3*spec.InputSize*spec.InputSize), make([]int, o.Train.BatchSize)
	for i := range images {
		images[i] = float32(rng.NormFloat64())
	}
	for i := range labels {
		labels[i] = rng.IntN(spec.Classes)
	}
	const warm, timed = 1, 3
	var begin time.Time
	for i := range warm + timed {
		if i == warm {
			begin = time.Now()
		}
		if err := s.Step(images, labels); err != nil {
			return 0, err
		}
	}
	return time.Since(begin) / timed, nil
}

// runTime adds up the time of a run: its batches, and one validation per epoch,
// which is a forward pass and so takes a third of a step.
func (r planned) runTime(step time.Duration) time.Duration {
	o := r.config.Train
	batches := min(r.outline.Updates*o.GradAccumSteps, o.Epochs*r.outline.Batches)
	epochs := (batches + r.outline.Batches - 1) / r.outline.Batches
	validations := train.Validations(0, epochs, r.config.Eval.Every)
	perImage := step / time.Duration(o.BatchSize)
	total := time.Duration(float64(step)*float64(batches)*r.effort()) +
		perImage/3*time.Duration(validations*r.outline.ValImages)
	if o.MaxTime > 0 {
		total = min(total, o.MaxTime)
	}
	return total
}

// WriteText writes the forecast for a terminal.
func (f *Forecast) WriteText(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "row\tchange\tparams\twith aux\tMMAC\tsteps\tms per step\ttime per run\truns")
	for _, r := range f.Rows {
		fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%.2f\t%d\t%.0f\t%s\t%d\n", r.Name, r.Change, r.Params, r.ParamsWithAux,
			float64(r.MACs)/1e6, r.Steps, 1000*r.StepSeconds, duration(r.Seconds), r.Runs)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	all, done := 0, 0
	for _, r := range f.Rows {
		all, done = all+r.Runs, done+r.Done
	}
	text := fmt.Sprintf("%d runs, ", all)
	if done > 0 {
		text += fmt.Sprintf("%d of them done, ", done)
	}
	text += fmt.Sprintf("about %s in total if the machine stays as busy as now\n", duration(f.Total))
	if f.Tuning > 0 {
		text += fmt.Sprintf("of which %s for the short runs of --tune\n", duration(f.Tuning))
	}
	if f.Budget > 0 {
		text += f.rule()
	}
	_, err := io.WriteString(w, text)
	return err
}

// rule says how a budget is spent.
func (f *Forecast) rule() string {
	var seeds, levels []string
	for _, look := range f.Looks {
		seeds, levels = append(seeds, fmt.Sprint(look.Pairs)), append(levels, fmt.Sprintf("%.2g", look.Level))
	}
	text := fmt.Sprintf("budget %s: every row gets %s seeds; a row whose verdict is open then goes on to the next "+
		"of %s seeds, "+
		"the lowest p first, and is looked at only there, at levels %s; the plan above is for the case that none is "+
		"decided\n",
		duration(f.Budget), seeds[0], strings.Join(seeds, ", "), strings.Join(levels, ", "))
	for _, r := range f.Rows {
		if r.Runs < f.Looks[0].Pairs {
			return text + "the budget is too small for the first look; the same command goes on where it ends\n"
		}
	}
	return text
}
