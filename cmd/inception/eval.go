package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/inception-go/inception/internal/config"
	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/evaluate"
	"github.com/inception-go/inception/internal/labels"
	"github.com/inception-go/inception/internal/picture"
	"github.com/inception-go/inception/internal/rundir"
	"github.com/inception-go/inception/internal/textfile"
	"github.com/inception-go/inception/internal/weights"
)

// evalCommand is `inception eval`.
type evalCommand struct {
	*session
	weights       []string
	crops         int
	data, split   string
	batch         int
	inputSize     int
	cropPct       float64
	interpolation string
	classMap      string
	match         labels.MatchOptions
	exclude       string
	excluded      int
	used          string // which images, in words
	perClass      bool
	files         evalFiles
}

func newEval(s *session) *cobra.Command {
	e := &evalCommand{session: s}
	c := &cobra.Command{
		Use:     "eval --weights F [--weights F2 ...] [--data SPEC]",
		Aliases: []string{"val", "test"},
		Short:   "Measure a network's accuracy",
		Long: `Measure top-1 and top-5 accuracy and loss on every image of a dataset. Network and
preprocessing come from the weight file. Without --data, the images are those that
the weights' own training run validated on. Several weight files answer together, and
so do several crops of an image: by the mean of their softmaxes.`,
		Example: `  inception eval --weights runs/flowers5-20260102-150405 --report eval.html
  inception eval --weights best.safetensors --data photos/val --per-class
  inception eval --weights a.safetensors --weights b.safetensors --data imagenet --crops 144 --exclude blacklist.txt`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return e.run(c) },
	}
	f := c.Flags()
	f.StringArrayVarP(&e.weights, "weights", "w", nil, "weight `file` or run folder; repeatable")
	f.IntVar(&e.crops, "crops", 1, "views of each image: 1, 10, 12 or 144")
	f.StringVar(&e.exclude, "exclude", "", "`file` with names of images to leave out, one a line, or ImageNet's numbers of them")
	f.StringVar(&e.data, "data", "", "images: a folder, or one of "+dataset.Specs())
	f.StringVar(&e.split, "split", "", "part of the data: train, val or test (default: val, else test)")
	f.IntVarP(&e.batch, "batch", "b", 0, "images in one pass, also --batch-size")
	f.IntVar(&e.inputSize, "input-size", 0, "evaluate at this size instead of the weights' own")
	f.Float64Var(&e.cropPct, "crop-pct", 0, "share of the image's side that the crop shows, instead of the weights' own")
	f.StringVar(&e.interpolation, "interpolation", "", "bilinear, bicubic or bilinear-tf1, instead of the weights' own")
	f.StringVar(&e.classMap, "class-map", "", "`file` of lines folder<TAB>label")
	f.BoolVar(&e.match.ByOrder, "classes-by-order", false, "match class folders to labels by their order")
	f.BoolVar(&e.perClass, "per-class", false, "print precision, recall and F1 of each class, and the calibration")
	e.files.addFlags(f)
	_ = c.MarkFlagRequired("weights")
	c.MarkFlagsMutuallyExclusive("class-map", "classes-by-order")
	return c
}

func (e *evalCommand) run(c *cobra.Command) (err error) {
	if e.match.Map, err = readClassMap(e.classMap); err != nil {
		return err
	}
	resolved, err := e.load(e.runConfig(), e.flagValues(c))
	if err != nil {
		return err
	}
	ensemble, members, err := e.ensemble(resolved)
	for _, evaluator := range ensemble {
		defer evaluator.Close()
	}
	if err != nil {
		return err
	}
	labelled, err := evaluate.SameClasses(members)
	if err != nil {
		return err
	}
	set, err := e.set(resolved, labelled)
	if err != nil {
		return err
	}
	if set, err = e.leaveOut(set); err != nil {
		return err
	}
	result, err := e.evaluate(c.Context(), ensemble, set)
	if err != nil {
		return err
	}
	return e.show(result, members, set)
}

// options returns the eval.* keys. A crop_pct of the run's own configuration
// is left out: the weights know it.
func (e *evalCommand) options(c *config.Resolved) (evaluate.Options, error) {
	o := c.Eval
	if e.runConfig() != "" && c.Origin["eval.crop_pct"].Kind == config.FromFile {
		o.CropPct = 0
	}
	if err := picture.Crops(e.crops).Validate(); err != nil {
		return o, usageError{fmt.Errorf("--crops: %w", err)}
	}
	if e.inputSize < 0 {
		return o, usageError{fmt.Errorf("--input-size: must be at least 1, is %d", e.inputSize)}
	}
	if e.crops > 1 && e.cropPct > 0 {
		return o, usageError{fmt.Errorf("--crop-pct is for a single crop; where %d crops lie is fixed", e.crops)}
	}
	return o, nil
}

// ensemble loads the weights and builds their networks. A member's
// preprocessing is the one that is used.
func (e *evalCommand) ensemble(c *config.Resolved) (evaluate.Ensemble, []evaluate.Member, error) {
	options, err := e.options(c)
	if err != nil {
		return nil, nil, err
	}
	var ensemble evaluate.Ensemble
	var members []evaluate.Member
	for i, path := range e.weights {
		w, m, err := weights.Load(path)
		if err != nil {
			return ensemble, nil, err
		}
		// The first member's run says nothing of the others' structure.
		if i == 0 || e.runConfig() == "" {
			if err := c.AgreesWith(m.Spec); err != nil {
				return ensemble, nil, usageError{fmt.Errorf("%s: %w", path, err)}
			}
		}
		for _, text := range m.Notes {
			e.note("%s: %s", path, text)
		}
		if m.NoHead {
			return ensemble, nil, fmt.Errorf("%s: has no classifier, so there is no accuracy to measure", path)
		}
		crops := picture.Crops(e.crops)
		m.Preprocess = options.Preprocess(e.preprocess(c, m))
		e.note("preprocess: %s", crops.Describe(m.Preprocess))
		evaluator, err := evaluate.NewEvaluator(w, evaluate.RunOptions{
			Options: options, Preprocess: m.Preprocess, Crops: crops, Workers: c.Data.Workers, SkipUnreadable: true,
		})
		if err != nil {
			return ensemble, nil, err
		}
		ensemble = append(ensemble, evaluator)
		members = append(members, evaluate.Member{Path: path, Metadata: m})
	}
	return ensemble, members, nil
}

// runConfig returns the configuration beside the weights if they lie in a run
// folder and no other is asked for.
func (e *evalCommand) runConfig() string {
	if e.config != "" {
		return ""
	}
	dir := e.weights[0]
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		dir = filepath.Dir(dir)
	}
	file := filepath.Join(dir, rundir.Config)
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
	match, err := labels.MatchClasses(set.Classes(), m.ClassNames(), e.match)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", used, err)
	}
	e.note("%d images of %d classes: %s", set.Len(), len(set.Classes()), used)
	e.used = used
	if match.Note != "" {
		e.note("%s", match.Note)
	}
	return dataset.Relabel(set, match.Rows, m.ClassNames()), nil
}

func (e *evalCommand) open(c *config.Resolved) (set dataset.Set, used string, err error) {
	switch {
	case e.data == "" && c.Data.Train == "":
		return nil, "", usageError{errors.New("no images to evaluate on: give --data")}
	case e.data != "" || e.split == "test":
		set, part, err := dataset.OpenSplit(c.Data.Train, e.split)
		return set, c.Data.Train + ", part " + part, err
	}
	train, val, _, err := dataset.OpenTraining(c.Data, c.Train.Seed)
	switch {
	case err != nil:
		return nil, "", err
	case e.split == "train":
		return train, "the run's training images", nil
	case e.split != "" && e.split != "val":
		return nil, "", usageError{fmt.Errorf("--split: must be train, val or test, is %q", e.split)}
	case val == nil:
		return nil, "", fmt.Errorf("%s: the run had no validation images; give --data", e.weights[0])
	}
	return val, "the run's validation images", nil
}

// leaveOut returns set without the images that --exclude lists.
func (e *evalCommand) leaveOut(set dataset.Set) (dataset.Set, error) {
	if e.exclude == "" {
		return set, nil
	}
	if err := textfile.Check(e.exclude); err != nil {
		return nil, usageError{fmt.Errorf("--exclude: %w", err)}
	}
	f, err := os.Open(e.exclude)
	if err != nil {
		return nil, usageError{fmt.Errorf("--exclude: %w", err)}
	}
	defer f.Close()
	list, err := dataset.ReadExclusions(f)
	if err != nil {
		return nil, usageError{fmt.Errorf("--exclude %s: %w", e.exclude, err)}
	}
	rest, excluded, unmatched := list.Apply(set)
	e.excluded = excluded
	e.note("%d images excluded by %s, %d left", excluded, e.exclude, rest.Len())
	if n := len(unmatched); n > 0 {
		e.warn(fmt.Sprintf("--exclude %s: entries that match no image: %d, the first is %q", e.exclude, n, unmatched[0]))
	}
	if rest.Len() == 0 {
		return nil, usageError{fmt.Errorf("--exclude %s: leaves no image", e.exclude)}
	}
	return rest, nil
}

// preprocess returns the weights' own preprocessing with what the flags change.
// The input size of a configuration file is of a training, that of --set is not.
func (e *evalCommand) preprocess(c *config.Resolved, m weights.Metadata) picture.Preprocess {
	p := m.Preprocess
	if e.inputSize > 0 {
		p.Size = e.inputSize
	} else if c.Origin["model.input_size"].Kind == config.FromSet {
		p.Size = c.Model.InputSize
	}
	if e.interpolation != "" {
		p.Interpolation = c.Data.Interpolation
	}
	return p
}

func (e *evalCommand) evaluate(ctx context.Context, ensemble evaluate.Ensemble, set dataset.Set) (evaluate.Result, error) {
	progress := func(int, int) {}
	if e.terminal() && !e.quiet {
		bar := progressbar.NewOptions(set.Len(), progressbar.OptionSetWriter(bars(e.stderr)), progressbar.OptionSetWidth(20),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(), progressbar.OptionShowCount(),
			progressbar.OptionShowIts(), progressbar.OptionSetItsString("images"), progressbar.OptionSetDescription("eval"))
		defer bar.Clear() //nolint:errcheck // the terminal's, not the result's
		progress = func(done, _ int) { _ = bar.Set(done) }
	}
	result, err := ensemble.Evaluate(ctx, set, progress)
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err == nil && (math.IsNaN(result.Loss) || math.IsInf(result.Loss, 0)) {
		err = fmt.Errorf("%s: the network's outputs are no numbers; its weights have diverged", e.weights[0])
	}
	return result, err
}

// readClassMap reads the file of --class-map; without one there is no map.
func readClassMap(path string) (map[string]string, error) {
	if path == "" {
		return nil, nil
	}
	text, err := textfile.Read(path, 64<<20, "a class map")
	if err != nil {
		return nil, usageError{fmt.Errorf("--class-map: %w", err)}
	}
	classes, err := labels.ParseMap(string(text))
	if err != nil {
		return nil, usageError{fmt.Errorf("--class-map %s:%w", path, err)}
	}
	return classes, nil
}
