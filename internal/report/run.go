package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"

	"github.com/inception-go/inception/internal/atomicfile"
	"github.com/inception-go/inception/internal/evaluate"
	"github.com/inception-go/inception/internal/figure"
	"github.com/inception-go/inception/internal/picture"
)

// Run is what a training's report shows.
type Run struct {
	Title    string
	Headline string // what is trained on what, a sentence
	State    string // training, or why it ended
	Progress string // how far it has come, in a few words
	Left     time.Duration
	Lines    []Line
	Config   string // the resolved YAML
	Changed  []Changed
	Facts    []Fact // how to make it again

	Classes    int
	ValImages  int      // 0 without validation
	Majority   float64  // top-1 of always answering the most frequent class
	Earlier    *Earlier // to compare with; nil for none
	Sample     []Sample // training images as the network sees them
	Found      *Evaluation
	FoundEpoch int // that Found is of
}

// Changed is a setting that differs from its default.
type Changed struct{ Key, Value, Default string }

// Sample is a training image as the network sees it.
type Sample struct {
	Image template.URL
	Label string
}

// NewSample returns a sample for a page.
func NewSample(im picture.Image, label string) Sample { return Sample{inline(im), label} }

//go:embed run.html
var runBody string

var runPage = Page(runBody)

// WriteHTML writes the report of a run to path, one page that needs no other
// file. A page that was there stays whole until the new one is.
func WriteHTML(path string, run Run) error {
	page := struct {
		Run
		Cards []Card
		Plots []template.HTML
		Val   []Line
		Best  *Line
		Top5  bool
		Found *found // in place of Run's
	}{Run: run, Plots: plotsOf(run.Lines, TellsTop5(run.Classes)), Val: split(run.Lines,
		"val"), Top5: TellsTop5(run.Classes)}
	for i := range page.Val {
		v := &page.Val[i]
		if b := page.Best; b == nil || evaluate.Better(v.Top1, v.Loss, b.Top1, b.Loss) {
			page.Best = v
		}
	}
	if run.Found != nil {
		f := run.Found.found()
		page.Found = &f
	}
	page.Cards = run.cards(page.Best)
	return atomicfile.Write(path, func(w io.Writer) error { return runPage.Execute(w, page) })
}

// cards answer how good, how sure, against what, and where it stands; best is
// the best validation, if any.
func (r Run) cards(best *Line) (cards []Card) {
	if best != nil {
		cards = append(cards,
			Card{"best validation top-1", percent(best.Top1),
				fmt.Sprintf("after epoch %d; %s", best.Epoch, interval(best.Top1, r.ValImages)), true},
			Card{"most frequent class", percent(r.Majority), "top-1 of answering that class always", false})
		if r.Classes > 0 && r.Majority > 1.5/float64(r.Classes) && best.Balanced > 0 {
			cards = append(cards, Card{"balanced accuracy", percent(best.Balanced), "the mean of the classes' recalls", false})
		}
		if e := r.Earlier; e != nil {
			cards = append(cards, Card{"an earlier run", percent(e.Top1), e.describe(), false})
		}
	}
	state := Card{"where it stands", r.Progress, r.State, false}
	if r.Left > 0 {
		state.Note += fmt.Sprintf(", about %s left", r.Left.Round(time.Second))
	}
	cards = append(cards, state)
	if n := len(r.Lines); n > 0 {
		trained := time.Duration(r.Lines[n-1].ElapsedS * float64(time.Second)).Round(time.Second)
		cards = append(cards, Card{"time", trained.String(), r.pace(), false})
	}
	return cards
}

// pace says how fast the training is and for how much of it the images are late.
func (r Run) pace() string {
	images, wait, seconds := 0.0, 0.0, 0.0
	train := split(r.Lines, "train")
	if len(train) == 0 {
		return ""
	}
	for i, share := range waits(r.Lines) {
		images, wait, seconds = images+train[i].ImagesPerS, wait+train[i].WaitS, seconds+share.seconds
	}
	text := fmt.Sprintf("%.0f images/s", images/float64(len(train)))
	if seconds > 0 {
		text += fmt.Sprintf(", %.0f%% of the time waiting for images", 100*wait/seconds)
	}
	return text
}

// waiting is the time that a training line stands for.
type waiting struct{ step, seconds, share float64 }

// waits returns for each training line how long it took, and for what share of
// that the training waited for images.
func waits(lines []Line) (all []waiting) {
	before := 0.0
	for _, l := range lines {
		if l.Split == "train" {
			w := waiting{step: float64(l.Step), seconds: l.ElapsedS - before}
			if w.seconds > 0 {
				w.share = min(1, l.WaitS/w.seconds)
			}
			all = append(all, w)
		}
		before = l.ElapsedS
	}
	return all
}

// plotsOf draws loss, accuracy, learning rate and speed over the steps.
func plotsOf(lines []Line, top5 bool) (plots []template.HTML) {
	train, val := split(lines, "train"), split(lines, "val")
	has := func(value func(Line) float64) bool {
		for _, line := range train {
			if value(line) != 0 {
				return true
			}
		}
		return false
	}
	aux, early := func(l Line) float64 { return l.AuxLoss }, func(l Line) float64 { return l.AuxEarlyLoss }
	loss := []figure.Curve{
		curve("train (smoothed labels)", train, func(l Line) float64 { return l.Loss }),
		curve("validation", val, func(l Line) float64 { return l.Loss }),
	}
	if has(aux) {
		loss = append(loss, curve("auxiliary head", train, aux))
	}
	if has(early) {
		loss = append(loss, curve("early auxiliary head", train, early))
	}
	accuracy := []figure.Curve{
		curve("train top-1", train, func(l Line) float64 { return 100 * l.Top1 }),
		curve("validation top-1", val, func(l Line) float64 { return 100 * l.Top1 }),
	}
	if top5 {
		accuracy = append(accuracy, curve("validation top-5", val, func(l Line) float64 { return 100 * l.Top5 }))
	}
	wait := figure.Curve{Name: "of the time"}
	for _, w := range waits(lines) {
		wait.X, wait.Y = append(wait.X, w.step), append(wait.Y, 100*w.share)
	}
	for _, d := range []struct {
		axes   figure.Axes
		curves []figure.Curve
	}{
		{figure.Axes{Title: "Loss", X: "step", Y: "cross-entropy, nats"}, loss},
		{figure.Axes{Title: "Accuracy", X: "step", Y: "%"}, accuracy},
		{figure.Axes{Title: "Learning rate", X: "step", Y: "rate"}, []figure.Curve{
			curve("rate", train, func(l Line) float64 { return l.LR }),
		}},
		{figure.Axes{Title: "Speed", X: "step", Y: "images/s"}, []figure.Curve{
			curve("training", train, func(l Line) float64 { return l.ImagesPerS }),
			curve("validation", val, func(l Line) float64 { return l.ImagesPerS }),
		}},
		{figure.Axes{Title: "Waiting for images", X: "step", Y: "%"}, []figure.Curve{wait}},
	} {
		if chart := figure.Chart(d.axes, d.curves...); chart != "" {
			plots = append(plots, template.HTML(chart))
		}
	}
	return plots
}

func split(lines []Line, name string) []Line {
	var of []Line
	for _, line := range lines {
		if line.Split == name {
			of = append(of, line)
		}
	}
	return of
}

func curve(name string, lines []Line, value func(Line) float64) figure.Curve {
	c := figure.Curve{Name: name, Dots: len(lines) < 40}
	for _, line := range lines {
		c.X = append(c.X, float64(line.Step))
		c.Y = append(c.Y, value(line))
	}
	return c
}

// describe says which run it is and what else is different about it.
func (e *Earlier) describe() string {
	if len(e.Differs) == 0 {
		return e.Dir + ", the same configuration"
	}
	const few = 4
	names := strings.Join(e.Differs[:min(few, len(e.Differs))], ", ")
	if n := len(e.Differs) - few; n > 0 {
		names += fmt.Sprintf(" and %d more", n)
	}
	return e.Dir + "; differs in " + names
}
