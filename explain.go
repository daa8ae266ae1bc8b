package inception

import (
	"context"
	"fmt"
	"image"

	"github.com/inception-go/inception/internal/evaluate"
	"github.com/inception-go/inception/internal/explain"
	"github.com/inception-go/inception/internal/figure"
	"github.com/inception-go/inception/internal/labels"
)

// ExplainOptions say what Explain explains, and how. The zero value is Grad-CAM
// of each picture's most probable class at the last module with a grid of 5x5 or more.
type ExplainOptions struct {
	Method string   // gradcam (also if empty), layercam or occlusion
	At     []string // modules or layers, such as Mixed_6e, a map for each; not for occlusion
	Class  string   // label or index; empty for each picture's most probable class
	Head   string   // auxiliary head that answers, "aux" for the only or later one; empty for the main one
}

// Explanation says where in a picture the network finds a class.
type Explanation struct {
	Class Class
	Maps  []HeatMap // one for each point
}

// HeatMap is a map of the evidence for a class over the part of a picture that
// the network sees.
type HeatMap struct {
	At      string      // module or layer; "input" of occlusion
	H, W    int         // its grid
	Values  []float32   // row by row, from 0 to 1; all 0 if nothing speaks for the class
	Overlay image.Image // the map over that part of the picture
}

// Explain returns for each picture where the network finds the class that the
// options name. It builds a network for the call, so many pictures are best
// explained together. The arithmetic is float32, whatever WithPrecision says.
func (m *Model) Explain(ctx context.Context, o ExplainOptions, pictures ...image.Image) ([]Explanation, error) {
	if m.metadata.NoHead {
		return nil, fmt.Errorf("inception: the weights have no classifier, so there is no class to explain")
	}
	if err := m.enter(ctx, pictures); err != nil || len(pictures) == 0 {
		return nil, err
	}
	defer m.leave()
	explainer, question, err := m.explainer(o, len(pictures))
	if err != nil {
		return nil, fmt.Errorf("inception: %w", err)
	}
	defer explainer.Close() //nolint:errcheck // nothing is written through it
	var all []Explanation
	for from := 0; from < len(pictures); from += explainer.Together() {
		part := pictures[from:min(from+explainer.Together(), len(pictures))]
		results, err := explainer.Pictures(ctx, inMemory(part), m.metadata.Preprocess,
			func(int) explain.Question { return question })
		if err != nil {
			return nil, fmt.Errorf("inception: %w", err)
		}
		for _, r := range results {
			all = append(all, m.explanation(r))
		}
	}
	return all, nil
}

// explainer builds a network for so many pictures.
func (m *Model) explainer(o ExplainOptions, pictures int) (e *explain.Explainer, q explain.Question, err error) {
	q = explain.Most
	method := explain.GradCAM
	if o.Method != "" {
		if method, err = explain.ParseMethod(o.Method); err != nil {
			return nil, q, fmt.Errorf("method: %w", err)
		}
	}
	if o.Class != "" {
		if q.Class, err = labels.Find(o.Class, m.metadata.ClassNames()); err != nil {
			return nil, q, fmt.Errorf("class: %w", err)
		}
	}
	const together = 8
	batch := min(together, pictures)
	if method == explain.Occlusion {
		batch = together
	}
	e, err = explain.New(m.weights, explain.Options{
		Method: method, At: o.At, Head: o.Head, Size: m.metadata.Preprocess.Size, Batch: batch,
		Grey: m.metadata.Preprocess.Middle(),
	})
	return e, q, err
}

// explanation is a result as callers see it.
func (m *Model) explanation(r explain.Result) Explanation {
	e := Explanation{Class: Class(evaluate.ClassOf(r.Logits, m.metadata.Labels, r.Class))}
	for _, found := range r.Maps {
		heat := figure.Heat{W: found.W, H: found.H, Values: found.Values}
		e.Maps = append(e.Maps, HeatMap{
			At: found.At, H: found.H, W: found.W, Values: found.Values, Overlay: heat.Over(r.Shown, false).Picture(),
		})
	}
	return e
}
