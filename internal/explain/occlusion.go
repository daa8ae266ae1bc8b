package explain

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/inception-go/inception/internal/model"
)

// square sets the sizes that occlusion is not given, and checks those that it is.
func (o *Options) square() error {
	if len(o.At) > 0 {
		return fmt.Errorf("occlusion covers the picture itself, so it has no map of %s", o.At[0])
	}
	if o.Patch == 0 {
		o.Patch = (o.Size + 7) / 8
	}
	if o.Patch < 1 || o.Patch > o.Size {
		return fmt.Errorf("patch: must be from 1 to the input's %d pixels, is %d", o.Size, o.Patch)
	}
	if o.Step == 0 {
		o.Step = (o.Patch + 1) / 2
	}
	if o.Step < 1 || o.Step > o.Size {
		return fmt.Errorf("step: must be from 1 to the input's %d pixels, is %d", o.Size, o.Step)
	}
	o.At = []string{InputPoint}
	return nil
}

func newOccluder(w *model.Weights, spec model.Spec, o Options) (*Explainer, error) {
	mode := model.Eval // which does not run auxiliary heads
	if o.Head != "" {
		mode = model.Explain
	}
	net, err := model.Build(spec, w, o.Batch, mode, model.Options{Head: o.Head})
	if err != nil {
		return nil, fmt.Errorf("build the network: %w", err)
	}
	return &Explainer{net, o}, nil
}

// byOcclusion explains one input. The map has a cell for each step, and in the
// middle of each cell the square is laid once.
func (e *Explainer) byOcclusion(ctx context.Context, input []float32, asked Question) ([]Explanation, error) {
	o, cells := e.options, (e.options.Size+e.options.Step-1)/e.options.Step
	whole, err := e.covered(input, nil)
	if err != nil {
		return nil, err
	}
	found := Explanation{Logits: whole}
	if err := model.CheckFinite(whole); err != nil {
		return nil, err
	}
	found.Class, found.Rival = asked.of(whole)
	loss, apart := make([]float64, cells*cells), make([]float64, cells*cells)
	for from := 0; from < len(loss); from += o.Batch {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		places := make([]int, 0, o.Batch)
		for at := from; at < min(from+o.Batch, len(loss)); at++ {
			places = append(places, at)
		}
		logits, err := e.covered(input, places)
		if err != nil {
			return nil, err
		}
		for i, at := range places {
			of := logits[i*len(whole):][:len(whole)]
			loss[at] = logProbability(whole, found.Class) - logProbability(of, found.Class)
			if o.Apart && found.Rival >= 0 {
				apart[at] = lead(whole, found) - lead(of, found)
			}
		}
	}
	found.Maps = []Map{positive(InputPoint, cells, cells, loss)}
	if o.Apart {
		found.Apart = []Map{signed(InputPoint, cells, cells, apart)}
	}
	return []Explanation{found}, nil
}

// covered returns the logits of the input with the square at each place, or of
// the input as it is.
func (e *Explainer) covered(input []float32, places []int) ([]float32, error) {
	batch := make([]float32, e.options.Batch*len(input))
	rows := max(1, len(places))
	for row := range rows {
		copy(batch[row*len(input):], input)
	}
	for row, at := range places {
		e.cover(batch[row*len(input):][:len(input)], at)
	}
	if err := e.net.Forward(batch); err != nil {
		return nil, err
	}
	return slices.Clone(e.net.Logits()[:rows*e.net.Spec.Classes]), nil
}

// cover lays the square over the middle of a cell.
func (e *Explainer) cover(input []float32, cell int) {
	o, cells := e.options, (e.options.Size+e.options.Step-1)/e.options.Step
	span := func(cell int) (from, to int) {
		middle := float64(o.Size) * (float64(cell) + 0.5) / float64(cells)
		from = int(math.Round(middle - float64(o.Patch)/2))
		return max(0, from), min(o.Size, from+o.Patch)
	}
	top, bottom := span(cell / cells)
	left, right := span(cell % cells)
	for c, grey := range o.Grey {
		for y := top; y < bottom; y++ {
			row := input[(c*o.Size+y)*o.Size:][:o.Size]
			for x := left; x < right; x++ {
				row[x] = grey
			}
		}
	}
}

// lead is how far the class is before its rival.
func lead(logits []float32, of Explanation) float64 {
	return float64(logits[of.Class]) - float64(logits[of.Rival])
}

// logProbability is the logarithm of a class' softmax.
func logProbability(logits []float32, class int) float64 {
	largest, sum := float64(slices.Max(logits)), 0.0
	for _, v := range logits {
		sum += math.Exp(float64(v) - largest)
	}
	return float64(logits[class]) - largest - math.Log(sum)
}
