//go:build unix

package main

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/inception-go/inception/internal/atomicfile"
	"github.com/inception-go/inception/internal/report"
	"github.com/inception-go/inception/internal/rundir"
)

const tiny = `
model: {variant: v3, input_size: 32, width: 0.05, aux: none, stem: {stride: 1, pool: false}, bn_decay: 0.9}
data: {train: "shapes:?train=24&val=8&size=32", workers: 2}
train: {epochs: 3, batch_size: 8}
optimizer: {lr: 0.01}
eval: {batch_size: 8}
`

// recipes train the smallest network, each with other things that a
// checkpoint has to hold.
var recipes = []struct {
	name string
	set  []string
}{
	{"sgd, no average", []string{"optimizer.name=sgd", "ema.decay=0"}},
	{"averaged rmsprop, a checkpoint a step", []string{"train.checkpoint_every=1"}},
	{"adamw and all that is random", []string{"optimizer.name=adamw", "train.log_every=1", "train.bn_recalibrate=1",
		"model.dropout=0.3", "data.augment.mixup=0.3", "data.augment.erase=0.5", "data.augment.hflip=0.5"}},
	{"accumulated adam, ended inside an epoch", []string{"optimizer.name=adam", "train.grad_accum_steps=2",
		"train.max_steps=5", "train.checkpoint_every=2"}},
}

// trial is a recipe, and the folder of a run that nothing disturbed.
type trial struct {
	t     *testing.T
	args  []string
	whole string
	took  time.Duration
}

func newTrial(t *testing.T, set []string) *trial {
	t.Helper()
	dir := t.TempDir()
	config := filepath.Join(dir, "tiny.yaml")
	if err := os.WriteFile(config, []byte(tiny), 0o666); err != nil {
		t.Fatal(err)
	}
	tr := &trial{t: t, whole: filepath.Join(dir, "whole"),
		args: []string{"train", "--config", config, "--threads", "2", "--resume"}}
	for _, pair := range set {
		tr.args = append(tr.args, "--set", pair)
	}
	begin := time.Now()
	tr.finish(tr.whole)
	tr.took = time.Since(begin)
	return tr
}

// command trains in dir, from the beginning or from where a run there stopped.
func (tr *trial) command(dir string, before ...string) *exec.Cmd {
	line := append(append(before, "inception"), append(tr.args, "--out", dir)...)
	return exec.Command(line[0], line[1:]...)
}

// finish lets the run in dir come to its end.
func (tr *trial) finish(dir string) {
	tr.t.Helper()
	if out, err := tr.command(dir).CombinedOutput(); err != nil {
		tr.t.Fatalf("%s cannot go on: %v\n%s", dir, err, out)
	}
}

// compare checks that a run has ended as the undisturbed one, and that it has
// left nothing behind.
func (tr *trial) compare(dir string) {
	tr.t.Helper()
	for _, name := range []string{rundir.Last, rundir.LastRaw, rundir.Best, rundir.Config} {
		want, wantErr := os.ReadFile(filepath.Join(tr.whole, name))
		got, err := os.ReadFile(filepath.Join(dir, name))
		if (err == nil) != (wantErr == nil) || !bytes.Equal(got, want) {
			tr.t.Errorf("%s differs from that of the undisturbed run (%v, %v)", name, err, wantErr)
		}
	}
	if got, want := tr.metrics(dir), tr.metrics(tr.whole); len(got) != len(want) {
		tr.t.Errorf("%d lines of metrics, undisturbed %d", len(got), len(want))
	} else {
		for i := range want {
			if got[i] != want[i] {
				tr.t.Errorf("metrics are %+v, undisturbed %+v", got[i], want[i])
			}
		}
	}
	for _, folder := range []string{"", "checkpoint", "tensorboard/train", "tensorboard/val"} {
		if left := atomicfile.Leftovers(filepath.Join(dir, folder)); len(left) > 0 {
			tr.t.Errorf("left behind: %q", left)
		}
	}
}

// metrics are all but times.
func (tr *trial) metrics(dir string) []report.Line {
	tr.t.Helper()
	lines, err := report.ReadMetrics(filepath.Join(dir, rundir.Metrics))
	if err != nil {
		tr.t.Error(err)
	}
	for i := range lines {
		lines[i].ImagesPerS, lines[i].ElapsedS, lines[i].WaitS = 0, 0, 0
	}
	return lines
}

// INCEPTION_KILLS says how many; by default few, 200 over all recipes in the
// long tests.
func TestAKilledRunEndsWithTheBitsOfOneThatWasNot(t *testing.T) {
	kills, of := 3, recipes[1:2]
	if os.Getenv("INCEPTION_LONG") != "" {
		kills, of = 200, recipes
	}
	if n, err := strconv.Atoi(os.Getenv("INCEPTION_KILLS")); err == nil {
		kills = n
	}
	random := rand.New(rand.NewPCG(19, uint64(kills)))
	for i, recipe := range of {
		t.Run(recipe.name, func(t *testing.T) {
			tr := newTrial(t, recipe.set)
			dir := filepath.Join(t.TempDir(), "run")
			ended := 0
			for left := (kills + i) / len(of); left > 0; {
				if tr.kill(dir, random) {
					left--
					continue
				}
				tr.compare(dir)
				ended++
				dir = filepath.Join(t.TempDir(), "run")
			}
			tr.finish(dir)
			tr.compare(dir)
			t.Logf("%d kills, %d runs ended between them", (kills+i)/len(of), ended)
		})
	}
}

// kill trains in dir and kills that process by SIGKILL at a random moment, or
// as soon as a file changes that it writes; false if it ended before.
func (tr *trial) kill(dir string, random *rand.Rand) bool {
	tr.t.Helper()
	command := tr.command(dir)
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	if err := command.Start(); err != nil {
		tr.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	watched := filepath.Join(dir, []string{rundir.Checkpoint, rundir.Previous, rundir.Config, rundir.Metrics,
		rundir.Best, rundir.Last, rundir.Report, "checkpoint"}[random.IntN(8)])
	changed := time.Now()
	moment := time.After(time.Duration(random.Float64() * 1.2 * float64(tr.took)))
	tick := time.NewTicker(100 * time.Microsecond)
	defer tick.Stop()
	byFile := random.IntN(2) == 0
	for {
		select {
		case err := <-ended:
			if err != nil {
				tr.t.Fatalf("%s cannot go on: %v\n%s", dir, err, out.String())
			}
			return false
		case <-moment:
		case <-tick.C:
			if info, err := os.Stat(watched); !byFile || err != nil || info.ModTime().Before(changed) {
				continue
			}
		}
		_ = command.Process.Kill()
		if err := <-ended; err == nil || !strings.Contains(err.Error(), "killed") {
			if err != nil {
				tr.t.Fatalf("%s cannot go on: %v\n%s", dir, err, out.String())
			}
			return false
		}
		return true
	}
}
