package evaluate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/inception-go/inception/internal/cluster"
	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/labels"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/picture"
	"github.com/inception-go/inception/internal/spelling"
	"github.com/inception-go/inception/internal/weights"
)

// Job is an evaluation of weight files on the images of a dataset.
type Job struct {
	Weights []string // files or run folders; several answer together
	Options
	ShownAlike    bool            // Options.TTA is for all members; else for those whose metadata does not say
	Crops         picture.Crops   // views of each image
	InputSize     int             // of the networks, instead of the weights' own; 0 for that
	Interpolation string          // instead of the weights' own; empty for that
	Geometry      string          // the same of how pictures are framed
	Precision     model.Precision // INT8 of float32 weights quantises them first

	Data    dataset.Options
	Given   bool   // Data.Train was named for this evaluation; else it is the weights' own run's
	Split   string // part of the data: train, val or test; empty for val, else test
	Match   labels.MatchOptions
	Exclude *Exclude // images to leave out, nil for none

	// Agrees returns an error if a member is not the network asked for.
	Agrees   func(member int, spec model.Spec) error
	Note     func(text string) // something to know, one line
	Warn     func(text string) // something that may be wrong, one line
	Progress func(done, total int)

	Cluster *cluster.Cluster // the processes that share the images; nil for one
}

// Exclude is a list of images to leave out and the file that it was read from.
type Exclude struct {
	File string
	List dataset.Exclusions
}

// Outcome is what a Job found, and on what.
type Outcome struct {
	Result
	Job      Job
	Members  []Member    // with the preprocessing that was used
	Set      dataset.Set // what the Result's indices are of
	Source   string      // which images, in words
	Excluded int

	Weights     int64 // bytes of the weights that the networks read
	Activations int64 // bytes of their results

	calibration dataset.Set // that int8 weights were made by for this evaluation
}

// Precision says what was computed in: mixed if members differ.
func (o *Outcome) Precision() string {
	for _, m := range o.Members[1:] {
		if m.Precision != o.Members[0].Precision {
			return "mixed"
		}
	}
	return o.Members[0].Precision.String()
}

// TTA says which views of each image were averaged: mixed if members differ.
func (o *Outcome) TTA() string {
	for _, m := range o.Members[1:] {
		if m.TTA() != o.Members[0].TTA() {
			return "mixed"
		}
	}
	return o.Members[0].TTA()
}

// CallError is a fault of the call: it asks for what there is not.
type CallError struct{ error }

// Run loads the weights and measures them.
func (j Job) Run(ctx context.Context) (*Outcome, error) {
	if parts := []string{"train", "val", "test"}; j.Split != "" && !slices.Contains(parts, j.Split) {
		return nil, CallError{fmt.Errorf("--split: must be train, val or test, is %q%s", j.Split,
			spelling.Suggest(j.Split, parts))}
	}
	o := &Outcome{Job: j}
	ensemble, err := o.load(ctx)
	for _, evaluator := range ensemble {
		defer evaluator.Close()
	}
	if err != nil {
		return nil, err
	}
	named, err := sameClasses(o.Members)
	if err != nil {
		return nil, err
	}
	if err := o.label(named.ClassNames()); err != nil {
		return nil, err
	}
	if err := o.leaveOut(); err != nil {
		return nil, err
	}
	o.warnOfCalibration()
	if o.Result, err = ensemble.Evaluate(ctx, o.Set, j.Progress); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, err
	}
	if math.IsNaN(o.Loss) || math.IsInf(o.Loss, 0) {
		return nil, fmt.Errorf("%s: %w", j.Weights[0], model.ErrNotFinite)
	}
	return o, nil
}

// load loads the weights and builds their networks.
func (o *Outcome) load(ctx context.Context) (ensemble Ensemble, err error) {
	j := &o.Job
	for i, path := range j.Weights {
		w, m, err := weights.Load(path)
		if err != nil {
			return ensemble, err
		}
		if err := j.Agrees(i, m.Spec); err != nil {
			return ensemble, CallError{fmt.Errorf("%s: %w", path, err)}
		}
		for _, text := range m.Notes {
			j.Note(path + ": " + text)
		}
		if m.NoHead {
			return ensemble, fmt.Errorf("%s: has no classifier, so there is no accuracy to measure", path)
		}
		m.Preprocess = j.preprocess(m)
		options := j.Options
		options.TTA = j.tta(m)
		crops := options.views(j.Crops)
		shown := "preprocess: " + crops.Describe(m.Preprocess)
		if len(j.Weights) > 1 {
			shown = path + ": " + shown
		}
		j.Note(shown)
		run := RunOptions{
			Options: options, Preprocess: m.Preprocess, Crops: j.Crops, Workers: j.Data.Workers,
			Precision: j.Precision, SkipUnreadable: true, Cluster: j.Cluster,
		}
		if j.Precision == model.INT8 && w.Int8 == nil {
			if w, err = o.quantised(ctx, w, run); err != nil {
				return ensemble, err
			}
		}
		precision, err := w.Precision(j.Precision)
		if err != nil {
			return ensemble, CallError{fmt.Errorf("%s: %w", path, err)}
		}
		evaluator, err := NewEvaluator(w, run)
		if err != nil {
			return ensemble, err
		}
		ensemble = append(ensemble, evaluator)
		read, made := evaluator.nets.whole.Memory()
		o.Weights, o.Activations = o.Weights+read, o.Activations+made
		o.Members = append(o.Members, Member{path, m, precision, crops})
	}
	return ensemble, nil
}

// tta returns which views of each image a member is shown.
func (j *Job) tta(m weights.Metadata) string {
	if j.ShownAlike {
		return j.TTA
	}
	return cmp.Or(m.TTA, j.TTA)
}

// preprocess returns the weights' own preprocessing with what the job changes.
func (j *Job) preprocess(m weights.Metadata) picture.Preprocess {
	p := m.Preprocess
	if j.InputSize > 0 {
		p.Size = j.InputSize
	}
	if j.Interpolation != "" {
		p.Interpolation = j.Interpolation
	}
	return j.Options.Preprocess(p.WithGeometry(j.Geometry))
}

// label opens the images and labels them with rows of the classifier.
func (o *Outcome) label(classes []string) (err error) {
	if err := o.open(); err != nil {
		return err
	}
	set := o.Set
	if most := o.Job.MaxImages; most > 0 && set.Len() > most {
		o.Source += fmt.Sprintf(", %d of %d (eval.max_images)", most, set.Len())
		set = dataset.Sample(set, most)
	}
	match, err := labels.MatchClasses(set.Classes(), classes, o.Job.Match)
	if err != nil {
		return fmt.Errorf("%s: %w", o.Source, err)
	}
	o.Job.Note(fmt.Sprintf("%d images of %d classes: %s", set.Len(), len(set.Classes()), o.Source))
	if match.Note != "" {
		o.Job.Note(match.Note)
	}
	o.Set = dataset.Relabel(set, match.Rows, classes)
	return nil
}

// open opens the images, once.
func (o *Outcome) open() (err error) {
	if o.Set == nil {
		o.Set, o.Source, err = o.Job.open()
	}
	return err
}

// open returns the images and says in words which they are.
func (j *Job) open() (set dataset.Set, used string, err error) {
	switch {
	case !j.Given && j.Data.Train == "":
		return nil, "", CallError{errors.New("no images to evaluate on: give --data")}
	case j.Given || j.Split == "test":
		part, warnings, err := j.Data.OpenSplit(j.Data.Train, j.Split)
		if err != nil {
			return nil, "", err
		}
		j.tell(warnings, nil)
		if text := dataset.DescribeLeftOut(part.LeftOut); text != "" {
			j.Note(part.Name + ": " + text)
		}
		if part.Alone {
			return part.Set, j.Data.Train, nil
		}
		return part.Set, j.Data.Train + ", part " + part.Name, nil
	}
	own, err := dataset.OpenTraining(j.Data)
	if err == nil {
		j.tell(own.Warnings, own.LeftOut)
	}
	switch {
	case err != nil:
		return nil, "", err
	case j.Split == "train":
		return own.Train, "the run's training images", nil
	case own.Val == nil:
		return nil, "", fmt.Errorf("%s: the run had no validation images; give --data", j.Weights[0])
	}
	return own.Val, "the run's validation images, " + own.ValPart, nil
}

// tell passes on what opening the images has found.
func (j *Job) tell(warnings, notes []string) {
	for _, text := range warnings {
		j.Warn(text)
	}
	for _, text := range notes {
		j.Note(text)
	}
}

// leaveOut takes the excluded images out of the set.
func (o *Outcome) leaveOut() error {
	x := o.Job.Exclude
	if x == nil {
		return nil
	}
	rest, excluded, unmatched := x.List.Apply(o.Set)
	o.Set, o.Excluded = rest, excluded
	o.Job.Note(fmt.Sprintf("%d images excluded by %s, %d left", excluded, x.File, rest.Len()))
	if n := len(unmatched); n > 0 {
		o.Job.Warn(fmt.Sprintf("--exclude %s: entries that match no image: %d, the first is %q", x.File, n, unmatched[0]))
	}
	if rest.Len() == 0 {
		return CallError{fmt.Errorf("--exclude %s: leaves no image", x.File)}
	}
	return nil
}
