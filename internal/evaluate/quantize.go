package evaluate

import (
	"context"
	"fmt"
	"io"

	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/golden"
	"github.com/inception-go/inception/internal/kernel"
	"github.com/inception-go/inception/internal/labels"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/picture"
	"github.com/inception-go/inception/internal/quantize"
	"github.com/inception-go/inception/internal/weights"
)

// Quantization makes int8 weights and measures them beside those that they are
// made of, on images that it does not calibrate on.
type Quantization struct {
	Weights string // file or run folder
	Options
	Range  string   // see quantize.Ranges
	Keep   []string // layers that stay float32, by the beginnings of their names
	Images int      // to calibrate on

	Data  dataset.Options // Train names the images
	Match labels.MatchOptions

	Note     func(text string)
	Warn     func(text string)
	Progress func(done, total int)
}

// Quantized is what a Quantization has made and found.
type Quantized struct {
	Weights       *model.Weights
	Metadata      weights.Metadata
	Report        *quantize.Report
	Calibration   string // which images, in words
	Measured      string // likewise; empty if there were no others
	Before, After Result
	Changed       float64 // share of the measured images with another most probable class
}

// Run loads the weights, quantises and measures them.
func (q Quantization) Run(ctx context.Context) (*Quantized, error) {
	w, m, err := weights.Load(q.Weights)
	if err != nil {
		return nil, err
	}
	if w.Int8 != nil {
		return nil, CallError{fmt.Errorf("%s: is quantised already", q.Weights)}
	}
	for _, text := range m.Notes {
		q.Note(q.Weights + ": " + text)
	}
	calibration, rest, err := q.open()
	if err != nil {
		return nil, err
	}
	m.Preprocess = q.Options.Preprocess(m.Preprocess)
	q.Options.TTA = m.TTA
	out := &Quantized{Metadata: m, Calibration: calibration.Name, Measured: rest.Name}
	run := RunOptions{Options: q.Options, Preprocess: m.Preprocess, Workers: q.Data.Workers, Precision: model.Own,
		SkipUnreadable: true}
	if out.Weights, out.Report, err = q.quantise(ctx, w, run, calibration.Set); err != nil {
		return nil, err
	}
	if err := golden.Fill(out.Weights, &out.Metadata, nil); err != nil {
		q.Warn(fmt.Sprintf("no golden pictures: %v", err))
	}
	if rest.Set == nil || m.NoHead {
		out.Measured = ""
		return out, nil
	}
	match, err := labels.MatchClasses(rest.Set.Classes(), m.ClassNames(), q.Match)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", rest.Name, err)
	}
	set := dataset.Relabel(rest.Set, match.Rows, m.ClassNames())
	for _, side := range []struct {
		weights *model.Weights
		result  *Result
	}{{w, &out.Before}, {out.Weights, &out.After}} {
		if *side.result, err = q.measure(ctx, side.weights, run, set); err != nil {
			return nil, err
		}
	}
	out.Changed = changed(out.Before.Predictions, out.After.Predictions)
	return out, nil
}

// open returns the images to calibrate on, of the training part if there is one, and
// those to measure: another part, or where there is none the rest.
func (q *Quantization) open() (calibration, rest dataset.Part, err error) {
	src, err := q.Data.Open(q.Data.Train)
	if err != nil {
		return calibration, rest, err
	}
	for _, text := range src.Warnings {
		q.Warn(text)
	}
	parts := src.Parts()
	calibration = parts[0]
	all, images := calibration.Set, min(q.Images, calibration.Set.Len())
	if len(parts) == 1 {
		images = min(images, (all.Len()+1)/2)
	}
	chosen := dataset.SampleIndices(all, images)
	calibration.Set = dataset.Subset(all, chosen)
	calibration.Name = fmt.Sprintf("%d of %d images of %s, part %s", images, all.Len(), q.Data.Train, calibration.Name)
	if len(parts) > 1 {
		rest = parts[1]
		rest.Name = fmt.Sprintf("%d images of %s, part %s", rest.Set.Len(), q.Data.Train, rest.Name)
	} else if others := without(all.Len(), chosen); len(others) > 0 {
		rest = dataset.Part{Set: dataset.Subset(all, others), Name: fmt.Sprintf("the %d others", len(others))}
	}
	return calibration, rest, nil
}

// without returns the numbers below n that a growing list leaves out.
func without(n int, taken []int) (others []int) {
	for i := range n {
		if len(taken) > 0 && taken[0] == i {
			taken = taken[1:]
			continue
		}
		others = append(others, i)
	}
	return others
}

// quantise makes the int8 weights.
func (q *Quantization) quantise(
	ctx context.Context, w *model.Weights, run RunOptions, set dataset.Set,
) (made *model.Weights, report *quantize.Report, err error) {
	run.Crops, run.Cluster = 0, nil // every process calibrates on the same images
	o := quantize.Options{Range: q.Range, Keep: q.Keep, Batch: min(run.BatchSize, set.Len()),
		Size: run.Preprocess.Size, Image: byteImage(run.Preprocess)}
	skipped := 0
	made, report, err = quantize.Run(w, func(each func([]float32, int) error) error {
		n, err := eachBatch(ctx, set, run, q.Progress, each)
		skipped = max(skipped, n) // later passes may end early
		return err
	}, o)
	if skipped > 0 {
		q.Warn(fmt.Sprintf("%d of the images to calibrate on could not be read and count as grey ones", skipped))
	}
	return made, report, err
}

// DefaultCalibration is how many images calibrate unless another number is given.
const DefaultCalibration = 1024

// quantised makes int8 weights for an evaluation: it calibrates on training images,
// or, where the data has none, on some of those that are evaluated.
func (o *Outcome) quantised(ctx context.Context, w *model.Weights, run RunOptions) (*model.Weights, error) {
	j := &o.Job
	if err := o.open(); err != nil {
		return nil, err
	}
	set, used, err := j.openPart("train")
	if err != nil {
		set, used = o.Set, o.Source
	}
	set = dataset.Sample(set, DefaultCalibration)
	j.Note(fmt.Sprintf("int8: calibrated on %d images of %s; inception quantize says more", set.Len(), used))
	o.calibration = set
	q := Quantization{Range: quantize.Auto, Progress: j.Progress, Warn: j.Warn}
	q.BatchSize = j.BatchSize
	made, _, err := q.quantise(ctx, w, run, set)
	return made, err
}

// warnOfCalibration says if int8 weights are measured on images that they were made
// by.
func (o *Outcome) warnOfCalibration() {
	if o.calibration == nil {
		return
	}
	if both := dataset.Shared(o.calibration, o.Set); both > 0 {
		o.Job.Warn(fmt.Sprintf("int8 was calibrated on %d of the images that it is measured on; "+
			"inception quantize measures others, if there are any", both))
	}
}

// openPart opens another part of the job's data than the one that is evaluated.
func (j *Job) openPart(split string) (dataset.Set, string, error) {
	other := *j
	other.Split, other.Note, other.Warn = split, func(string) {}, func(string) {}
	return other.open()
}

// eachBatch reads a set in order. It returns how many images could not be read.
func eachBatch(ctx context.Context, set dataset.Set, run RunOptions, progress func(done, total int),
	each func(images []float32, rows int) error) (skipped int, err error) {
	batches := run.loader(set).Epoch(ctx, 0, 0)
	defer batches.Close()
	for done := 0; ; {
		b, err := batches.Next()
		if err == io.EOF { // nothing else: a picture may wrap one
			return skipped, nil
		}
		if err != nil {
			return skipped, err
		}
		skipped += len(b.Skipped)
		rows := filled(b)
		if err := each(b.Images, rows); err != nil {
			return skipped, err
		}
		if done += rows; progress != nil {
			progress(done, set.Len())
		}
	}
}

// byteImage returns how preprocessed images become the bytes that they were made of.
func byteImage(p picture.Preprocess) (b kernel.ByteImage) {
	for colour := range b.Scale {
		b.Scale[colour], b.Offset[colour] = float32(255*p.Std[colour]), float32(255*p.Mean[colour])
	}
	return b
}

func (q *Quantization) measure(ctx context.Context, w *model.Weights, run RunOptions, set dataset.Set) (Result, error) {
	e, err := NewEvaluator(w, run)
	if err != nil {
		return Result{}, err
	}
	defer e.Close()
	return e.Evaluate(ctx, set, q.Progress)
}

// changed returns the share of images with another most probable class.
func changed(a, b []Prediction) float64 {
	n := 0
	for i := range a {
		if a[i].Top[0].Index != b[i].Top[0].Index {
			n++
		}
	}
	return float64(n) / float64(max(1, len(a)))
}
