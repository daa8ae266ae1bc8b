// Package compare sets finished runs beside each other: the settings in which
// they differ, their figures with intervals and tests, the images that one
// classifies correctly and another does not. Run folders enter; a Comparison
// leaves, as JSON, as text and as a page.
package compare

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"

	"github.com/inception-go/inception/internal/config"
	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/report"
	"github.com/inception-go/inception/internal/rundir"
	"github.com/inception-go/inception/internal/settings"
	"github.com/inception-go/inception/internal/statistics"
	"github.com/inception-go/inception/internal/train"
)

// confidence is what intervals cover.
const confidence = 0.95

// mostRuns is the most runs that are compared at once.
const mostRuns = 12

// Comparison is what runs differ in. The first run is what all others are
// compared with.
type Comparison struct {
	Runs     []string             `json:"runs"`
	Settings []settings.Differing `json:"settings"` // the keys whose values differ
	Figures  []Figure             `json:"figures"`
	Notes    []string             `json:"notes,omitempty"` // what could not be compared, and why

	runs []run
	val  dataset.Set // the images of the predictions; nil if they cannot be shown
}

// Figure is a figure of all runs, and what one of them has more of it than the
// first run. Accuracies are fractions of 1.
type Figure struct {
	Name       string     `json:"name"`   // top1, top5, loss, or top1 of a class
	Run        string     `json:"run"`    // that is compared with the first
	Values     []*float64 `json:"values"` // of each run; null where one has none
	Difference *float64   `json:"difference"`
	Low        *float64   `json:"low"`  // the interval that covers it with 95% confidence; null where
	High       *float64   `json:"high"` // the runs' predictions cannot be compared
	P          *float64   `json:"p"`    // of McNemar's exact test

	class int // -1 for one of all images
	run   int
}

// run is one of the runs.
type run struct {
	name    string
	config  *config.Resolved
	lines   []report.Line
	last    report.Line // of its last validation
	answers *report.Answers

	unpaired error // why images cannot be compared with the first run's; nil if they can
}

// Runs compares the runs in these folders.
func Runs(dirs []string) (*Comparison, error) {
	if len(dirs) < 2 || len(dirs) > mostRuns {
		return nil, fmt.Errorf("compare takes from 2 to %d runs, has %d", mostRuns, len(dirs))
	}
	c := &Comparison{Runs: dirs}
	for _, dir := range dirs {
		r, err := read(dir)
		if err != nil {
			return nil, err
		}
		c.runs = append(c.runs, r)
	}
	c.Settings = settings.Differences(c.configs())
	for k := range c.runs {
		c.runs[k].unpaired = c.pair(k)
	}
	for i := range c.runs[1:] {
		c.figures(i + 1)
	}
	c.open()
	return c, nil
}

// read reads a run.
func read(dir string) (r run, err error) {
	if !rundir.HoldsRun(dir) {
		return r, fmt.Errorf("%s: is not the folder of a run", dir)
	}
	r.name = dir
	if r.config, err = config.Load(config.Sources{Path: filepath.Join(dir, rundir.Config), Env: []string{}}); err != nil {
		return r, err
	}
	if r.lines, err = report.ReadMetrics(filepath.Join(dir, rundir.Metrics)); err != nil {
		return r, err
	}
	val := false
	for _, line := range r.lines {
		if line.Split == "val" {
			r.last, val = line, true
		}
	}
	if !val {
		return r, fmt.Errorf("%s: has no validation yet, so there is nothing to compare", dir)
	}
	answers, ok, err := report.ReadAnswers(filepath.Join(dir, rundir.Predictions))
	if err != nil {
		return r, err
	}
	if ok && answers.Step == r.last.Step {
		r.answers = &answers
	}
	return r, nil
}

func (c *Comparison) configs() (all []*train.Config) {
	for _, r := range c.runs {
		all = append(all, &r.config.Config)
	}
	return all
}

// figures compares a run with the first.
func (c *Comparison) figures(k int) {
	tellsTop5 := true
	if first := c.runs[0].answers; first != nil && len(first.Classes) > 0 {
		tellsTop5 = report.TellsTop5(len(first.Classes))
	}
	for _, f := range []struct {
		name  string
		value func(report.Line) float64
	}{
		{"top1", func(l report.Line) float64 { return l.Top1 }}, {"top5", func(l report.Line) float64 { return l.Top5 }},
		{"loss", func(l report.Line) float64 { return l.Loss }},
	} {
		if f.name == "top5" && !tellsTop5 {
			continue
		}
		figure := Figure{Name: f.name, Run: c.runs[k].name, class: -1, run: k}
		for _, r := range c.runs {
			figure.Values = append(figure.Values, report.Number(f.value(r.last)))
		}
		if a, b := figure.Values[0], figure.Values[k]; a != nil && b != nil {
			figure.Difference = report.Number(*b - *a)
		}
		if why := c.runs[k].unpaired; why != nil && f.name == "top1" {
			c.Notes = append(c.Notes, why.Error())
		} else if f.name == "top1" {
			all, _ := c.runs[0].answers.Pair(*c.runs[k].answers)
			figure.test(all)
		}
		c.Figures = append(c.Figures, figure)
	}
	if c.runs[k].unpaired != nil {
		return
	}
	shares := make([][]float64, len(c.runs)) // by run and class
	for i, r := range c.runs {
		if r.unpaired == nil {
			shares[i] = r.shares()
		}
	}
	_, byClass := c.runs[0].answers.Pair(*c.runs[k].answers)
	for class, name := range c.runs[0].answers.Classes {
		figure := Figure{Name: "top1 of " + name, Run: c.runs[k].name, class: class, run: k}
		for i := range c.runs {
			share := math.NaN()
			if shares[i] != nil {
				share = shares[i][class]
			}
			figure.Values = append(figure.Values, report.Number(share))
		}
		counts := byClass[class]
		if counts.Images == 0 {
			continue
		}
		figure.Difference = report.Number(float64(counts.OnlySecond-counts.OnlyFirst) / float64(counts.Images))
		figure.test(counts)
		c.Figures = append(c.Figures, figure)
	}
}

// pair says why the predictions of a run cannot be compared image by image
// with those of the first; nil if they can.
func (c *Comparison) pair(k int) error {
	first, second := c.runs[0], c.runs[k]
	for _, r := range []run{first, second} {
		if r.answers == nil {
			return fmt.Errorf("%s: has no predictions of its last validation (an earlier version made it), "+
				"so images cannot be compared", r.name)
		}
	}
	a, b := first.answers, second.answers
	switch {
	case a.Images != b.Images || len(a.Labels) != len(b.Labels):
		return fmt.Errorf("%s and %s: were validated on other images, so images cannot be compared", first.name, second.name)
	case !slices.Equal(a.Classes, b.Classes) || !slices.Equal(known(a, b), known(b, a)):
		return fmt.Errorf("%s and %s: have other classes, so images cannot be compared", first.name, second.name)
	}
	return nil
}

// known lists the labels of the images that both could read.
func known(a, b *report.Answers) (labels []int) {
	for i, label := range a.Labels {
		if a.Read(i) && b.Read(i) {
			labels = append(labels, label)
		}
	}
	return labels
}

// shares returns the accuracy on the images of each class, NaN where there are
// none.
func (r run) shares() []float64 {
	images, right := make([]int, len(r.answers.Classes)), make([]int, len(r.answers.Classes))
	for i, label := range r.answers.Labels {
		if r.answers.Read(i) {
			images[label]++
			if r.answers.Right(i) {
				right[label]++
			}
		}
	}
	shares := make([]float64, len(images))
	for class := range shares {
		shares[class] = float64(right[class]) / float64(images[class]) // 0/0 is NaN
	}
	return shares
}

func (f *Figure) test(n report.Pairs) {
	low, high := statistics.PairedShares(n.OnlyFirst, n.OnlySecond, n.Images, confidence)
	f.Low, f.High = report.Number(low), report.Number(high)
	f.P = report.Number(statistics.McNemar(n.OnlyFirst, n.OnlySecond))
}

// open opens the images of the predictions, if they are still there.
func (c *Comparison) open() {
	first := c.runs[0]
	if first.answers == nil {
		return
	}
	opened, err := dataset.OpenTraining(first.config.Data)
	if err == nil && opened.Val == nil {
		err = errors.New("there are no validation images any more")
	}
	if err == nil {
		val := dataset.Sample(opened.Val, first.config.Eval.MaxImages)
		if dataset.Fingerprint(val) == first.answers.Images && val.Len() == len(first.answers.Labels) {
			c.val = val
			return
		}
		err = errors.New("the validation images are others now")
	}
	c.Notes = append(c.Notes, fmt.Sprintf("%s: %v, so none is shown", first.name, err))
}
