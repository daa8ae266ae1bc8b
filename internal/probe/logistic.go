package probe

import (
	"errors"
	"fmt"
	"math"

	"github.com/inception-go/inception/internal/parallel"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/optimize"
)

// Examples are feature vectors with their classes.
type Examples struct {
	Features []float32 // [N][Width]
	Width    int
	Labels   []int // N, from 0
	Classes  int
}

// Len returns N.
func (e Examples) Len() int { return len(e.Labels) }

func (e Examples) row(i int) []float32 { return e.Features[i*e.Width : (i+1)*e.Width] }

// Linear is a classifier: the logits of x are Weights*x + Bias.
type Linear struct {
	Weights []float64 // [Classes][Width]
	Bias    []float64 // [Classes]
}

// Logits returns those of one feature vector.
func (l Linear) Logits(x []float32) []float64 {
	logits := make([]float64, len(l.Bias))
	for k, bias := range l.Bias {
		logits[k] = bias
		for j, w := range l.Weights[k*len(x) : (k+1)*len(x)] {
			logits[k] += w * float64(x[j])
		}
	}
	return logits
}

// problem is a regression on centred features of which all are divided by one
// number, the root of their mean square. That changes neither which classifier
// is best nor, apart from a factor, the strength, but it does how fast it is
// found, and makes one list of strengths suit all networks.
type problem struct {
	Examples
	mean  []float64 // of each feature
	scale float64
	parts []part
}

// part is the share of a fixed piece of the examples in loss and gradient.
type part struct {
	loss     float64
	gradient []float64
	x        []float64 // one example
}

// pieces is how many parts the examples are cut into: the sums do not depend on
// the number of threads.
const pieces = 16

func newProblem(e Examples) *problem {
	p := &problem{Examples: e, mean: make([]float64, e.Width), parts: make([]part, pieces)}
	for i := range e.Len() {
		for j, v := range e.row(i) {
			p.mean[j] += float64(v) / float64(e.Len())
		}
	}
	squares := 0.0
	for i := range e.Len() {
		for j, v := range e.row(i) {
			squares += (float64(v) - p.mean[j]) * (float64(v) - p.mean[j])
		}
	}
	if p.scale = math.Sqrt(squares / float64(len(e.Features))); p.scale == 0 {
		p.scale = 1 // all examples are alike
	}
	for i := range p.parts {
		p.parts[i] = part{gradient: p.zero(), x: make([]float64, e.Width)}
	}
	return p
}

// zero returns the parameters of a classifier that knows nothing: the weights,
// [Classes][Width], and behind them the biases.
func (p *problem) zero() []float64 { return make([]float64, p.Classes*(p.Width+1)) }

// linear returns the classifier of the features as they were.
func (p *problem) linear(params []float64) Linear {
	l := Linear{Weights: make([]float64, p.Classes*p.Width), Bias: make([]float64, p.Classes)}
	copy(l.Bias, params[p.Classes*p.Width:])
	for k := range p.Classes {
		row := l.Weights[k*p.Width : (k+1)*p.Width]
		floats.ScaleTo(row, 1/p.scale, params[k*p.Width:(k+1)*p.Width])
		l.Bias[k] -= floats.Dot(row, p.mean)
	}
	return l
}

// precision says when a regression ends.
type precision struct {
	gradient float64 // the largest derivative of the mean loss
	progress float64 // or so small a share of the loss is all that many evaluations have gained
}

// What is exact enough to compare strengths, in float32, and for the classifier
// itself.
var (
	rough = precision{1e-5, 1e-7}
	exact = precision{1e-8, 1e-15}
)

// patience is how many evaluations may gain nothing. A line search that finds
// nothing lower than rounding hides would go on for ever.
const patience = 50

// objective is the loss of some examples.
type objective interface {
	// loss returns the mean of the cross-entropy, and of the penalty its share, and
	// overwrites gradient with the derivatives.
	loss(strength float64, params, gradient []float64) float64
}

// minimise returns the best parameters for some examples, found by L-BFGS from
// start.
func minimise(o objective, strength float64, start []float64, end precision) ([]float64, error) {
	at, loss, gradient := []float64(nil), 0.0, make([]float64, len(start))
	evaluate := func(params []float64) {
		if at == nil || !floats.Equal(at, params) {
			at = append(at[:0], params...)
			loss = o.loss(strength, params, gradient)
		}
	}
	lowest, idle := math.Inf(1), 0
	stalled := func() (optimize.Status, error) { // asked after each evaluation
		if at == nil {
			return optimize.NotTerminated, nil
		}
		if idle++; math.IsInf(lowest, 1) || loss < lowest-end.progress*lowest {
			lowest, idle = loss, 0
		}
		if idle > patience {
			return optimize.FunctionConvergence, nil
		}
		return optimize.NotTerminated, nil
	}
	found, err := optimize.Minimize(optimize.Problem{
		Func: func(params []float64) float64 { evaluate(params); return loss },
		Grad: func(to, params []float64) { evaluate(params); copy(to, gradient) }, Status: stalled,
	}, start, &optimize.Settings{
		GradientThreshold: end.gradient, MajorIterations: 2000,
		Converger: &optimize.FunctionConverge{Absolute: end.gradient * end.gradient, Iterations: 10},
	}, &optimize.LBFGS{Linesearcher: &optimize.MoreThuente{}})
	if found == nil || floats.HasNaN(found.X) {
		return nil, fmt.Errorf("logistic regression: %w", errors.Join(err, errNotFinite))
	}
	// A line search that finds nothing lower any more has come as far as float64 goes.
	return found.X, nil
}

var errNotFinite = errors.New("the features are NaN or infinite")

// sums is the loss of some examples in float64.
type sums struct {
	*problem
	rows []int
}

func (s *sums) loss(strength float64, params, gradient []float64) float64 {
	p, rows := s.problem, s.rows
	parallel.For(pieces, func(i int) {
		p.parts[i].measure(p, rows[i*len(rows)/pieces:(i+1)*len(rows)/pieces], params)
	})
	weights := params[:p.Classes*p.Width]
	clear(gradient)
	copy(gradient, weights)
	floats.Scale(1/strength, gradient)
	loss := floats.Dot(weights, weights) / (2 * strength)
	for _, part := range p.parts {
		loss += part.loss
		floats.Add(gradient, part.gradient)
	}
	floats.Scale(1/float64(len(rows)), gradient)
	return loss / float64(len(rows))
}

// measure sums the cross-entropies of some examples and their derivatives.
func (s *part) measure(p *problem, rows []int, params []float64) {
	s.loss = 0
	clear(s.gradient)
	d, probs := p.Width, make([]float64, p.Classes)
	bias, biasGradient := params[p.Classes*d:], s.gradient[p.Classes*d:]
	for _, i := range rows {
		for j, v := range p.row(i) {
			s.x[j] = (float64(v) - p.mean[j]) / p.scale
		}
		for k := range probs {
			probs[k] = bias[k] + floats.Dot(params[k*d:(k+1)*d], s.x)
		}
		norm := floats.LogSumExp(probs)
		s.loss += norm - probs[p.Labels[i]]
		for k, logit := range probs {
			slope := math.Exp(logit - norm)
			if k == p.Labels[i] {
				slope--
			}
			biasGradient[k] += slope
			floats.AddScaled(s.gradient[k*d:(k+1)*d], slope, s.x)
		}
	}
}

func everyRow(e Examples) []int {
	rows := make([]int, e.Len())
	for i := range rows {
		rows[i] = i
	}
	return rows
}
