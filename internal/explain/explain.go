// Package explain says where in a picture a network finds a class: Grad-CAM and
// LayerCAM by the derivatives of its graph, and occlusion by its answers alone.
// Weights and preprocessed pictures enter; maps leave. How maps are drawn is
// package figure's matter.
package explain

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/settings"
	"github.com/inception-go/inception/internal/spelling"
)

// Method is a way to make a map.
type Method string

// The methods.
const (
	// GradCAM weights the channels of a layer by the mean of the score's
	// derivatives over each channel's pixels, and adds them up (Selvaraju et al.
	// 2017, arXiv 1610.02391, equations 1 and 2).
	GradCAM Method = "gradcam"
	// LayerCAM weights each value of a layer by its own derivative where that is
	// positive (Jiang et al. 2021, "LayerCAM: Exploring Hierarchical Class
	// Activation Maps for Localization", equations 6 and 7).
	LayerCAM Method = "layercam"
	// Occlusion covers one place of the picture after another with a grey square
	// and maps how far the logarithm of the class' probability falls (Zeiler and
	// Fergus 2014, arXiv 1311.2901, section 4.2).
	Occlusion Method = "occlusion"
)

// Methods lists the methods for help texts.
func Methods() []settings.Choice {
	return []settings.Choice{
		{Name: string(GradCAM), About: "a module's channels, weighted by their mean gradient"},
		{Name: string(LayerCAM), About: "a module's values, weighted by their own positive gradients; sharp in early modules"},
		{Name: string(Occlusion), About: "what the class loses when a grey square covers the place; slow"},
	}
}

// ParseMethod reads the name of a method.
func ParseMethod(name string) (Method, error) {
	var names []string
	for _, m := range Methods() {
		if m.Name == name {
			return Method(name), nil
		}
		names = append(names, m.Name)
	}
	return "", fmt.Errorf("must be one of %s, is %q%s", strings.Join(names, ", "), name, spelling.Suggest(name, names))
}

// InputPoint is what Map.At says of occlusion, whose map is of the input.
const InputPoint = "input"

// Question says which classes an input is explained by.
type Question struct{ Class, Rival int }

// Predicted as Question.Class stands for the most probable class, and as
// Question.Rival for the most probable other one.
const Predicted = -1

// Most is the question of what an input is taken for.
var Most = Question{Predicted, Predicted}

// Options say what is explained, and how.
type Options struct {
	Method Method
	At     []string // modules or layers whose maps are made; empty: the last on a grid of LeastGrid that the head sees
	Head   string   // the auxiliary head that answers, model.AnyAux for the later one; empty: the main one
	Apart  bool     // also map what the class and its rival differ by

	Size  int        // of the inputs, in pixels a side
	Batch int        // rows that run together; 0 for 8
	Patch int        // side of the square that occludes, in pixels; 0 for an eighth of the input
	Step  int        // pixels from one place of it to the next; 0 for half of it
	Grey  [3]float32 // the square's values, preprocessed
}

// Explanation is what was found of one input.
type Explanation struct {
	Logits []float32 // of the head
	Class  int       // that the maps are of
	Rival  int       // the other one; -1 if there is none
	Maps   []Map     // one for each point
	Apart  []Map     // with Options.Apart: positive where Class gains on Rival, negative where it loses
}

// Map is a map over the input.
type Map struct {
	At      string    // the point that it is of
	H, W    int       // that point's grid
	Values  []float32 // [H][W], the largest 1 (of Apart, by absolute value) unless all are 0
	Largest float64   // what 1 stands for
}

// Explainer is a network ready to be explained. It is not safe for concurrent
// use.
type Explainer struct {
	net     *model.Network
	options Options
}

// New builds a network over w, which must not change any more.
func New(w *model.Weights, o Options) (*Explainer, error) {
	if o.Batch == 0 {
		o.Batch = 8
	}
	o.Batch = max(o.Batch, o.rows())
	spec := w.Spec.At(o.Size)
	if o.Method == Occlusion {
		if err := o.square(); err != nil {
			return nil, err
		}
		return newOccluder(w, spec, o)
	}
	if len(o.At) == 0 {
		last, err := lastPoint(w, spec, o.Head)
		if err != nil {
			return nil, err
		}
		o.At = []string{last}
	}
	net, err := model.Build(spec, w, o.Batch, model.Explain, model.Options{Keep: o.At, Head: o.Head})
	if err != nil {
		return nil, fmt.Errorf("build the network: %w", err)
	}
	return &Explainer{net, o}, nil
}

// LeastGrid is how many pixels a side the grid has that is explained by default: a
// coarser one, as last modules have for small inputs, shows no places.
const LeastGrid = 5

// lastPoint returns the last module that a head sees on a grid of LeastGrid, or else
// on the largest.
func lastPoint(w *model.Weights, spec model.Spec, head string) (string, error) {
	net, err := model.Build(spec, w, 1, model.Explain, model.Options{Head: head})
	if err != nil {
		return "", fmt.Errorf("build the network: %w", err)
	}
	defer net.Close()
	return net.LastGrid(LeastGrid), nil
}

// rows returns how many rows of a batch a method needs for one input at once.
func (o Options) rows() int {
	if o.Apart && o.Method != Occlusion {
		return 2
	}
	return 1
}

// Points lists the points that maps are made of, in order.
func (e *Explainer) Points() []string { return e.options.At }

// Together returns how many inputs Explain best takes at once.
func (e *Explainer) Together() int {
	if e.options.Method == Occlusion {
		return 1
	}
	return e.options.Batch / e.options.rows()
}

// Close frees the network's machine.
func (e *Explainer) Close() error { return e.net.Close() }

// Explain explains inputs, [N][3][Size][Size], preprocessed, each by its question;
// without questions by Most.
func (e *Explainer) Explain(ctx context.Context, inputs []float32, asked []Question) ([]Explanation, error) {
	per := 3 * e.options.Size * e.options.Size
	n := len(inputs) / per
	if len(inputs)%per != 0 || asked != nil && len(asked) != n {
		return nil, fmt.Errorf("explain: %d values for %d questions, an input has %d", len(inputs), len(asked), per)
	}
	if asked == nil {
		asked = slices.Repeat([]Question{Most}, n)
	}
	for _, q := range asked {
		if err := q.check(e.net.Spec.Classes); err != nil {
			return nil, err
		}
	}
	all := make([]Explanation, 0, n)
	for from := 0; from < n; from += e.Together() {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		to := min(from+e.Together(), n)
		explain := e.byGradients
		if e.options.Method == Occlusion {
			explain = func(input []float32, asked []Question) ([]Explanation, error) {
				return e.byOcclusion(ctx, input, asked[0])
			}
		}
		found, err := explain(inputs[from*per:to*per], asked[from:to])
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

// check refuses classes that there are not.
func (q Question) check(classes int) error {
	for _, class := range []int{q.Class, q.Rival} {
		if class != Predicted && (class < 0 || class >= classes) {
			return fmt.Errorf("class: must be from 0 to %d, is %d", classes-1, class)
		}
	}
	if q.Rival != Predicted && (q.Class == q.Rival || classes == 1) {
		return fmt.Errorf("class %d: does not differ from itself", q.Rival)
	}
	return nil
}

// of returns the class that logits are explained by and its rival.
func (q Question) of(logits []float32) (class, rival int) {
	class, rival = q.Class, q.Rival
	if class == Predicted {
		class = largestBut(logits, rival)
	}
	if rival == Predicted {
		rival = largestBut(logits, class)
	}
	return class, rival
}

// largestBut returns the row of the largest logit but one row's; -1 without others.
func largestBut(logits []float32, but int) int {
	best := -1
	for i, v := range logits {
		if i != but && (best < 0 || v > logits[best]) {
			best = i
		}
	}
	return best
}

// positive returns a map of what is above 0.
func positive(at string, h, w int, values []float64) Map {
	for i, v := range values {
		values[i] = math.Max(v, 0)
	}
	return signed(at, h, w, values)
}

// signed returns a map scaled to at most 1 by absolute value.
func signed(at string, h, w int, values []float64) Map {
	m := Map{At: at, H: h, W: w, Values: make([]float32, len(values))}
	for _, v := range values {
		m.Largest = math.Max(m.Largest, math.Abs(v))
	}
	if m.Largest == 0 {
		return m
	}
	for i, v := range values {
		m.Values[i] = float32(v / m.Largest)
	}
	return m
}
