package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/inception-go/inception/internal/console"
	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/evaluate"
	"github.com/inception-go/inception/internal/labels"
	"github.com/inception-go/inception/internal/quantize"
	"github.com/inception-go/inception/internal/settings"
	"github.com/inception-go/inception/internal/shell"
	"github.com/inception-go/inception/internal/weights"
	"github.com/spf13/cobra"
)

// quantizeCommand is `inception quantize`.
type quantizeCommand struct {
	*session
	evaluate.Quantization
	data, out, classMap string
}

func newQuantize(s *session) *cobra.Command {
	q := &quantizeCommand{session: s}
	c := &cobra.Command{
		Use:     "quantize --weights F --data SPEC -o F8.safetensors",
		Aliases: []string{"quantise"},
		Short:   "Make int8 weights, which run about four times as fast",
		Long: `Round trained weights and activations to int8. Some images of the data's part train
show how large the activations are; another part measures float32 beside int8. Where
the data has one part, some of it calibrates and the rest is measured.

The file works with eval, predict, features and export --format onnx; training needs
the float32 weights.`,
		Example: `  inception quantize --weights runs/flowers5 --data photos -o flowers8.safetensors
  inception quantize --weights v3.safetensors --data imagenet --keep Conv2d_1a_3x3 -o v3-int8.safetensors`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return q.run(c) },
	}
	f := c.Flags()
	f.StringVarP(&q.Weights, "weights", "w", "", "weight `file` or run folder")
	f.StringVar(&q.data, "data", "", "images: a folder, or one of "+dataset.Specs())
	f.IntVar(&q.Images, "images", evaluate.DefaultCalibration, "images to calibrate on")
	f.StringVar(&q.Range, "range", quantize.Auto, "range of activations: "+settings.Choices(quantize.Ranges()))
	f.StringSliceVar(&q.Keep, "keep", nil,
		"`layers` that stay float32, by the beginnings of their names, such as Mixed_7c")
	f.StringVarP(&q.out, "out", "o", "", "weight `file` to write")
	f.StringVar(&q.classMap, "class-map", "", "`file` of lines, each a class folder, a tab and a label")
	f.BoolVar(&q.Match.ByOrder, "classes-by-order", false, "match class folders to labels by their order")
	for _, name := range []string{"weights", "data", "out"} {
		_ = c.MarkFlagRequired(name)
	}
	c.MarkFlagsMutuallyExclusive("class-map", "classes-by-order")
	reads(c, pictureKeys...)
	return c
}

func (q *quantizeCommand) run(c *cobra.Command) (err error) {
	if err := saysWeights("quantize", q.out); err != nil {
		return err
	}
	if q.Images < 1 {
		return usageError{fmt.Errorf("--images: must be at least 1, is %d", q.Images)}
	}
	if err := noClobber("out", q.out, q.Weights); err != nil {
		return err
	}
	if err := settings.OneOf("--range", q.Range, quantize.Ranges()); err != nil {
		return usageError{err}
	}
	q.Match = labels.MatchOptions{ByOrder: q.Match.ByOrder}
	if q.Match.Map, err = readClassMap(q.classMap); err != nil {
		return err
	}
	if q.Data, err = q.pictureOptions(); err != nil {
		return err
	}
	q.Data.Train = q.data
	q.Options = evaluate.DefaultOptions()
	if err := q.writable(q.out); err != nil {
		return err
	}
	bar := q.bar("quantize", console.Images)
	q.Progress = func(done, total int) { bar.Set(int64(done), int64(total)) }
	q.Note, q.Warn = func(text string) { q.note("%s", text) }, q.warn
	made, err := q.Run(c.Context())
	bar.Clear()
	if errors.As(err, &evaluate.CallError{}) {
		err = usageError{err}
	}
	if err != nil {
		return err
	}
	made.Metadata.Version = version()
	if err := weights.Save(q.out, made.Weights, made.Metadata); err != nil {
		return err
	}
	return q.show(made)
}

// quantizeReport is what `quantize --json` prints.
type quantizeReport struct {
	Out         string  `json:"out"`
	Bytes       int64   `json:"bytes"`
	FP32Bytes   int64   `json:"fp32_bytes,omitempty"` // of the weights it is made of; 0 for a run folder
	Calibration string  `json:"calibration"`
	Measured    string  `json:"measured,omitempty"`
	FP32        *scores `json:"fp32,omitempty"`
	Int8        *scores `json:"int8,omitempty"`
	Changed     float64 `json:"changed,omitempty"` // share of predictions
	*quantize.Report
}

// scores are how well and fast one precision does.
type scores struct {
	Top1       float64 `json:"top1"`
	Top5       float64 `json:"top5"`
	Loss       float64 `json:"loss"`
	ImagesPerS float64 `json:"images_per_s"`
}

func scoresOf(r evaluate.Result) *scores { return &scores{r.Top1, r.Top5, r.Loss, r.ImagesPerS} }

func (q *quantizeCommand) show(made *evaluate.Quantized) error {
	r := quantizeReport{Out: q.out, Bytes: sizeOf(q.out), FP32Bytes: sizeOf(q.Weights), Calibration: made.Calibration,
		Measured: made.Measured, Report: made.Report}
	if made.Measured != "" {
		r.FP32, r.Int8, r.Changed = scoresOf(made.Before), scoresOf(made.After), made.Changed
	}
	if q.json {
		return q.printJSON(r)
	}
	q.print("calibrated on %s\n", r.Calibration)
	for _, t := range r.Tried {
		q.print("range %-10s logits' signal to noise %.1f dB\n", t.Range, t.Logits)
	}
	q.print("ranges by %s; in float32: %d convolutions and the classifier\n\n", r.Range, len(r.Kept))
	q.print("%-28s %-10s %10s %10s %16s\n", "layer", "", "range", "seen", "signal to noise")
	for _, l := range r.Layers {
		q.print("%-28s %-10s %10.4g %10.4g %13.1f dB\n", l.Name, l.Op, l.Range, l.Seen, l.SNR)
	}
	q.print("%-28s %-10s %10s %10s %13.1f dB\n", "logits", "", "", "", r.Logits)
	if r.FP32 != nil {
		q.print("\nmeasured on %s\n%-10s %8s %8s %8s %10s\n", r.Measured, "", "top-1", "top-5", "loss", "images/s")
		for _, side := range []struct {
			name string
			*scores
		}{{"float32", r.FP32}, {"int8", r.Int8}} {
			q.print("%-10s %7.2f%% %7.2f%% %8.4f %10.*f\n", side.name, 100*side.Top1, 100*side.Top5, side.Loss,
				decimals(side.ImagesPerS), side.ImagesPerS)
		}
		q.print("%.2f%% of the predictions changed\n", 100*r.Changed)
	}
	q.note("wrote %s, %.1f MiB\nnext: %s eval --weights %s --data %s", shell.Quote(q.out),
		float64(r.Bytes)/(1<<20), program(), shell.Quote(q.out), shell.Quote(q.data))
	return nil
}

// sizeOf returns the bytes of a file, 0 of a folder.
func sizeOf(path string) int64 {
	info, err := os.Stat(path)
	if err != nil || info.IsDir() {
		return 0
	}
	return info.Size()
}
