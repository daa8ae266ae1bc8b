package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/inception-go/inception/internal/config"
	"github.com/inception-go/inception/internal/console"
	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/evaluate"
	"github.com/inception-go/inception/internal/labels"
	"github.com/inception-go/inception/internal/picture"
	"github.com/inception-go/inception/internal/rundir"
	"github.com/inception-go/inception/internal/textfile"
	"github.com/spf13/cobra"
)

// evalCommand is `inception eval`.
type evalCommand struct {
	*session
	weights       []string
	crops         int
	data, split   string
	tta           string
	batch         int
	inputSize     int
	cropPct       float64
	interpolation string
	classMap      string
	byOrder       bool
	exclude       string
	perClass      bool
	precision     precisionFlags
	files         evalFiles
}

// evalKeys are the keys that eval reads: those of a network's structure, which must
// be the weights' own, and how images are found and shown.
var evalKeys = append([]string{
	"model.", "data.train", "data.val", "data.val_fraction", "data.val_seed", "data.workers", "data.geometry",
	"data.interpolation", "eval.batch_size", "eval.crop_pct", "eval.max_images", "eval.tta",
}, pictureKeys...)

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
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return e.run(c) },
	}
	f := c.Flags()
	f.StringArrayVarP(&e.weights, "weights", "w", nil, "weight `file` or run folder; repeatable")
	f.IntVar(&e.crops, "crops", 1, "views of each image: 1, 10, 12 or 144")
	f.StringVar(&e.tta, "tta", "",
		"average over: none, or flip, the image and its mirror image (the key eval.tta), instead of the weights' own")
	f.StringVar(&e.exclude, "exclude", "",
		"`file` with names of images to leave out, one a line, or ImageNet's numbers of them")
	f.StringVar(&e.data, "data", "", "images: a folder, or one of "+dataset.Specs())
	f.StringVar(&e.split, "split", "", "part of the data: train, val or test (default: val, else test)")
	f.IntVarP(&e.batch, "batch", "b", 0, "images in one pass, also --batch-size")
	f.IntVar(&e.inputSize, "input-size", 0, "evaluate at this size instead of the weights' own")
	f.Float64Var(&e.cropPct, "crop-pct", 0,
		"share of the image's side that the crop shows, instead of the weights' own")
	f.StringVar(&e.interpolation, "interpolation", "",
		"bilinear, bicubic or bilinear-tf1, instead of the weights' own")
	f.StringVar(&e.classMap, "class-map", "", "`file` of lines, each a class folder, a tab and a label")
	f.BoolVar(&e.byOrder, "classes-by-order", false, "match class folders to labels by their order")
	f.BoolVar(&e.perClass, "per-class", false,
		"print precision, recall and F1 of each class, and the calibration")
	e.precision.addFlags(f, true)
	e.files.addFlags(f)
	_ = c.MarkFlagRequired("weights")
	c.MarkFlagsMutuallyExclusive("class-map", "classes-by-order")
	reads(c, evalKeys...)
	return c
}

func (e *evalCommand) run(c *cobra.Command) error {
	run := "" // the configuration of the weights' own run, unless another one is named
	if e.config == "" {
		run = rundir.ConfigOf(e.weights[0])
	}
	resolved, err := e.load(run, e.flagValues(c))
	if err != nil {
		return err
	}
	if run != "" && e.data == "" {
		resolved.WarnOfOldSplit(e.warn)
	}
	precisions, err := e.precision.values()
	if err != nil {
		return err
	}
	if err := e.files.check(); err != nil {
		return err
	}
	if len(precisions) > 1 && (e.perClass || e.files != evalFiles{}) {
		return usageError{errors.New("--precision: one alone goes with --per-class and with files to write")}
	}
	job, err := e.job(resolved, run != "")
	if err != nil {
		return usageError{err}
	}
	if err := e.writable(e.files.classes, e.files.confusion, e.files.predictions, e.files.page); err != nil {
		return err
	}
	var outcomes []*evaluate.Outcome
	job.Note, job.Warn = once(job.Note), once(job.Warn) // of weights and images there is the same to say again
	for _, precision := range precisions {
		job.Precision = precision
		outcome, err := e.measure(c.Context(), job)
		if run != "" && e.data == "" {
			err = moved(err, "")
		}
		if errors.As(err, &evaluate.CallError{}) {
			err = usageError{err}
		}
		if err != nil {
			return err
		}
		outcomes = append(outcomes, outcome)
	}
	if e.cluster.Rank() > 0 {
		return nil
	}
	if len(outcomes) > 1 {
		return e.compare(outcomes)
	}
	return e.show(c.Context(), outcomes[0])
}

// measure runs a job behind a progress bar.
func (e *evalCommand) measure(ctx context.Context, job evaluate.Job) (*evaluate.Outcome, error) {
	bar := e.bar("eval", console.Images)
	job.Progress = func(done, total int) { bar.Set(int64(done), int64(total)) }
	outcome, err := job.Run(ctx)
	bar.Clear()
	return outcome, err
}

// once returns say without what it was called with before.
func once(say func(string)) func(string) {
	said := map[string]bool{}
	return func(text string) {
		if !said[text] {
			said[text] = true
			say(text)
		}
	}
}

// flagValues returns the configuration keys that have flags of their own.
func (e *evalCommand) flagValues(c *cobra.Command) map[string]any {
	values := e.dataFlags(c, e.data, "")
	changed := c.Flags().Changed
	if changed("batch") {
		values["eval.batch_size"] = e.batch
	}
	if changed("tta") {
		values["eval.tta"] = e.tta
	}
	if changed("crop-pct") {
		values["eval.crop_pct"] = e.cropPct
	}
	if changed("interpolation") {
		values["data.interpolation"] = e.interpolation
	}
	return values
}

// job returns what the flags and the configuration ask for; own says that the
// configuration is that of the first weights' run.
func (e *evalCommand) job(c *config.Resolved, own bool) (j evaluate.Job, err error) {
	crops := picture.Crops(e.crops)
	if err := crops.Validate(); err != nil {
		return j, fmt.Errorf("--crops: %w", err)
	}
	if err := atLeast1("input-size", e.inputSize); err != nil {
		return j, err
	}
	j, err = c.Evaluation(evaluate.Job{
		Weights: e.weights, Crops: crops, InputSize: e.inputSize, Given: e.data != "", Split: e.split,
		Match: labels.MatchOptions{ByOrder: e.byOrder}, Cluster: e.cluster,
		Note: func(text string) { e.note("%s", text) }, Warn: e.warn,
	}, own)
	if err != nil {
		return j, err
	}
	if j.Match.Map, err = readClassMap(e.classMap); err != nil {
		return j, err
	}
	j.Exclude, err = readExclusions(e.exclude)
	return j, err
}

// readExclusions reads the file of --exclude; without one there is no list.
func readExclusions(path string) (*evaluate.Exclude, error) {
	if path == "" {
		return nil, nil
	}
	if err := textfile.Check(path); err != nil {
		return nil, usageError{fmt.Errorf("--exclude: %w", err)}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("--exclude: %w", err)
	}
	defer f.Close()
	list, err := dataset.ReadExclusions(f)
	if err != nil {
		return nil, fmt.Errorf("--exclude %s: %w", path, err)
	}
	return &evaluate.Exclude{File: path, List: list}, nil
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
