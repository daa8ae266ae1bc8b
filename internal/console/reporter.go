package console

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/inception-go/inception/internal/report"
	"github.com/inception-go/inception/internal/train"
)

// Reporter is a train.Reporter for people: a bar on a terminal, and a line an
// epoch.
type Reporter struct {
	Messages io.Writer  // for people, usually standard error
	Width    func() int // of the terminal that Messages is; nil if it is none
	Quiet    bool       // nothing but what needs attention goes to Messages
	JSON     io.Writer  // takes every line of the metrics; nil for none

	bar  *Bar
	what string // the bar in use
}

var _ train.Reporter = (*Reporter)(nil)

// Note implements train.Reporter.
func (c *Reporter) Note(text string) {
	if !c.Quiet {
		c.clear()
		fmt.Fprintln(c.Messages, text)
	}
}

// Warn implements train.Reporter.
func (c *Reporter) Warn(text string) {
	c.clear()
	fmt.Fprintln(c.Messages, "warning:", text)
}

// Step implements train.Reporter.
func (c *Reporter) Step(s train.Status) {
	text := fmt.Sprintf("epoch %d/%d  loss %.3f  top-1 %4.1f%%  %s images/s",
		s.Epoch, s.Epochs, s.Loss, 100*s.Top1, speed(s.ImagesPerSecond))
	if s.Left > 0 {
		text += "  " + train.Brief(s.Left) + " left"
	}
	c.draw(fmt.Sprint("epoch ", s.Epoch), text, s.Step, s.Steps)
}

// Validation implements train.Reporter.
func (c *Reporter) Validation(done, total int) { c.draw("validation", "validation", done, total) }

// draw moves the bar of that name, with text before it.
func (c *Reporter) draw(what, text string, done, total int) {
	if c.Quiet {
		return
	}
	if c.what != what {
		c.clear()
		c.bar, c.what = NewBar(c.Messages, c.Width, text, Steps), what
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
	c.clear()
	var b strings.Builder
	fmt.Fprintf(&b, "epoch %d/%d", s.Epoch, s.Epochs)
	if s.Train != nil {
		fmt.Fprintf(&b, "  train loss %.3f top-1 %.1f%%", s.Train.Loss, 100*s.Train.Top1)
	}
	if s.Val != nil {
		fmt.Fprintf(&b, "  val loss %.3f top-1 %.2f%% top-5 %.2f%%", s.Val.Loss, 100*s.Val.Top1, 100*s.Val.Top5)
		if s.Best {
			b.WriteString(" (best)")
		}
	}
	if s.Train != nil {
		fmt.Fprintf(&b, "  %s images/s  lr %.3g", speed(s.Train.ImagesPerS), s.Train.LR)
	}
	if s.Left > 0 {
		b.WriteString("  " + train.Brief(s.Left) + " left")
	}
	fmt.Fprintln(c.Messages, b.String())
}

// clear takes the bar away, so that a line can be written.
func (c *Reporter) clear() {
	c.bar.Clear()
	c.bar, c.what = nil, ""
}

// speed keeps two or three digits.
func speed(perSecond float64) string {
	if perSecond < 10 {
		return fmt.Sprintf("%.2g", perSecond)
	}
	return fmt.Sprintf("%.0f", perSecond)
}
