package train

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/inception-go/inception/internal/report"
	"github.com/schollz/progressbar/v3"
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
	Train         report.Line
	Val           *report.Line // nil without validation
	Best          bool         // the validation beats all before
	Left          time.Duration
}

// Console tells people how a training goes: a bar on a terminal, a line an
// epoch elsewhere.
type Console struct {
	Messages io.Writer // for people, usually standard error
	Bar      io.Writer // the same, for what moves the cursor; nil for Messages
	Terminal bool      // Messages is a terminal
	Quiet    bool      // nothing but what needs attention goes to Messages
	JSON     io.Writer // takes every line of the metrics; nil for none

	bar  *progressbar.ProgressBar
	what string // the bar in use
}

// Note implements Reporter.
func (c *Console) Note(text string) {
	if !c.Quiet {
		c.clear()
		fmt.Fprintln(c.Messages, text)
	}
}

// Warn implements Reporter.
func (c *Console) Warn(text string) {
	c.clear()
	fmt.Fprintln(c.Messages, "warning:", text)
}

// Step implements Reporter.
func (c *Console) Step(s Status) {
	if !c.draws(fmt.Sprint("epoch ", s.Epoch), s.Steps) {
		return
	}
	text := fmt.Sprintf("epoch %d/%d  loss %.3f  top-1 %4.1f%%  %s images/s",
		s.Epoch, s.Epochs, s.Loss, 100*s.Top1, speed(s.ImagesPerSecond))
	if s.Left > 0 {
		text += "  " + Brief(s.Left) + " left"
	}
	c.bar.Describe(text)
	_ = c.bar.Set(s.Step)
}

// Validation implements Reporter.
func (c *Console) Validation(done, total int) {
	if c.draws("validation", total) {
		c.bar.Describe("validation")
		_ = c.bar.Set(done)
	}
}

// Metrics implements Reporter.
func (c *Console) Metrics(line report.Line) {
	if c.JSON == nil {
		return
	}
	_ = json.NewEncoder(c.JSON).Encode(line)
}

// Epoch implements Reporter.
func (c *Console) Epoch(s EpochSummary) {
	if c.Quiet {
		return
	}
	c.clear()
	var b strings.Builder
	fmt.Fprintf(&b, "epoch %d/%d  train loss %.3f top-1 %.1f%%", s.Epoch, s.Epochs, s.Train.Loss, 100*s.Train.Top1)
	if s.Val != nil {
		fmt.Fprintf(&b, "  val loss %.3f top-1 %.2f%% top-5 %.2f%%", s.Val.Loss, 100*s.Val.Top1, 100*s.Val.Top5)
		if s.Best {
			b.WriteString(" (best)")
		}
	}
	fmt.Fprintf(&b, "  %s images/s  lr %.3g", speed(s.Train.ImagesPerS), s.Train.LR)
	if s.Left > 0 {
		b.WriteString("  " + Brief(s.Left) + " left")
	}
	fmt.Fprintln(c.Messages, b.String())
}

// draws reports whether there is a bar, named so, of total steps.
func (c *Console) draws(what string, total int) bool {
	if c.Quiet || !c.Terminal {
		return false
	}
	if c.bar == nil || c.what != what {
		c.clear()
		c.what = what
		to := c.Bar
		if to == nil {
			to = c.Messages
		}
		c.bar = progressbar.NewOptions(total, progressbar.OptionSetWriter(to), progressbar.OptionSetWidth(20),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(),
			progressbar.OptionSetPredictTime(false), progressbar.OptionShowCount())
	}
	return true
}

// clear takes the bar away, so that a line can be written.
func (c *Console) clear() {
	if c.bar != nil {
		_ = c.bar.Clear()
		c.bar = nil
	}
}

// speed keeps two or three digits.
func speed(perSecond float64) string {
	if perSecond < 10 {
		return fmt.Sprintf("%.2g", perSecond)
	}
	return fmt.Sprintf("%.0f", perSecond)
}

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

// silence is the Reporter of a job without one.
type silence struct{}

func (silence) Note(string)         {}
func (silence) Warn(string)         {}
func (silence) Step(Status)         {}
func (silence) Validation(_, _ int) {}
func (silence) Metrics(report.Line) {}
func (silence) Epoch(EpochSummary)  {}
