package train

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/inception-go/inception/internal/report"
)

func TestAConsoleDrawsABarOnATerminalAndALineAnEpoch(t *testing.T) {
	for _, terminal := range []bool{true, false} {
		var out, metrics bytes.Buffer
		c := Console{Messages: &out, Terminal: terminal, JSON: &metrics}
		c.Note("a note")
		c.Step(Status{
			Epoch: 1, Epochs: 2, Step: 3, Steps: 5, Loss: 1.25, Top1: 0.5, ImagesPerSecond: 12, Left: time.Minute,
		})
		c.Validation(13, 13)
		val := report.Line{Split: "val", Loss: 1.5, Top1: 0.4, Top5: 0.9}
		c.Metrics(val)
		c.Epoch(EpochSummary{
			Epoch: 1, Epochs: 2, Train: &report.Line{Loss: 1.25, Top1: 0.5, ImagesPerS: 12, LR: 0.01}, Val: &val, Best: true,
		})
		for text, want := range map[string]bool{
			"a note\n": true,
			"epoch 1/2  loss 1.250  top-1 50.0%  12 images/s  1m00s left": terminal,
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
