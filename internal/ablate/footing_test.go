package ablate

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/inception-go/inception/internal/config"
)

func TestEqualMACsCountTheSizesOfTheEpochs(t *testing.T) {
	const suite = "set: {train.epochs: 4}\nrows:\n  - {name: full}\n  - {name: growing, set: {train.sizes: [24, 32]}}\n"
	s, err := parse("two", "two.yaml", []byte(suite))
	if err != nil {
		t.Fatal(err)
	}
	p, err := Prepare(Options{Suite: s, Base: tinyBase(t), Seeds: 1, Equal: EqualMACs})
	if err != nil {
		t.Fatal(err)
	}
	size := float64(p.rows[0].outline.Spec.InputSize)
	mean := (24*24/(size*size) + 32*32/(size*size)) / 2
	const step = time.Second
	full, growing := p.rows[0].runTime(step), p.rows[1].runTime(step)
	if saved := 4 * 3 * (1 - mean); math.Abs((full-growing).Seconds()-saved) > 0.01 {
		t.Errorf("12 updates of a second at %g pixels take %s, of 24 and 32 pixels %s", size, full, growing)
	}
	r, err := p.collect(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if got, want := r.Rows[1].Epochs, int(math.Round(4/mean)); got != want || got == 4 {
		t.Errorf("a row of 24 and 32 pixels has %d epochs, want %d", got, want)
	}
}

func TestEqualMACsGiveACheapRowMoreEpochs(t *testing.T) {
	const suite = "set: {train.epochs: 4}\nrows:\n  - {name: full}\n  - {name: half, set: {model.input_size: 24}}\n"
	s, err := parse("two", "two.yaml", []byte(suite))
	if err != nil {
		t.Fatal(err)
	}
	prepare := func(equal Footing) *Plan {
		p, err := Prepare(Options{Suite: s, Base: tinyBase(t), Seeds: 1, Equal: equal})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	p := prepare(EqualMACs)
	dir := t.TempDir()
	r, err := p.collect(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := int(0.5 + 4*float64(p.rows[0].trainMACs)/float64(p.rows[1].trainMACs))
	if got := r.Rows[1].Epochs; r.Rows[0].Epochs != 4 || got != want || got < 5 {
		t.Errorf("epochs are %d and %d, want 4 and %d", r.Rows[0].Epochs, got, want)
	}
	if c := p.job(p.rows[1], 1, dir).Config; c.Train.Epochs != want || p.rows[1].outline.Updates != 3*want {
		t.Errorf("a run has %d epochs, %d updates", c.Train.Epochs, p.rows[1].outline.Updates)
	}
	if !strings.Contains(r.Caption(), "multiply-adds in training allow") {
		t.Errorf("the caption is %s", r.Caption())
	}
	// Times are measured once: what the folder has stays.
	timed := prepare(EqualTime)
	if r, err = timed.collect(dir); err != nil || r.Rows[1].Epochs < 1 || r.Rows[0].Epochs != 4 {
		t.Fatalf("epochs of equal time are %+v (%v)", r.schedule.Epochs, err)
	}
	r.schedule.Epochs["half"] = 77
	if err := r.schedule.write(dir); err != nil {
		t.Fatal(err)
	}
	if r, err = prepare(EqualTime).collect(dir); err != nil || r.Rows[1].Epochs != 77 {
		t.Errorf("later they are %+v (%v)", r.schedule.Epochs, err)
	}
	for set, want := range map[string]string{"train.max_steps=3": "train.max_steps: --equal macs counts in epochs",
		"train.max_time=1h": "train.max_time: --equal macs", "train.max_time=1h train.max_steps=3": "train.max_steps:"} {
		base := tinyBase(t)
		base.Set = strings.Fields(set)
		if _, err := Prepare(Options{Suite: s, Base: base, Seeds: 1, Equal: EqualMACs}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("with %s the error is %v", set, err)
		}
	}
	if _, err := Prepare(Options{Suite: s, Base: tinyBase(t), Seeds: 1, Equal: "tim"}); err == nil ||
		!strings.Contains(err.Error(), "did you mean time?") {
		t.Errorf("an unknown footing: %v", err)
	}
}

// withTest writes an image folder with 40 training and 12 test images of two
// classes.
func withTest(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for part, images := range map[string]int{"train": 40, "test": 12} {
		for i := range images {
			im := image.NewGray(image.Rect(0, 0, 32, 32))
			for k := range im.Pix {
				im.Pix[k] = uint8(60*(i%2) + (k*7+i*31)%90)
			}
			path := filepath.Join(dir, part, []string{"dark", "light"}[i%2], fmt.Sprintf("%d.png", i))
			if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
				t.Fatal(err)
			}
			var b bytes.Buffer
			if err := png.Encode(&b, im); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, b.Bytes(), 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

// tunable is the base with test images and without validation images.
func tunable(t *testing.T, folders string, seeds int, tune string) (*Plan, error) {
	t.Helper()
	s, err := parse("two", "two.yaml", []byte(twoRows))
	if err != nil {
		t.Fatal(err)
	}
	base := tinyBase(t)
	base.Set = []string{"data.train=" + folders}
	return Prepare(Options{Suite: s, Base: base, Seeds: seeds, Tune: tune, TuneEpoch: 1})
}

func TestTuningChoosesOnValidationAndTestsOnce(t *testing.T) {
	dir, folders := t.TempDir(), withTest(t)
	plan, err := tunable(t, folders, 1, "optimizer.lr=0.02,1e-9")
	if err != nil {
		t.Fatal(err)
	}
	f, err := plan.Forecast(context.Background(), dir)
	if err != nil || f.Tuning <= 0 || f.Total <= f.Tuning {
		t.Errorf("the forecast is %+v (%v)", f, err)
	}
	l := listening()
	r, err := plan.Run(context.Background(), dir, l.progress())
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"plain/tune-0.02", "plain/tune-1e-9", "smooth/tune-0.02", "smooth/tune-1e-9", "plain/seed-1",
		"smooth/seed-1"}; !slices.Equal(l.began, want) {
		t.Errorf("runs were %v, want %v", l.began, want)
	}
	for i, row := range r.Rows {
		o := row.Runs[0]
		if o.Test == nil || o.Test.Images != 12 || row.Top1.Mean != 1-o.Test.Top1 || row.Validation.Mean != 1-o.Top1 {
			t.Fatalf("row %s: %+v, test %+v", row.Name, row, o.Test)
		}
		best := row.Tuned[0]
		if better(row.Tuned[1], best) {
			best = row.Tuned[1]
		}
		if !best.Chosen || row.chosen() != best.Value || len(row.Tuned) != 2 {
			t.Errorf("row %s chose among %+v", row.Name, row.Tuned)
		}
		c := plan.job(plan.rows[i], 1, dir).Config
		if c.Data.Val != "hold-out" || (c.Optimizer.LR == 0.02) != (best.Value == "0.02") || c.Train.Epochs != 2 {
			t.Errorf("row %s trains with %+v, lr %g", row.Name, c.Data, c.Optimizer.LR)
		}
	}
	// 40 images, a fifth of them held out, and the test images apart.
	if r.ValImages < 6 || r.ValImages > 10 || !strings.Contains(r.Caption(), "the test images, which were looked at once") {
		t.Errorf("%d validation images; %s", r.ValImages, r.Caption())
	}
	// Nothing is done twice; a run that was not tested yet is only tested.
	path := filepath.Join(dir, "smooth", "seed-1", testFile)
	before, err := os.ReadFile(path)
	if err == nil {
		err = os.Remove(path)
	}
	if err != nil {
		t.Fatal(err)
	}
	if plan, err = tunable(t, folders, 1, "optimizer.lr=0.02,1e-9"); err != nil {
		t.Fatal(err)
	}
	l = listening()
	if r, err = plan.Run(context.Background(), dir, l.progress()); err != nil || len(l.began) > 0 || r.Count(Done) != 2 {
		t.Errorf("again: runs %v, %d done (%v)", l.began, r.Count(Done), err)
	}
	if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
		t.Errorf("another test says %s, the first %s (%v)", after, before, err)
	}
	var page strings.Builder
	if err := r.writeHTML(&page, plan); err != nil || !strings.Contains(page.String(), "Short runs") {
		t.Errorf("the page has no short runs (%v)", err)
	}
	if all, err := Verify(context.Background(), dir, Check{}); err != nil || len(all) != 2 || !all[0].Same || !all[1].Same {
		t.Errorf("verified: %+v (%v)", all, err)
	}
}

func TestTuningRefuses(t *testing.T) {
	folders := withTest(t)
	for tune, want := range map[string]string{
		"optimizer.lr": "must be KEY=a,b,c", "optimizer.lr=0.1": "takes two values or more", "optimizer.lr=0.1,": `"" cannot be a value`,
		"optimizer.lr=1,../2": "cannot be a value", "data.val=a,b": "tune another key", "train.epochs=1,2": "tune another key",
		"optimizer.lrr=1,2": `unknown key "optimizer.lrr"`, "optimizer.lr=0.1,fast": "must be a number",
	} {
		if _, err := tunable(t, folders, 1, tune); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error is %v, want %q", tune, err, want)
		}
	}
	s, err := parse("two", "two.yaml", []byte(twoRows))
	if err != nil {
		t.Fatal(err)
	}
	base := tinyBase(t)
	base.Set = []string{"data.train=" + folders, "data.val=" + folders}
	if _, err := Prepare(Options{Suite: s, Base: base, Seeds: 1, Tune: "optimizer.lr=1,2"}); err == nil ||
		!strings.Contains(err.Error(), "shows images of the part test") {
		t.Errorf("validation on the test images: error is %v", err)
	}
	base.Set = base.Set[:1]
	for _, c := range []struct {
		o    Options
		base config.Sources
		want string
	}{
		{Options{Tune: "optimizer.lr=1,2"}, tinyBase(t), "has no part test"},
		{Options{TuneEpoch: 2}, base, "--tune-epochs: is of the short runs"},
		{Options{Tune: "optimizer.lr=1,2", TuneEpoch: 9}, base, "--tune-epochs: must be from 1 to train.epochs, 2"},
	} {
		c.o.Suite, c.o.Base, c.o.Seeds = s, c.base, 1
		if _, err := Prepare(c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error is %v, want %q", err, c.want)
		}
	}
}

func TestShortRunsAreAQuarterOfTheEpochsThatSuitTheImages(t *testing.T) {
	s, err := parse("two", "two.yaml", []byte(twoRows))
	if err != nil {
		t.Fatal(err)
	}
	base := tinyBase(t)
	base.Set = []string{"data.train=" + withTest(t), "train.epochs=0"}
	p, err := Prepare(Options{Suite: s, Base: base, Seeds: 1, Tune: "optimizer.lr=0.02,0.1"})
	if err != nil || p.rows[0].config.Train.Epochs < 8 || p.tune.epochs != p.rows[0].config.Train.Epochs/4 {
		t.Errorf("short runs of %d epochs (%v)", p.tune.epochs, err)
	}
}

func TestARunsTimeIsThatOfItsBatches(t *testing.T) {
	for _, c := range []struct {
		accumulation int
		set          string
		want         time.Duration
	}{
		{1, "", 6 * time.Second}, {2, "", 6 * time.Second}, // 3 batches an epoch make 2 updates
		{2, "train.max_steps=1", 2 * time.Second},
	} {
		set := []string{"data.val_fraction=0", fmt.Sprintf("train.grad_accum_steps=%d", c.accumulation), "eval.every=0"}
		if c.set != "" {
			set = append(set, c.set)
		}
		row := prepared(t, twoRows, 1, set...).rows[0]
		validation := 12 * time.Second / 8 / 3
		if got := row.runTime(time.Second) - validation; got.Round(time.Millisecond) != c.want {
			t.Errorf("with updates of %d batches %s: %s, want %s", c.accumulation, c.set, got, c.want)
		}
	}
}
