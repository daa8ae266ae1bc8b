package probe

import (
	"fmt"
	"math"
	"slices"

	"github.com/inception-go/inception/internal/evaluate"
)

// Fit is a classifier with the strength that it was found with.
type Fit struct {
	Linear
	Strength float64 // scikit-learn's C for more than two classes: large values fit closely
	Tried    []Trial // by rising strength
}

// Trial is how a strength did: the mean over all examples, each of them asked of
// a classifier that has not seen it.
type Trial struct {
	Strength float64 `json:"strength"`
	Top1     float64 `json:"top1"`
	Loss     float64 `json:"loss"`
}

// Folds is the number of parts of a cross-validation.
const Folds = 5

// mostValidated bounds the examples of a cross-validation. The best strength
// depends little on their number, since the penalty is compared with the sum of
// their losses; the classifier itself is fitted to all.
const mostValidated = 10_000

// FitBest returns the logistic regression whose strength does best in a
// cross-validation: that with the most right answers, of equal ones that with the
// lowest loss.
func FitBest(e Examples) (Fit, error) {
	if err := check(e); err != nil {
		return Fit{}, err
	}
	p := newProblem(e)
	trials, err := p.crossValidate()
	if err != nil {
		return Fit{}, err
	}
	best := bestOf(trials)
	all, strength := everyRow(e), best.Strength*p.scale*p.scale
	params, err := minimise(newQuick(p, all), strength, p.zero(), rough)
	if err == nil {
		params, err = minimise(&sums{p, all}, strength, params, exact)
	}
	if err != nil {
		return Fit{}, err
	}
	return Fit{p.linear(params), best.Strength, trials}, nil
}

// check says what makes a regression impossible.
func check(e Examples) error {
	if e.Len() < 2 || e.Classes < 2 {
		return fmt.Errorf("logistic regression: needs two examples of two classes at least, has %d of %d", e.Len(), e.Classes)
	}
	for _, v := range e.Features {
		if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
			return fmt.Errorf("logistic regression: %w", errNotFinite)
		}
	}
	return nil
}

// Chosen returns the trial of the fit's strength.
func (f Fit) Chosen() Trial { return bestOf(f.Tried) }

func bestOf(trials []Trial) Trial {
	best := trials[0]
	for _, t := range trials {
		if t.betterThan(best) {
			best = t
		}
	}
	return best
}

func (t Trial) betterThan(other Trial) bool {
	return evaluate.Better(t.Top1, t.Loss, other.Top1, other.Loss)
}

// strengths are those that are tried, in units of the scaled features.
func strengths() (all []float64) {
	for half := -10; half <= 6; half++ {
		all = append(all, math.Pow(10, float64(half)/2))
	}
	return all
}

// crossValidate tries the strengths from the lowest on, until three in a row have
// been worse than the best: what follows takes longest to find and fits still
// closer.
func (p *problem) crossValidate() (trials []Trial, err error) {
	folds := p.folds()
	starts := make([][]float64, len(folds))
	for f := range starts {
		starts[f] = p.zero()
	}
	best := 0
	for i, strength := range strengths() {
		t := Trial{Strength: strength / (p.scale * p.scale)}
		examples := 0.0
		for f, held := range folds {
			// The last strength's answer is a good beginning for the next.
			fitted := newQuick(p, slices.Concat(slices.Concat(folds[:f]...), slices.Concat(folds[f+1:]...)))
			if starts[f], err = minimise(fitted, strength, starts[f], rough); err != nil {
				return nil, err
			}
			right, loss := newQuick(p, held).answers(starts[f])
			t.Top1, t.Loss, examples = t.Top1+right, t.Loss+loss, examples+float64(len(held))
		}
		t.Top1, t.Loss = t.Top1/examples, t.Loss/examples
		trials = append(trials, t)
		if t.betterThan(trials[best]) {
			best = i
		}
		if i-best == 3 {
			break
		}
	}
	return trials, nil
}

// folds cuts the examples into parts: those of each class go round all of them
// in their order, beginning at another for the next class. A part without
// examples is left out.
func (p *problem) folds() (folds [][]int) {
	folds = make([][]int, Folds)
	seen := make([]int, p.Classes)
	for _, i := range p.validated() {
		f := (p.Labels[i] + seen[p.Labels[i]]) % Folds
		folds[f] = append(folds[f], i)
		seen[p.Labels[i]]++
	}
	return slices.DeleteFunc(folds, func(rows []int) bool { return len(rows) == 0 })
}

// validated lists the examples of the cross-validation: all, or as many of them,
// evenly spread, as there may be.
func (p *problem) validated() []int {
	n := min(p.Len(), mostValidated)
	rows := make([]int, n)
	for i := range rows {
		rows[i] = i * p.Len() / n
	}
	return rows
}
