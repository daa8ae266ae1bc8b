package train

import (
	"fmt"
	"time"

	"github.com/inception-go/inception/internal/report"
)

// Reporter hears how a training goes. Run calls it from one goroutine.
type Reporter interface {
	Note(text string)           // something to know, one line
	Warn(text string)           // something that is likely to go wrong, one line
	Step(s Status)              // after every update
	Validation(done, total int) // images, during a validation
	Metrics(line report.Line)   // as it is written to metrics.jsonl
	Epoch(summary EpochSummary) // after every epoch and at the end
}

// Status is where a training stands.
type Status struct {
	Epoch, Epochs   int // counted from 1
	Step, Steps     int // of the epoch, counted from 1
	Loss, Top1      float64
	LR              float64
	ImagesPerSecond float64
	Left            time.Duration // until the end of the training; 0 if unknown
}

// EpochSummary is what is known at the end of an epoch.
type EpochSummary struct {
	Epoch, Epochs int
	Train         *report.Line // means of the epoch; nil if none of it was trained on
	Val           *report.Line // nil without validation
	Best          bool         // the validation beats all before
	Classes       int          // of the data
	Left          time.Duration
}

// Silence is the Reporter of a job without one.
type Silence struct{}

// Note implements Reporter.
func (Silence) Note(string) {}

// Warn implements Reporter.
func (Silence) Warn(string) {}

// Step implements Reporter.
func (Silence) Step(Status) {}

// Validation implements Reporter.
func (Silence) Validation(_, _ int) {}

// Metrics implements Reporter.
func (Silence) Metrics(report.Line) {}

// Epoch implements Reporter.
func (Silence) Epoch(EpochSummary) {}

// Brief returns a time in its two largest units: 3h05m, 12m30s, 8s.
func Brief(d time.Duration) string {
	d = d.Round(time.Second)
	switch {
	case d >= 24*time.Hour:
		return fmt.Sprintf("%dd%02dh", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
	case d >= time.Hour:
		return fmt.Sprintf("%dh%02dm", d/time.Hour, d%time.Hour/time.Minute)
	case d >= time.Minute:
		return fmt.Sprintf("%dm%02ds", d/time.Minute, d%time.Minute/time.Second)
	}
	return fmt.Sprintf("%ds", d/time.Second)
}
