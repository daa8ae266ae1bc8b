package evaluate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/picture"
	"github.com/inception-go/inception/internal/weights"
)

// Ensemble is several networks that answer together: the mean of their
// softmaxes, each of which is the mean over the crops of an image. Every
// network sees the images in its own preprocessing and size.
type Ensemble []*Evaluator

// Evaluate measures the ensemble on every image of set exactly once, as
// Evaluator.Evaluate does for one network.
func (e Ensemble) Evaluate(ctx context.Context, set dataset.Set, progress func(done, total int)) (Result, error) {
	classes := e[0].nets.spec.Classes
	if n := len(set.Classes()); n > classes {
		return Result{}, fmt.Errorf("the data has %d classes, the network %d", n, classes)
	}
	ranks := e[0].options.Cluster
	var members []*answers
	for _, evaluator := range e {
		if n := evaluator.nets.spec.Classes; n != classes {
			return Result{}, fmt.Errorf("networks of %d and of %d classes cannot answer together", classes, n)
		}
		a := evaluator.answers(ctx, set)
		defer a.passes.close()
		members = append(members, a)
	}
	weighAlike(members)
	t := newTally(rowNames(set, classes))
	begin := time.Now()
	for done := 1; ; done++ {
		var m mean
		index, label, err := together(members, &m)
		if err == io.EOF { // nothing else: a picture may wrap one
			break
		}
		if err != nil {
			return Result{}, err
		}
		if label >= 0 && ranks.Rank() == 0 {
			t.add(index, label, m.scores())
		}
		if progress != nil {
			progress(done, set.Len())
		}
	}
	r := Result{Skipped: members[0].skipped, Damaged: members[0].damaged}
	var err error
	if t.images > 0 {
		r = t.result()
		r.Skipped, r.Damaged = members[0].skipped, members[0].damaged
		r.ImagesPerS = float64(r.Images) / max(time.Since(begin).Seconds(), 1e-9)
	} else if ranks.Rank() == 0 {
		err = nothingRead(set, r.Skipped)
	}
	return tell(ranks, r, err)
}

// weighAlike gives the views of each member a weight by which all members count
// alike, however many views they have: 1 where all have as many.
func weighAlike(members []*answers) {
	most := 0
	for _, a := range members {
		most = max(most, a.views)
	}
	for _, a := range members {
		a.weight = float64(most) / float64(a.views)
	}
}

// nothingRead says that there is nothing to measure, and why.
func nothingRead(set dataset.Set, skipped []error) error {
	if len(skipped) == 0 {
		return errors.New("there are no images to measure")
	}
	return fmt.Errorf("none of the %d images could be read; inception dataset verify names all; the first: %w",
		set.Len(), skipped[0])
}

// together adds all members' answers for the next image to m.
func together(members []*answers, m *mean) (index, label int, err error) {
	for _, a := range members {
		if index, label, err = a.next(m); err != nil {
			return 0, 0, err
		}
	}
	return index, label, nil
}

// rowNames returns a name for each of the network's classes.
func rowNames(set dataset.Set, classes int) []string {
	names := make([]string, classes)
	for class := range names {
		names[class] = nameOf(class, set.Classes())
	}
	return names
}

// mean averages softmaxes.
type mean struct {
	answers int
	weight  float64   // of all of them
	logits  []float64 // of the first
	probs   []float64 // sum of the weighted probabilities, from the second on
}

func (m *mean) add(logits []float32, weight float64) {
	if m.answers++; m.answers == 1 {
		m.weight, m.logits = weight, make([]float64, len(logits))
		for i, v := range logits {
			m.logits[i] = float64(v)
		}
		return
	}
	if m.answers == 2 {
		m.probs = make([]float64, len(logits))
		addSoftmax(m.probs, m.logits, m.weight)
	}
	m.weight += weight
	addSoftmax(m.probs, logits, weight)
}

func addSoftmax[T float32 | float64](to []float64, logits []T, weight float64) {
	norm := logSumExp(logits)
	for i, v := range logits {
		to[i] += weight * math.Exp(float64(v)-norm)
	}
}

// scores returns logits whose softmax is the mean: of a single answer its
// own, to the last bit.
func (m *mean) scores() []float64 {
	if m.answers == 1 {
		return m.logits
	}
	scores := make([]float64, len(m.probs))
	for i, p := range m.probs {
		scores[i] = math.Log(math.Max(p/m.weight, math.SmallestNonzeroFloat64))
	}
	return scores
}

// Member is a weight file of an ensemble.
type Member struct {
	Path      string
	Metadata  weights.Metadata
	Precision model.Precision // that it was computed in
	Crops     picture.Crops   // of each image, that it was shown
}

// TTA says which views of each image it was shown, as Options.TTA does.
func (m Member) TTA() string {
	if m.Crops == picture.MirroredCrop {
		return TTAFlip
	}
	return TTANone
}

// sameClasses returns an error unless all members tell the same classes
// apart, in the same order, and else the metadata that names them for all. A
// member without labels goes with any.
func sameClasses(members []Member) (weights.Metadata, error) {
	named := members[0]
	for _, m := range members {
		if a, b := named.Metadata.Spec.Classes, m.Metadata.Spec.Classes; a != b {
			return weights.Metadata{}, fmt.Errorf("%s has %d classes, %s has %d; an ensemble's members must have the same",
				named.Path, a, m.Path, b)
		}
		if len(named.Metadata.Labels) == 0 {
			named = m
		}
		for row, label := range m.Metadata.Labels {
			if other := named.Metadata.Labels[row]; label != other {
				return weights.Metadata{}, fmt.Errorf("class %d is %q in %s and %q in %s; "+
					"an ensemble's members must have the same classes in the same order", row, other, named.Path, label, m.Path)
			}
		}
	}
	return named.Metadata, nil
}
