package train

import (
	"fmt"
	"slices"
	"strings"

	"github.com/inception-go/inception/internal/labels"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/ops"
	"github.com/inception-go/inception/internal/weights"
)

// Init names weights to begin with instead of random ones.
type Init struct {
	Weights string              // a weight file or a run folder; empty for none
	Match   labels.MatchOptions // how the data's classes are found among the file's labels
	NewHead bool                // begin with a new classifier even if the file's has as many classes
}

// weights returns the first weights of a training: random, or those of the
// file wherever it has them. A classifier for another number of classes is
// new, and headless true; one that is kept gets its rows in the order of the
// data's classes.
func (i Init) weights(
	spec model.Spec, seed uint64, data trainingData, reporter Reporter,
) (w *model.Weights, headless bool, err error) {
	w, err = model.NewWeights(spec, seed)
	if err != nil || i.Weights == "" {
		return w, false, err
	}
	from, metadata, err := weights.Load(i.Weights)
	if err != nil {
		return nil, false, err
	}
	if from.Int8 != nil {
		return nil, false, fmt.Errorf("%s: is quantised to int8, which training cannot begin with; give the "+
			"weights that it was made of", i.Weights)
	}
	rows, err := i.rows(metadata, data.train.Classes(), reporter)
	if err != nil {
		return nil, false, fmt.Errorf("%s: %w; or --new-head begins with a new classifier", i.Weights, err)
	}
	fresh, wrong, err := copyWeights(w, from, rows)
	if err != nil {
		return nil, false, err
	}
	if len(wrong) > 0 {
		return nil, false, fmt.Errorf("%s: is of another structure (%s) than this model (%s): %s; set model.* to the file's",
			i.Weights, describe(from.Spec), describe(spec), list(wrong))
	}
	with := fmt.Sprintf("with a new classifier for %d classes (the file's has %d)", spec.Classes, from.Spec.Classes)
	switch {
	case rows != nil:
		with = "its classifier included"
	case metadata.NoHead:
		with = fmt.Sprintf("with a new classifier for %d classes (the file has none)", spec.Classes)
	}
	reporter.Note(fmt.Sprintf("initial weights from %s, %s", i.Weights, with))
	if len(fresh) > 0 {
		reporter.Note(fmt.Sprintf("new, because the file has none that fits: %s", list(fresh)))
	}
	warnAboutInput(spec, from.Spec, metadata, data, reporter)
	return w, rows == nil, nil
}

// rows returns where in the file's classifier the row of each class of the
// data stands; nil if the classifier is not kept.
func (i Init) rows(m weights.Metadata, wanted []string, reporter Reporter) ([]int, error) {
	if i.NewHead || m.NoHead || m.Spec.Classes != len(wanted) {
		return nil, nil
	}
	match, err := labels.MatchClasses(wanted, m.ClassNames(), i.Match)
	if match.Note != "" {
		reporter.Note(match.Note)
	}
	return match.Rows, err
}

// copyWeights copies from's values into w. It returns the auxiliary heads that
// from has no fitting values for, and what else is missing or does not fit.
func copyWeights(w, from *model.Weights, rows []int) (fresh, wrong []string, err error) {
	fresh = newAuxHeads(w, from)
	for _, p := range w.Params {
		q := from.ByName(p.Name)
		switch {
		case p.Head && rows == nil, p.Aux && slices.Contains(fresh, p.Module):
		case q == nil:
			wrong = append(wrong, p.Name+" is not in the file")
		case !slices.Equal(p.Shape, q.Shape):
			wrong = append(wrong, fmt.Sprintf("%s is %v in the file, %v here", p.Name, q.Shape, p.Shape))
		case p.Head:
			err = p.SetValues(pickRows(q, rows))
		default:
			err = p.SetValues(q.Values())
		}
		if err != nil {
			return nil, nil, err
		}
	}
	return fresh, wrong, nil
}

// newAuxHeads returns the auxiliary heads of w that from lacks or has in other
// shapes, their classifiers aside: the shape of a head's second convolution
// depends on the input size.
func newAuxHeads(w, from *model.Weights) []string {
	var heads []string
	for _, p := range w.Params {
		if !p.Aux || p.Head || slices.Contains(heads, p.Module) {
			continue
		}
		if q := from.ByName(p.Name); q == nil || !slices.Equal(p.Shape, q.Shape) {
			heads = append(heads, p.Module)
		}
	}
	return heads
}

// pickRows returns the values of a classifier's weight or bias with its rows
// in another order.
func pickRows(p *ops.Param, rows []int) []float32 {
	values := p.Values()
	width := len(values) / p.Shape[0]
	var picked []float32
	for _, r := range rows {
		picked = append(picked, values[r*width:(r+1)*width]...)
	}
	return picked
}

// warnAboutInput says where the images will look other to the network than
// those that its weights have learned from.
func warnAboutInput(spec, from model.Spec, m weights.Metadata, data trainingData, reporter Reporter) {
	if p, d := m.Preprocess, data.preprocess; p.Mean != d.Mean || p.Std != d.Std || p.Geometry != d.Geometry {
		cure := ""
		name, geometry := p.Setting()
		switch {
		case name != "" && geometry != "":
			cure = fmt.Sprintf("; set data.preprocess to %s and data.geometry to %s", name, geometry)
		case name != "":
			cure = "; set data.preprocess to " + name
		}
		reporter.Warn(fmt.Sprintf("the weights have learned from images preprocessed so: %s; the data is: %s%s", p, d, cure))
	}
	if spec.AvgPoolCountIncludePad != from.AvgPoolCountIncludePad {
		reporter.Warn(fmt.Sprintf("the weights have learned with model.avgpool_count_include_pad %t, here it is %t",
			from.AvgPoolCountIncludePad, spec.AvgPoolCountIncludePad))
	}
}

// list joins the first few of many.
func list(all []string) string {
	const most = 5
	if len(all) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(all[:most], ", "), len(all)-most)
	}
	return strings.Join(all, ", ")
}
