package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/inception-go/inception/internal/config"
	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/evaluate"
	"github.com/inception-go/inception/internal/weights"
	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
)

// evalCommand is `inception eval`.
type evalCommand struct {
	*session
	weights       string
	data, split   string
	batch         int
	inputSize     int
	cropPct       float64
	interpolation string
	classMap      string
	match         dataset.MatchOptions
	perClass      bool
}

func newEval(s *session) *cobra.Command {
	e := &evalCommand{session: s}
	c := &cobra.Command{
		Use:     "eval --weights F [--data SPEC]",
		Aliases: []string{"val", "test"},
		Short:   "Measure a network's accuracy",
		Long: `Measure top-1 and top-5 accuracy and loss on every image of a dataset. Network and
preprocessing come from the weight file. Without --data, the images are those that
the weights' own training run validated on.`,
		Example: `  inception eval --weights runs/flowers5-20260102-150405
  inception eval --weights best.safetensors --data photos/val --per-class`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return e.run(c) },
	}
	f := c.Flags()
	f.StringVarP(&e.weights, "weights", "w", "", "weight file or run folder")
	f.StringVar(&e.data, "data", "", "images: a folder, or a SPEC such as idx:DIR, cifar10:DIR, shapes:")
	f.StringVar(&e.split, "split", "", "part of the data: train, val or test (default: val, else test)")
	f.IntVarP(&e.batch, "batch", "b", 0, "images in one pass, also --batch-size")
	f.IntVar(&e.inputSize, "input-size", 0, "evaluate at this size instead of the weights' own")
	f.Float64Var(&e.cropPct, "crop-pct", 0, "share of the image's side that the crop shows, instead of the weights' own")
	f.StringVar(&e.interpolation, "interpolation", "", "bilinear, bicubic or bilinear-tf1, instead of the weights' own")
	f.StringVar(&e.classMap, "class-map", "", "`file` of lines folder<TAB>label")
	f.BoolVar(&e.match.ByOrder, "classes-by-order", false, "match class folders to labels by their order")
	f.BoolVar(&e.perClass, "per-class", false, "print precision, recall and F1 of each class, and the calibration")
	_ = c.MarkFlagRequired("weights")
	return c
}

// evalReport is what `eval --json` prints.
type evalReport struct {
	Images     int                `json:"images"`
	Skipped    int                `json:"skipped"`
	Top1       float64            `json:"top1"`
	Top5       float64            `json:"top5"`
	Loss       float64            `json:"loss"`
	ImagesPerS float64            `json:"images_per_s"`
	Preprocess dataset.Preprocess `json:"preprocess"`
	ECE        float64            `json:"ece"`
	Classes    []classReport      `json:"classes,omitempty"`
	Confusion  [][]int            `json:"confusion,omitempty"`
}

type classReport struct {
	Label     string  `json:"label"`
	Images    int     `json:"images"`
	Precision float64 `json:"precision"`
	Recall    float64 `json:"recall"`
	F1        float64 `json:"f1"`
}

func (e *evalCommand) run(c *cobra.Command) (err error) {
	if e.match.Map, err = readClassMap(e.classMap); err != nil {
		return err
	}
	resolved, err := e.load(e.runConfig(), e.flagValues(c))
	if err != nil {
		return err
	}
	w, m, err := weights.Load(e.weights)
	if err != nil {
		return err
	}
	if err := resolved.AgreesWith(m.Spec); err != nil {
		return usageError{fmt.Errorf("%s: %w", e.weights, err)}
	}
	for _, text := range m.Notes {
		e.note("%s: %s", e.weights, text)
	}
	if m.NoHead {
		return fmt.Errorf("%s: has no classifier, so there is no accuracy to measure", e.weights)
	}
	set, err := e.set(resolved, m)
	if err != nil {
		return err
	}
	preprocess := e.preprocess(resolved, m)
	e.note("preprocess: %s", preprocess)
	evaluator, err := evaluate.NewEvaluator(w, evaluate.RunOptions{
		Options: resolved.Eval, Preprocess: preprocess, Workers: resolved.Data.Workers, SkipUnreadable: true,
	})
	if err != nil {
		return err
	}
	defer evaluator.Close()
	result, err := e.evaluate(c.Context(), evaluator, set)
	if err != nil {
		return err
	}
	return e.show(result, m.Labels, preprocess)
}

// runConfig returns the configuration beside the weights if they lie in a run
// folder and no other is asked for.
func (e *evalCommand) runConfig() string {
	if e.config != "" {
		return ""
	}
	dir := e.weights
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		dir = filepath.Dir(dir)
	}
	file := filepath.Join(dir, "config.yaml")
	if _, err := os.Stat(file); err != nil {
		return ""
	}
	return file
}

func (e *evalCommand) flagValues(c *cobra.Command) map[string]any {
	values := map[string]any{}
	changed := c.Flags().Changed
	if changed("data") {
		values["data.train"], values["data.val"] = e.data, ""
	}
	if changed("batch") {
		values["eval.batch_size"] = e.batch
	}
	if changed("crop-pct") {
		values["eval.crop_pct"] = e.cropPct
	}
	if changed("interpolation") {
		values["data.interpolation"] = e.interpolation
	}
	return values
}

// set opens the images to evaluate on, labelled with rows of the classifier.
func (e *evalCommand) set(c *config.Resolved, m weights.Metadata) (dataset.Set, error) {
	set, used, err := e.open(c)
	if err != nil {
		return nil, err
	}
	match, err := dataset.MatchClasses(set.Classes(), m.ClassNames(), e.match)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", used, err)
	}
	e.note("%d images of %d classes: %s", set.Len(), len(set.Classes()), used)
	if match.Note != "" {
		e.note("%s", match.Note)
	}
	return dataset.Relabel(set, match.Rows, m.ClassNames()), nil
}

func (e *evalCommand) open(c *config.Resolved) (set dataset.Set, used string, err error) {
	switch {
	case e.data == "" && c.Data.Train == "":
		return nil, "", usageError{errors.New("no images to evaluate on: give --data")}
	case e.data != "" || e.split != "":
		set, part, err := dataset.OpenSplit(c.Data.Train, e.split)
		return set, c.Data.Train + ", part " + part, err
	}
	_, val, _, err := dataset.OpenTraining(c.Data, c.Train.Seed)
	if err == nil && val == nil {
		err = fmt.Errorf("%s: the run had no validation images; give --data", e.weights)
	}
	return val, "the run's validation images", err
}

// preprocess returns the weights' own preprocessing with what the flags change.
func (e *evalCommand) preprocess(c *config.Resolved, m weights.Metadata) dataset.Preprocess {
	p := m.Preprocess
	p.Size = m.InputSize
	if e.inputSize > 0 {
		p.Size = e.inputSize
	}
	if e.interpolation != "" {
		p.Interpolation = c.Data.Interpolation
	}
	if e.cropPct > 0 {
		p.CropPct = e.cropPct
	}
	return p
}

func (e *evalCommand) evaluate(ctx context.Context, evaluator *evaluate.Evaluator, set dataset.Set) (evaluate.Result, error) {
	progress := func(int, int) {}
	if e.terminal() && !e.quiet {
		bar := progressbar.NewOptions(set.Len(), progressbar.OptionSetWriter(e.stderr), progressbar.OptionSetWidth(20),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(), progressbar.OptionShowCount(),
			progressbar.OptionShowIts(), progressbar.OptionSetItsString("images"), progressbar.OptionSetDescription("eval"))
		defer bar.Clear() //nolint:errcheck // the terminal's, not the result's
		progress = func(done, _ int) { _ = bar.Set(done) }
	}
	result, err := evaluator.Evaluate(ctx, set, progress)
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return result, err
}

// show prints the result. Images that could not be read make the command
// fail after that.
func (e *evalCommand) show(r evaluate.Result, labels []string, p dataset.Preprocess) error {
	for _, err := range r.Skipped {
		e.warn(err.Error())
	}
	if e.json {
		report := evalReport{
			Images: r.Images, Skipped: len(r.Skipped), Top1: r.Top1, Top5: r.Top5, Loss: r.Loss, ImagesPerS: r.ImagesPerS,
			Preprocess: p, ECE: r.ECE,
		}
		if e.perClass {
			report.Confusion = r.Confusion
			for i, s := range r.PerClass() {
				report.Classes = append(report.Classes, classReport{label(labels, i), s.Images, s.Precision, s.Recall, s.F1})
			}
		}
		if err := e.printJSON(report); err != nil {
			return err
		}
	} else {
		e.print("images %d  top-1 %.2f%%  top-5 %.2f%%  loss %.4f  (%.0f images/s)\n", r.Images, 100*r.Top1, 100*r.Top5, r.Loss, r.ImagesPerS)
		if e.perClass {
			e.printClasses(r, labels)
		}
	}
	if n := len(r.Skipped); n > 0 {
		return fmt.Errorf("%d images could not be read and are not counted", n)
	}
	return nil
}

func (e *evalCommand) printClasses(r evaluate.Result, labels []string) {
	e.print("\n%-24s %8s %10s %8s %8s\n", "class", "images", "precision", "recall", "F1")
	for i, s := range r.PerClass() {
		e.print("%-24s %8d %9.1f%% %7.1f%% %7.1f%%\n", label(labels, i), s.Images, 100*s.Precision, 100*s.Recall, 100*s.F1)
	}
	e.print("\nexpected calibration error %.2f%%\n%-16s %8s %11s %9s\n", 100*r.ECE, "probability", "images", "mean", "accuracy")
	for _, b := range r.Reliability {
		if b.Images > 0 {
			e.print("%5.1f%% to %5.1f%% %8d %10.1f%% %8.1f%%\n", 100*b.From, 100*b.To, b.Images, 100*b.Confidence, 100*b.Accuracy)
		}
	}
}

func label(labels []string, i int) string {
	if i < len(labels) {
		return labels[i]
	}
	return fmt.Sprint(i)
}

// readClassMap reads lines of a class folder, a tab and a label.
func readClassMap(path string) (map[string]string, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, usageError{fmt.Errorf("--class-map: %w", err)}
	}
	classes := map[string]string{}
	for i, line := range strings.Split(string(text), "\n") {
		line = strings.TrimRight(line, "\r")
		if strings.TrimSpace(line) == "" {
			continue
		}
		folder, label, ok := strings.Cut(line, "\t")
		if !ok {
			return nil, usageError{fmt.Errorf("--class-map %s:%d: needs a folder, a tab and a label", path, i+1)}
		}
		classes[folder] = label
	}
	return classes, nil
}
