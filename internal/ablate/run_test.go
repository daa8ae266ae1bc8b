package ablate

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/inception-go/inception/internal/config"
	"github.com/inception-go/inception/internal/console"
	"github.com/inception-go/inception/internal/rundir"
	"github.com/inception-go/inception/internal/train"
)

// tinyBase is a configuration that trains in a second.
func tinyBase(t *testing.T) config.Sources {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tiny.yaml")
	err := os.WriteFile(path, []byte(`
model: {variant: v3, input_size: 32, width: 0.05, aux: none, stem: {stride: 1, pool: false}, bn_decay: 0.9}
data: {train: "shapes:?train=24&val=12&size=32"}
train: {epochs: 2, batch_size: 8}
optimizer: {lr: 0.02}
eval: {batch_size: 12}
`), 0o666)
	if err != nil {
		t.Fatal(err)
	}
	return config.Sources{Path: path, Env: []string{}}
}

const twoRows = `
rows:
  - {name: plain, set: {label_smoothing: 0}}
  - {name: smooth, title: Smooth, change: softer labels, set: {label_smoothing: 0.1}, paper: {top1: 20}}
`

func prepared(t *testing.T, suite string, seeds int, set ...string) *Plan {
	t.Helper()
	s, err := parse("two", "two.yaml", []byte(suite))
	if err != nil {
		t.Fatal(err)
	}
	base := tinyBase(t)
	base.Set = set
	p, err := Prepare(Options{Suite: s, Base: base, Seeds: seeds, Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// listener records the runs that begin, stops the ablation in the third update
// of one of them, and calls a function in the third update of the first.
type listener struct {
	console.Reporter
	began     []string
	stopIn    string
	cancel    context.CancelCauseFunc
	meanwhile func()
	steps     int
}

func (l *listener) progress() Progress {
	return Progress{
		Begin: func(u Upcoming) train.Reporter {
			l.began, l.steps = append(l.began, filepath.ToSlash(filepath.Join(filepath.Base(filepath.Dir(u.Dir)),
				filepath.Base(u.Dir)))), 0
			return l
		},
		Done: func(*Result, string) {},
	}
}

func (l *listener) Step(train.Status) {
	l.steps++
	if l.cancel != nil && l.steps == 3 && l.began[len(l.began)-1] == l.stopIn {
		l.cancel(errStop)
	}
	if l.meanwhile != nil && l.steps == 3 && len(l.began) == 1 {
		l.meanwhile()
	}
}

var errStop = errors.New("stop")

func listening() *listener {
	l := &listener{}
	l.Reporter = console.Reporter{Messages: io.Discard, Quiet: true}
	return l
}

func TestAStoppedAblationGoesOnAndEndsTheSame(t *testing.T) {
	plan := prepared(t, twoRows, 2)
	whole, parts := t.TempDir(), t.TempDir()
	l := listening()
	want, err := plan.Run(context.Background(), whole, l.progress())
	if err != nil {
		t.Fatal(err)
	}
	if order := []string{"plain/seed-1", "smooth/seed-1", "plain/seed-2", "smooth/seed-2"}; !slices.Equal(l.began,
		order) {
		t.Errorf("runs were %v, want %v", l.began, order)
	}

	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	l = listening()
	l.stopIn, l.cancel = "smooth/seed-1", cancel
	r, err := plan.Run(ctx, parts, l.progress())
	if !errors.Is(err, errStop) || r.Count(Done) != 1 {
		t.Fatalf("stopped in its second run, it has done %d with error %v", r.Count(Done), err)
	}
	l = listening()
	got, err := plan.Run(context.Background(), parts, l.progress())
	if err != nil {
		t.Fatal(err)
	}
	if order := []string{"smooth/seed-1", "plain/seed-2", "smooth/seed-2"}; !slices.Equal(l.began, order) {
		t.Errorf("after the stop runs were %v, want %v", l.began, order)
	}
	for i, row := range got.Rows {
		for s, o := range row.Runs {
			w := want.Rows[i].Runs[s]
			if o.State != Done || o.Top1 != w.Top1 || o.Loss != w.Loss || o.Steps != 6 {
				t.Errorf("%s: top-1 %g, loss %g; without the stop %g, %g", o.Run, o.Top1, o.Loss, w.Top1, w.Loss)
			}
			a, errA := os.ReadFile(filepath.Join(whole, o.Run, "last.safetensors"))
			b, errB := os.ReadFile(filepath.Join(parts, o.Run, "last.safetensors"))
			if errA != nil || errB != nil || string(a) != string(b) {
				t.Errorf("%s: other weights than without the stop (%v, %v)", o.Run, errA, errB)
			}
		}
		if row.Top1.N != 2 {
			t.Errorf("row %s has a mean of %d runs", row.Name, row.Top1.N)
		}
	}
	for _, name := range []string{"table.md", "table.csv", "plot.svg", "plot.png", "report.html"} {
		if info, err := os.Stat(filepath.Join(parts, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}

	l = listening()
	if _, err := plan.Run(context.Background(), parts, l.progress()); err != nil || len(l.began) > 0 {
		t.Errorf("a finished ablation runs %v again, error %v", l.began, err)
	}
	if _, err := prepared(t, twoRows, 2, "smooth:optimizer.lr=0.03").Run(context.Background(), parts,
		l.progress()); err == nil ||
		!strings.Contains(err.Error(), "optimizer.lr is 0.02 there and would be 0.03 now") {
		t.Errorf("with other settings the error is %v", err)
	}
}

func TestTwoAblationsShareAFolder(t *testing.T) {
	plan, dir := prepared(t, twoRows, 2), t.TempDir()
	first, second := listening(), listening()
	first.meanwhile = func() {
		r, err := plan.Run(context.Background(), dir, second.progress())
		if err != nil {
			t.Error(err)
		}
		if done, pending := r.Count(Done), r.Count(Pending); done != 3 || pending != 1 {
			t.Errorf("beside the first, the second has %d runs done and %d pending, want 3 and 1", done, pending)
		}
	}
	r, err := plan.Run(context.Background(), dir, first.progress())
	if err != nil {
		t.Fatal(err)
	}
	if r.Count(Done) != 4 {
		t.Errorf("at the end %d runs are done, want 4", r.Count(Done))
	}
	if want := []string{"plain/seed-1"}; !slices.Equal(first.began, want) {
		t.Errorf("the first made %v, want %v", first.began, want)
	}
	if want := []string{"smooth/seed-1", "plain/seed-2", "smooth/seed-2"}; !slices.Equal(second.began, want) {
		t.Errorf("the second made %v, want %v", second.began, want)
	}
}

func TestADivergedRowIsReportedAndTheOthersGoOn(t *testing.T) {
	const suite = "rows:\n" +
		"  - {name: wild, set: {optimizer.name: sgd, optimizer.lr: 1000, train.clip_grad_norm: 0}}\n  - {name: tame}\n"
	dir := t.TempDir()
	for try := range 2 {
		l := listening()
		r, err := prepared(t, suite, 1).Run(context.Background(), dir, l.progress())
		if err != nil {
			t.Fatal(err)
		}
		if r.Count(Failed) != 1 || r.Count(Done) != 1 || !strings.Contains(r.Rows[0].Runs[0].Error, "training diverged") {
			t.Errorf("result is %+v", r)
		}
		if again := try == 1; again != (len(l.began) == 0) {
			t.Errorf("call %d ran %v", try+1, l.began)
		}
		text, err := os.ReadFile(filepath.Join(dir, "table.md"))
		if err != nil || !strings.Contains(string(text), "| diverged |") || !strings.Contains(string(text), "1 diverged |") {
			t.Errorf("the table does not say so (%v):\n%s", err, text)
		}
	}
}

func TestPrepareRefuses(t *testing.T) {
	s, err := parse("two", "two.yaml", []byte(twoRows))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*Options)
		want   string
	}{
		"no seeds":             {func(o *Options) { o.Seeds = 0 }, "--seeds: must be from 1"},
		"baselines where none": {func(o *Options) { o.Baselines = true }, "--baselines: suite two has none"},
		"a setting for no row": {func(o *Options) { o.Base.Set = []string{"smoth:optimizer.lr=1"} },
			`has no row "smoth"; did you mean smooth?`},
		"a wrong row setting": {func(o *Options) { o.Base.Set = []string{"smooth:optimizer.lrr=1"} },
			`--set smooth: unknown key "optimizer.lrr"`},
		"a wrong base": {func(o *Options) { o.Base.Set = []string{"train.epochs=-1"} },
			"train.epochs: must be at least 0"},
		"a seed of its own": {func(o *Options) { o.Base.Set = []string{"smooth:train.seed=7"} },
			"row smooth: --set smooth: train.seed: all rows have the same seeds"},
		"no data": {func(o *Options) { o.Base.Set = []string{"data.train=/nowhere"} }, "row plain: "},
		"no validation": {func(o *Options) {
			o.Base.Set = []string{"data.train=shapes:?val=0",
				"data.val_fraction=0"}
		}, "data.val: there are no validation images"},
		"too small a size": {func(o *Options) { o.Base.Set = []string{"smooth:model.input_size=8"} },
			"row smooth: --set smooth: model.input_size"},
		"layers that are none": {func(o *Options) { o.Base.Set = []string{"smooth:train.freeze=[Nothing]"} },
			"row smooth: train.freeze"},
		"a folder with a run in": {func(o *Options) {}, "is the run folder of a single training"},
	} {
		t.Run(name, func(t *testing.T) {
			o := Options{Suite: s, Base: tinyBase(t), Seeds: 1}
			c.change(&o)
			p, err := Prepare(o)
			if err == nil {
				dir := t.TempDir()
				if err := os.WriteFile(filepath.Join(dir, "metrics.jsonl"), nil, 0o666); err != nil {
					t.Fatal(err)
				}
				_, err = p.Run(context.Background(), dir, Progress{})
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error is %v, want one line with %q", err, c.want)
			}
		})
	}
}

// TestAForecastCountsStepsOfEveryRow also where weights and a plan of something
// else lie in the folder that the user happens to be in.
func TestAForecastCountsStepsOfEveryRow(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{rundir.Best, scheduleFile} {
		if err := os.WriteFile(name, []byte("none of ours"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	f, err := prepared(t, twoRows, 3).Forecast(context.Background(), "")
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, r := range f.Rows {
		if r.Steps != 6 || r.Seconds <= r.StepSeconds*6 || r.Params == 0 || r.MACs == 0 {
			t.Errorf("row %+v", r)
		}
		sum += r.Seconds
	}
	if len(f.Rows) != 2 || f.Total < 2.99*sum || f.Total > 3.01*sum {
		t.Errorf("%d rows of %g s together, three seeds in %g s", len(f.Rows), sum, f.Total)
	}
}
