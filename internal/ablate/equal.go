package ablate

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/inception-go/inception/internal/settings"
	"github.com/inception-go/inception/internal/spelling"
)

// Footing says what all rows get the same of.
type Footing string

// The footings.
const (
	EqualEpochs Footing = "epochs" // and so each row what it costs
	EqualTime   Footing = "time"   // each row the epochs that the reference's time allows
	EqualMACs   Footing = "macs"   // or its multiply-adds in training, auxiliary heads included
)

// Footings lists the footings.
func Footings() []string { return []string{string(EqualEpochs), string(EqualTime), string(EqualMACs)} }

func (f Footing) check(rows []planned) error {
	if !slices.Contains(Footings(), string(f)) {
		return fmt.Errorf("--equal: %q is unknown; did you mean %s?", f, spelling.Nearest(string(f), Footings()))
	}
	if f == EqualEpochs {
		return nil
	}
	for _, row := range rows {
		key := ""
		switch {
		case row.config.Train.MaxSteps > 0:
			key = "train.max_steps"
		case row.config.Train.MaxTime > 0:
			key = "train.max_time"
		default:
			continue
		}
		return fmt.Errorf("row %s: %w", row.Name, settings.Errorf(key, "--equal %s counts in epochs; remove the limit", f))
	}
	return nil
}

// reference is the index of the row whose epochs the others' follow from: the
// first that another one is compared with.
func (p *Plan) reference() int {
	for i, row := range p.rows {
		if slices.ContainsFunc(p.rows, func(o planned) bool { return o.base == row.Name }) {
			return i
		}
	}
	return 0
}

// equalise gives each row the epochs that its cost allows: those that s holds,
// or new ones, which it records there. Times are measured once: a later
// measurement would be another one.
func (p *Plan) equalise(s *schedule) error {
	if p.equal == EqualEpochs {
		return nil
	}
	known := s.Equal == p.equal && len(s.Epochs) == len(p.rows)
	for _, row := range p.rows {
		known = known && s.Epochs[row.Name] > 0
	}
	if !known {
		costs, err := p.costs()
		if err != nil {
			return err
		}
		reference := p.reference()
		s.Equal, s.Epochs = p.equal, map[string]int{}
		for i, row := range p.rows {
			epochs := float64(p.rows[reference].config.Train.Epochs) * costs[reference] / costs[i]
			s.Epochs[row.Name] = max(1, int(math.Round(epochs)))
		}
	}
	for i := range p.rows {
		row := &p.rows[i]
		updates := row.outline.Updates / row.config.Train.Epochs
		row.config.Train.Epochs = s.Epochs[row.Name]
		row.outline.Updates = updates * row.config.Train.Epochs
	}
	return nil
}

// costs returns what an image of an epoch costs each row. Steps are timed three
// times in turn, so that what else the machine does strikes all rows, and the
// fastest counts.
func (p *Plan) costs() (costs []float64, err error) {
	costs = make([]float64, len(p.rows))
	if p.equal == EqualMACs {
		for i, row := range p.rows {
			costs[i] = float64(row.trainMACs) * row.effort()
		}
		return costs, nil
	}
	for round := range 3 {
		for i, row := range p.rows {
			step, err := row.stepTime(p.like.Emulate)
			if err != nil {
				return nil, fmt.Errorf("row %s: %w", row.Name, err)
			}
			perImage := float64(step) / float64(row.config.Train.BatchSize) / float64(time.Second) * row.effort()
			if round == 0 || perImage < costs[i] {
				costs[i] = perImage
			}
		}
	}
	return costs, nil
}

// effort is what an image costs with train.sizes, as a share of one of
// model.input_size.
func (r planned) effort() float64 { return r.config.Train.Effort(r.outline.Spec.InputSize) }
