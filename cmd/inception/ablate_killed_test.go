//go:build unix

package main

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/inception-go/inception/internal/ablate"
	"github.com/inception-go/inception/internal/report"
	"github.com/inception-go/inception/internal/rundir"
)

// ablation is a suite of three rows, one of which diverges, and what it ends as
// when nothing disturbs it.
type ablation struct {
	t    *testing.T
	args []string
	want []ablate.RowResult
	took time.Duration
	size int // of its folder, in bytes
}

func newAblation(t *testing.T) *ablation {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"tiny.yaml": tiny, "three.yaml": `
set: {train.epochs: 2}
rows:
  - {name: hard, set: {label_smoothing: 0}}
  - {name: soft, set: {label_smoothing: 0.1}}
  - {name: wild, set: {optimizer.name: sgd, optimizer.lr: 1000, train.clip_grad_norm: 0}}
`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	a := &ablation{t: t, args: []string{"ablate", "--config", filepath.Join(dir, "tiny.yaml"), "--suite",
		filepath.Join(dir, "three.yaml"), "--seeds", "2", "--threads", "1", "--out"}}
	begin := time.Now()
	whole := filepath.Join(dir, "whole")
	a.finish(whole)
	a.took = time.Since(begin)
	a.want = a.table(whole)
	_ = filepath.Walk(whole, func(_ string, info os.FileInfo, err error) error {
		if err == nil {
			a.size += int(info.Size())
		}
		return nil
	})
	return a
}

func (a *ablation) command(dir string) *exec.Cmd {
	return exec.Command("inception", append(a.args, dir)...)
}

// finish lets the ablation in dir come to its end, which is that of one with
// diverged runs.
func (a *ablation) finish(dir string) {
	a.t.Helper()
	out, err := a.command(dir).CombinedOutput()
	if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != statusFailure { //nolint:errorlint // Run wraps nothing
		a.t.Fatalf("%s cannot go on: %v\n%s", dir, err, out)
	}
}

func (a *ablation) table(dir string) (rows []ablate.RowResult) {
	a.t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "table.json"))
	if err == nil {
		err = json.Unmarshal(text, &rows)
	}
	if err != nil {
		a.t.Fatal(err)
	}
	return rows
}

// compare checks that every run is there once, with the figures of the
// undisturbed one, and no step twice.
func (a *ablation) compare(dir string) {
	a.t.Helper()
	for i, row := range a.table(dir) {
		if len(row.Runs) != 2 || row.Top1 != a.want[i].Top1 || row.Verdict != a.want[i].Verdict {
			a.t.Errorf("row %s: %+v, undisturbed %+v", row.Name, row, a.want[i])
		}
		for s, o := range row.Runs {
			want := a.want[i].Runs[s]
			if o.State != want.State || o.Top1 != want.Top1 || o.Loss != want.Loss || o.Steps != want.Steps || o.Identity != want.Identity {
				a.t.Errorf("%s: %+v, undisturbed %+v", o.Run, o, want)
			}
			lines, err := report.ReadMetrics(filepath.Join(dir, o.Run, rundir.Metrics))
			if err != nil {
				a.t.Error(err)
			}
			last := map[string]int{}
			for _, line := range lines {
				if line.Step <= last[line.Split] {
					a.t.Errorf("%s: step %d of %s comes twice", o.Run, line.Step, line.Split)
				}
				last[line.Split] = line.Step
			}
		}
	}
}

// Two processes share a folder and are killed at any moment, again and again.
func TestAKilledAblationLosesAndRepeatsNoRun(t *testing.T) {
	kills := 2
	if os.Getenv("INCEPTION_LONG") != "" {
		kills = 60
	}
	a := newAblation(t)
	random := rand.New(rand.NewPCG(21, 7))
	dir := filepath.Join(t.TempDir(), "shared")
	for left := kills; left > 0; {
		var both []*exec.Cmd
		for range 2 {
			c := a.command(dir)
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			both = append(both, c)
		}
		for _, c := range both {
			time.Sleep(time.Duration(random.Float64() * 0.6 * float64(a.took)))
			_ = c.Process.Kill()
			_ = c.Wait()
			left--
		}
		if random.IntN(3) == 0 {
			a.finish(dir)
			a.compare(dir)
			dir = filepath.Join(t.TempDir(), "shared")
		}
	}
	a.finish(dir)
	a.compare(dir)
}
