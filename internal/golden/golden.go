// Package golden keeps with weights what they make of some pictures, and tries later,
// with another program, machine or file, whether they still do. A picture goes through
// all of the preprocessing, so that a filter, a crop or a mean that has changed shows
// as well as a weight. Weights with their metadata enter; pictures with answers and
// what has become of them leave.
package golden

import (
	"fmt"
	"math"
	"slices"

	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/picture"
	"github.com/inception-go/inception/internal/weights"
)

// Fill gives metadata golden pictures: those of own if there are any, else those that
// it has and the network takes, else made-up ones. The answers are computed anew. If
// these are not finite, or no picture can be taken, there are none, and the error says
// why.
func Fill(w *model.Weights, m *weights.Metadata, own weights.Golden) error {
	pictures := own
	if len(own) == 0 {
		pictures = slices.DeleteFunc(slices.Clone(m.Golden), func(g weights.GoldenPicture) bool {
			return m.Preprocess.Takes(g.Picture) != nil
		})
	}
	if len(pictures) == 0 {
		pictures = madeUp(m.Preprocess)
	}
	m.Golden = nil
	if len(pictures) == 0 {
		return fmt.Errorf("golden pictures of %dx%d are too large for a file", m.Preprocess.Size, m.Preprocess.Size)
	}
	filled := slices.Clone(pictures)
	net, err := open(w, m, model.Own)
	if err != nil {
		return err
	}
	defer net.close()
	for i := range filled {
		if filled[i].Values, err = net.answer(filled[i].Picture); err != nil {
			return fmt.Errorf("golden picture %s: %w", filled[i].Name, err)
		}
	}
	m.Golden = filled
	return nil
}

// Settle makes sure that weights which are passed on have golden pictures: those of own
// if there are any; else those that they have, with the answers that they have had
// since they were first written; else made-up ones. It returns what is wrong in words,
// "" if nothing is: then answers are not what they were, or there can be none.
func Settle(w *model.Weights, m *weights.Metadata, own weights.Golden) (warning string) {
	if len(own) > 0 || !m.Golden.Answered() {
		if err := Fill(w, m, own); err != nil {
			return fmt.Sprintf("no golden pictures: %v", err)
		}
		return ""
	}
	t, err := Try(w, *m, model.Own)
	switch {
	case err != nil:
		return err.Error()
	case !t.OK():
		return fmt.Sprintf("the golden pictures of the file get other answers now, %.1e of the largest value off: the "+
			"weights, the preprocessing or the program are not those that they were made with", t.Worst())
	}
	return ""
}

// Tolerance is how far an answer may be from what it was, as a share of the largest
// value. Between processors float32 sums differ in their order; a byte, and bf16's
// eight bits, may be rounded to the other side.
func Tolerance(p model.Precision) float64 {
	if p == model.FP32 {
		return 1e-4
	}
	return 0.05
}

// Trial is what a network makes of golden pictures.
type Trial struct {
	Precision string   `json:"precision"`
	Tolerance float64  `json:"tolerance"`
	Pictures  []Result `json:"pictures"`
}

// Result is what has become of the answer to one picture.
type Result struct {
	Name       string  `json:"name"`
	Width      int     `json:"width"`
	Height     int     `json:"height"`
	Largest    float64 `json:"largest"`    // absolute value then
	Difference float64 `json:"difference"` // the largest, as a share of Largest
	Then       *Class  `json:"then,omitempty"`
	Now        *Class  `json:"now,omitempty"`
	OK         bool    `json:"ok"`
}

// Class is the most probable one of an answer; weights without a classifier have none.
type Class struct {
	Index int    `json:"index"`
	Label string `json:"label"`
}

// OK reports whether all pictures get the answers that they had.
func (t Trial) OK() bool {
	return !slices.ContainsFunc(t.Pictures, func(r Result) bool { return !r.OK })
}

// Worst returns the largest difference.
func (t Trial) Worst() (worst float64) {
	for _, r := range t.Pictures {
		worst = max(worst, r.Difference)
	}
	return worst
}

// Try runs the network on the golden pictures that m has.
func Try(w *model.Weights, m weights.Metadata, precision model.Precision) (Trial, error) {
	precision, err := w.Precision(precision)
	if err != nil {
		return Trial{}, err
	}
	net, err := open(w, &m, precision)
	if err != nil {
		return Trial{}, err
	}
	defer net.close()
	t := Trial{Precision: precision.String(), Tolerance: Tolerance(precision)}
	for _, g := range m.Golden {
		now, err := net.answer(g.Picture)
		if err == nil && len(now) != len(g.Values) {
			err = fmt.Errorf("the file holds %d values, the network gives %d", len(g.Values), len(now))
		}
		if err != nil {
			return t, fmt.Errorf("golden picture %q: %w", g.Name, err)
		}
		t.Pictures = append(t.Pictures, compare(g, now, m, t.Tolerance))
	}
	return t, nil
}

// compare holds an answer against what it was.
func compare(g weights.GoldenPicture, now []float32, m weights.Metadata, tolerance float64) Result {
	r := Result{Name: g.Name, Width: g.Picture.W, Height: g.Picture.H}
	var off float64
	for i, then := range g.Values {
		off = max(off, math.Abs(float64(now[i])-float64(then)))
		r.Largest = max(r.Largest, math.Abs(float64(then)))
	}
	r.Difference, r.OK = off/r.Largest, off <= tolerance*r.Largest
	if r.Largest == 0 {
		r.Difference = off
	}
	if !m.NoHead {
		names := m.ClassNames()
		class := func(values []float32) *Class {
			i := slices.Index(values, slices.Max(values))
			return &Class{i, names[i]}
		}
		r.Then, r.Now = class(g.Values), class(now)
	}
	return r
}

// network is a network for one picture at a time.
type network struct {
	*model.Network
	preprocess picture.Preprocess
	features   bool // are its answer
	resampler  picture.Resampler
	input      []float32
}

func open(w *model.Weights, m *weights.Metadata, precision model.Precision) (*network, error) {
	p := m.Preprocess
	net, err := model.Build(w.Spec.At(p.Size), w, 1, model.Eval, model.Options{Precision: precision})
	if err != nil {
		return nil, fmt.Errorf("build the network for golden pictures: %w", err)
	}
	net.Refresh() // other networks may have folded the weights before they changed
	return &network{Network: net, preprocess: p, features: m.NoHead, input: make([]float32, 3*p.Size*p.Size)}, nil
}

func (n *network) close() { _ = n.Close() }

// answer returns what the network makes of a picture.
func (n *network) answer(im picture.Image) ([]float32, error) {
	if err := n.preprocess.Takes(im); err != nil {
		return nil, err
	}
	n.preprocess.Apply(n.input, im, &n.resampler)
	if err := n.Forward(n.input); err != nil {
		return nil, err
	}
	values := n.Logits()
	if n.features {
		values = n.Features()
	}
	return slices.Clone(values), model.CheckFinite(values)
}
