package console

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/inception-go/inception/internal/report"
	"github.com/inception-go/inception/internal/train"
)

func TestAConsoleDrawsABarOnATerminalAndALineAnEpoch(t *testing.T) {
	for _, terminal := range []bool{true, false} {
		var out, metrics bytes.Buffer
		c := Reporter{Messages: &out, JSON: &metrics}
		if terminal {
			c.Width = func() int { return 100 }
		}
		c.Note("a note")
		c.Step(train.Status{
			Epoch: 1, Epochs: 2, Step: 3, Steps: 5, Loss: 1.25, Top1: 0.5, ImagesPerSecond: 12, Left: time.Minute,
		})
		c.Validation(13, 13)
		val := report.Line{Split: "val", Loss: 1.5, Top1: 0.4, Top5: 0.9}
		c.Metrics(val)
		c.Epoch(train.EpochSummary{
			Epoch: 1, Epochs: 2, Classes: 10, Train: &report.Line{Loss: 1.25, Top1: 0.5, ImagesPerS: 12, LR: 0.01}, Val: &val, Best: true,
		})
		for text, want := range map[string]bool{
			"a note\n": true,
			"epoch 1/2  loss 1.250  1m00s left  top-1 50.0%  12 images/s": terminal,
			"validation": terminal,
			"epoch 1/2  train loss 1.250 top-1 50.0%  val loss 1.500 top-1 40.00% top-5 90.00% (best)  " +
				"12 images/s  lr 0.01\n": true,
		} {
			if strings.Contains(out.String(), text) != want {
				t.Errorf("terminal %t: contains %q: %t; want %t, in\n%q", terminal, text, !want, want, out.String())
			}
		}
		if !strings.HasPrefix(metrics.String(), `{"step":0,"epoch":0,"split":"val","loss":1.5,`) {
			t.Errorf("JSON is %s", metrics.String())
		}
	}
}

func TestAQuietConsoleStillWarns(t *testing.T) {
	var out bytes.Buffer
	c := Reporter{Messages: &out, Quiet: true}
	c.Warn("the rate is high")
	c.Note("initial weights from a file")
	if got := out.String(); got != "warning: the rate is high\n" {
		t.Errorf("says %q", got)
	}
}

func TestRunsOfAnAblationWarnAndNoteOnce(t *testing.T) {
	var out bytes.Buffer
	said := map[string]bool{}
	for range 2 {
		c := Reporter{Messages: &out, Said: said}
		c.Warn("the rate is high")
		c.Warn("the batch is small")
		c.Note("an epoch leaves out 4")
	}
	if got := out.String(); got != "warning: the rate is high\nwarning: the batch is small\nan epoch leaves out 4\n" {
		t.Errorf("says %q", got)
	}
}

// TestALineIsNeverWrittenBehindABar follows a training on narrow and wide
// terminals: what stays on the screen is what would be in a file.
func TestALineIsNeverWrittenBehindABar(t *testing.T) {
	follow := func(width func() int) string {
		var out bytes.Buffer
		c := Reporter{Messages: &out, Width: width}
		c.Note("run folder runs/x")
		for epoch := 1; epoch <= 2; epoch++ {
			c.Step(train.Status{
				Epoch: epoch, Epochs: 2, Step: 1, Steps: 2, Loss: 1, ImagesPerSecond: 9.5, Left: 3 * time.Hour,
			})
			c.Warn("the rate is high")
			c.Step(train.Status{Epoch: epoch, Epochs: 2, Step: 2, Steps: 2})
			c.Validation(1, 3)
			c.Epoch(train.EpochSummary{Epoch: epoch, Epochs: 2, Train: &report.Line{Loss: 1, ImagesPerS: 9.5}})
		}
		return out.String()
	}
	want := follow(nil)
	for _, width := range []int{200, 80, 60, 30, 10} {
		text := follow(func() int { return width })
		if got := screen(t, text, width); got != want {
			t.Errorf("%d columns show\n%s\nwant\n%s", width, got, want)
		}
	}
}

// screen returns what a terminal shows in the end; bars that need more than
// its columns are an error.
func screen(t *testing.T, text string, width int) string {
	t.Helper()
	var lines strings.Builder
	for _, line := range strings.SplitAfter(text, "\n") {
		parts := strings.Split(line, clearRest)
		for _, bar := range parts[:len(parts)-1] {
			if bar = strings.TrimPrefix(bar, "\r"); len(bar) >= width {
				t.Errorf("%d columns: a bar of %d, %q", width, len(bar), bar)
			}
		}
		if len(parts) > 1 && parts[len(parts)-2] != "\r" {
			t.Errorf("%d columns: a line behind a bar: %q", width, line)
		}
		lines.WriteString(parts[len(parts)-1])
	}
	return lines.String()
}

func TestTop5IsLeftOutWhereItSaysNothing(t *testing.T) {
	for classes, want := range map[int]bool{5: false, 6: true} {
		var out bytes.Buffer
		c := Reporter{Messages: &out}
		c.Epoch(train.EpochSummary{Epoch: 1, Epochs: 2, Classes: classes, Val: &report.Line{Top5: 1}})
		if got := strings.Contains(out.String(), "top-5"); got != want {
			t.Errorf("%d classes: %q", classes, out.String())
		}
	}
}

func TestColoursAreForTerminalsOnly(t *testing.T) {
	var out bytes.Buffer
	Styled(NewPlain(&out), Failure, "inception: \x1b[2J")
	if got := out.String(); got != `inception: \u001b[2J` {
		t.Errorf("wrote %q", got)
	}
}
