package ablate

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"text/tabwriter"
	"time"

	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/train"
)

// Forecast is an estimate of what a plan will do.
type Forecast struct {
	Suite  string        `json:"suite"`
	Config string        `json:"config"`
	Seeds  []uint64      `json:"seeds"`
	Rows   []RowForecast `json:"rows"`
	Total  float64       `json:"time_s"`
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
}

// Forecast measures a few steps of every row's network and estimates how long
// the plan will take if the machine stays as busy as it is now.
func (p *Plan) Forecast(ctx context.Context) (*Forecast, error) {
	f := &Forecast{Suite: p.Suite, Config: p.Base.Name, Seeds: p.Seeds}
	for _, row := range p.rows {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		step, err := row.stepTime()
		if err != nil {
			return nil, fmt.Errorf("row %s: %w", row.Name, err)
		}
		r := RowForecast{
			Name: row.Name, Title: row.Title, Change: row.Change, Settings: row.settings,
			Params: row.params, ParamsWithAux: row.paramsWithAux, MACs: row.macs,
			Steps: row.outline.Updates, StepSeconds: step.Seconds(), Seconds: row.runTime(step).Seconds(),
		}
		f.Rows = append(f.Rows, r)
		f.Total += r.Seconds * float64(len(p.Seeds))
	}
	return f, nil
}

// stepTime measures a batch of a row's network.
func (r planned) stepTime() (time.Duration, error) {
	spec, o := r.outline.Spec, r.config.Recipe
	w, err := model.NewWeights(spec, o.Train.Seed)
	if err != nil {
		return 0, err
	}
	s, err := train.NewStepper(o, w, nil)
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
	batches := r.outline.Updates * o.GradAccumSteps
	epochs := (batches + r.outline.Batches - 1) / r.outline.Batches
	validations := train.Validations(0, epochs, r.config.Eval.Every)
	perImage := step / time.Duration(o.BatchSize)
	total := step*time.Duration(batches) + perImage/3*time.Duration(validations*r.outline.ValImages)
	if o.MaxTime > 0 {
		total = min(total, o.MaxTime)
	}
	return total
}

// WriteText writes the forecast for a terminal.
func (f *Forecast) WriteText(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "row\tchange\tparams\twith aux\tMMAC\tsteps\tms per step\ttime per run")
	for _, r := range f.Rows {
		fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%.2f\t%d\t%.0f\t%s\n",
			r.Name, r.Change, r.Params, r.ParamsWithAux, float64(r.MACs)/1e6, r.Steps, 1000*r.StepSeconds, brief(r.Seconds))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "%d runs, about %s in total if the machine stays as busy as now\n",
		len(f.Rows)*len(f.Seeds), brief(f.Total))
	return err
}
