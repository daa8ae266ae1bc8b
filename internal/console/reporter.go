package console

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/inception-go/inception/internal/report"
	"github.com/inception-go/inception/internal/train"
)

// Reporter is a train.Reporter for people: a bar on a terminal, and a line an
// epoch.
type Reporter struct {
	Messages io.Writer     // for people, usually standard error
	Width    func() int    // of the terminal that Messages is; nil if it is none
	Every    time.Duration // between lines of progress where it is none; 0 for no such lines
	Quiet    bool          // nothing but what needs attention goes to Messages
	JSON     io.Writer     // takes every line of the metrics; nil for none

	// Said are the warnings and notes that were given and are not repeated, shared by
	// the reporters of several runs; nil repeats them.
	Said map[string]bool

	bar  *Bar
	what string // the bar in use
}

var _ train.Reporter = (*Reporter)(nil)

// Note implements train.Reporter.
func (c *Reporter) Note(text string) {
	if !c.Quiet && c.first(text) {
		c.Clear()
		fmt.Fprintln(c.Messages, text)
	}
}

// Warn implements train.Reporter.
func (c *Reporter) Warn(text string) {
	if c.first(text) {
		c.Clear()
		Warn(c.Messages, text)
	}
}

// first reports whether a text is to be said: it was not yet, or is said each time.
func (c *Reporter) first(text string) bool {
	if c.Said == nil {
		return true
	}
	said := c.Said[text]
	c.Said[text] = true
	return !said
}

// Warn writes a warning.
func Warn(w io.Writer, text string) {
	Styled(w, Warning, "warning:")
	fmt.Fprintln(w, "", text)
}

// Step implements train.Reporter.
func (c *Reporter) Step(s train.Status) {
	text := fmt.Sprintf("epoch %d/%d  loss %.3f", s.Epoch, s.Epochs, s.Loss)
	if s.Left > 0 {
		text += "  " + train.Brief(s.Left) + " left"
	}
	text += fmt.Sprintf("  top-1 %.1f%%  %s images/s", 100*s.Top1, speed(s.ImagesPerSecond))
	c.draw(fmt.Sprint("epoch ", s.Epoch), text, Steps, s.Step, s.Steps)
}

// Validation implements train.Reporter.
func (c *Reporter) Validation(done, total int) {
	c.draw("validation", "validation", Images, done, total)
}

// Clear takes the bar away, so that others can write a line.
func (c *Reporter) Clear() {
	c.bar.Clear()
	c.bar, c.what = nil, ""
}

// draw moves the bar of that name, with text before it.
func (c *Reporter) draw(what, text string, unit Unit, done, total int) {
	if c.Quiet {
		return
	}
	if c.what != what {
		c.Clear()
		c.bar, c.what = NewBar(c.Messages, c.Width, c.Every, text, unit), what
	}
	c.bar.Describe(text)
	c.bar.Set(int64(done), int64(total))
}

// Metrics implements train.Reporter.
func (c *Reporter) Metrics(line report.Line) {
	if c.JSON == nil {
		return
	}
	_ = json.NewEncoder(c.JSON).Encode(line)
}

// Epoch implements train.Reporter.
func (c *Reporter) Epoch(s train.EpochSummary) {
	if c.Quiet {
		return
	}
	c.Clear()
	var line strings.Builder
	fmt.Fprintf(&line, "epoch %d/%d", s.Epoch, s.Epochs)
	if s.Train != nil {
		fmt.Fprintf(&line, "  train loss %.3f top-1 %.1f%%", s.Train.Loss, 100*s.Train.Top1)
	}
	if s.Val != nil {
		fmt.Fprintf(&line, "  val loss %.3f top-1 %.2f%%", s.Val.Loss, 100*s.Val.Top1)
		if report.TellsTop5(s.Classes) {
			fmt.Fprintf(&line, " top-5 %.2f%%", 100*s.Val.Top5)
		}
		if s.Best {
			fmt.Fprint(c.Messages, line.String())
			Styled(c.Messages, Good, " (best)")
			line.Reset()
		}
	}
	if s.Train != nil {
		fmt.Fprintf(&line, "  %s images/s  lr %.3g", speed(s.Train.ImagesPerS), s.Train.LR)
	}
	if s.Left > 0 {
		line.WriteString("  " + train.Brief(s.Left) + " left")
	}
	fmt.Fprintln(c.Messages, line.String())
}

// speed keeps two or three digits.
func speed(perSecond float64) string {
	if perSecond < 10 {
		return fmt.Sprintf("%.2g", perSecond)
	}
	return fmt.Sprintf("%.0f", perSecond)
}
