package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/inception-go/inception/internal/atomicfile"
	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/evaluate"
	"github.com/inception-go/inception/internal/explain"
	"github.com/inception-go/inception/internal/picture"
	"github.com/inception-go/inception/internal/report"
	"github.com/inception-go/inception/internal/shell"
	"github.com/spf13/pflag"
)

// evalFiles are the files that `inception eval` writes if they are named.
type evalFiles struct{ classes, confusion, predictions, page string }

func (f *evalFiles) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&f.classes, "csv", "", "write precision, recall and F1 of each class to this `file`")
	flags.StringVar(&f.confusion, "confusion", "", "write the confusion matrix to this CSV `file`")
	flags.StringVar(&f.predictions, "predictions", "", "write what was found for each image to this CSV `file`")
	flags.StringVar(&f.page, "report", "", "write an HTML `file`: confusion matrix, reliability, mistakes with maps")
}

// check refuses names that say other kinds of files.
func (f *evalFiles) check() error {
	return errors.Join(says("csv", f.classes, ".csv"), says("confusion", f.confusion, ".csv"),
		says("predictions", f.predictions, ".csv"), says("report", f.page, ".html"))
}

// write writes the files that have names.
func (f *evalFiles) write(e report.Evaluation, note func(string, ...any)) error {
	for _, file := range []struct {
		path  string
		write func(io.Writer) error
	}{
		{f.classes, e.WriteClasses},
		{f.confusion, e.WriteConfusion},
		{f.predictions, e.WritePredictions},
		{f.page, e.WritePage},
	} {
		if file.path == "" {
			continue
		}
		if err := atomicfile.Write(file.path, file.write); err != nil {
			return err
		}
		note("wrote %s", shell.Quote(file.path))
	}
	return nil
}

// evalReport is what `eval --json` prints.
type evalReport struct {
	Images         int                `json:"images"`
	Skipped        int                `json:"skipped"`
	Top1           float64            `json:"top1"`
	Top5           float64            `json:"top5"`
	Loss           float64            `json:"loss"`
	ImagesPerS     float64            `json:"images_per_s"`
	Preprocess     picture.Preprocess `json:"preprocess"` // of the first member
	Crops          int                `json:"crops"`
	TTA            string             `json:"tta"`         // mixed if members differ
	Precision      string             `json:"precision"`   // mixed if members differ
	WeightsMiB     float64            `json:"weights_mib"` // as the networks read them
	ActivationsMiB float64            `json:"activations_mib"`
	Excluded       int                `json:"excluded"`
	Damaged        int                `json:"damaged"` // of the images; used as far as they go
	Members        []memberReport     `json:"members"`
	ECE            float64            `json:"ece"`
	MacroF1        float64            `json:"macro_f1"`
	Balanced       float64            `json:"balanced_accuracy"`
	Classes        []classReport      `json:"classes,omitempty"`
	Confusion      [][]int            `json:"confusion,omitempty"`
	Reliability    []binReport        `json:"reliability,omitempty"`
}

type memberReport struct {
	Weights    string             `json:"weights"`
	Preprocess picture.Preprocess `json:"preprocess"`
	TTA        string             `json:"tta"`
	Precision  string             `json:"precision"`
}

type classReport struct {
	Label     string  `json:"label"`
	Images    int     `json:"images"`
	Predicted int     `json:"predicted"`
	Precision float64 `json:"precision"`
	Recall    float64 `json:"recall"`
	F1        float64 `json:"f1"`
}

type binReport struct {
	From       float64 `json:"from"`
	To         float64 `json:"to"`
	Images     int     `json:"images"`
	Confidence float64 `json:"confidence"`
	Accuracy   float64 `json:"accuracy"`
}

// show prints the result and writes the files asked for. Images that could
// not be read make the command fail after that.
func (e *evalCommand) show(ctx context.Context, o *evaluate.Outcome) error {
	e.warnOfImages(o)
	if e.json {
		if err := e.printJSON(e.report(o)); err != nil {
			return err
		}
	} else {
		e.print("%s  balanced accuracy %.2f%%  (%.*f images/s)\n",
			accuracy(o.Result), 100*o.BalancedAccuracy(), decimals(o.ImagesPerS), o.ImagesPerS)
		if e.perClass {
			e.printClasses(o.Result)
		}
	}
	if err := e.files.write(e.withMaps(ctx, report.Evaluation{Outcome: o, Version: version()}), e.note); err != nil {
		return err
	}
	return e.skipped(o)
}

// accuracy says in a line how well a network does; top-5 where that says anything.
func accuracy(r evaluate.Result) string {
	top5 := ""
	if report.TellsTop5(len(r.Labels)) {
		top5 = fmt.Sprintf("  top-5 %.2f%%", 100*r.Top5)
	}
	return fmt.Sprintf("images %d  top-1 %.2f%%%s  loss %.4f", r.Images, 100*r.Top1, top5, r.Loss)
}

// warnOfImages names the images that could not be read, or only in part.
func (e *evalCommand) warnOfImages(o *evaluate.Outcome) {
	for _, err := range o.Skipped {
		e.warn(err.Error())
	}
	for _, err := range o.Damaged {
		e.warn(asFarAsItGoes(err))
	}
	if n := len(o.Damaged); n > 0 {
		e.warn(fmt.Sprintf("%d of %d images are cut off or damaged (data.truncated)", n, o.Images))
	}
}

// skipped returns an error if images could not be read.
func (e *evalCommand) skipped(o *evaluate.Outcome) error {
	if n := len(o.Skipped); n > 0 {
		return fmt.Errorf("images that could not be read and are not counted: %d of %d; %s dataset verify names all of a "+
			"dataset", n, o.Images+n, program())
	}
	return nil
}

// compare prints the results of several precisions side by side.
func (e *evalCommand) compare(outcomes []*evaluate.Outcome) error {
	e.warnOfImages(outcomes[0]) // the others are of the same images
	var reports []evalReport
	for _, o := range outcomes {
		reports = append(reports, e.report(o))
	}
	if e.json {
		if err := e.printJSON(reports); err != nil {
			return err
		}
	} else {
		e.print("images %d\n%-10s %8s %8s %8s %10s %14s %18s\n", outcomes[0].Images,
			"precision", "top-1", "top-5", "loss", "images/s", "weights, MiB", "activations, MiB")
		for _, r := range reports {
			e.print("%-10s %7.2f%% %7.2f%% %8.4f %10.*f %14.1f %18.1f\n", r.Precision, 100*r.Top1, 100*r.Top5, r.Loss,
				decimals(r.ImagesPerS), r.ImagesPerS, r.WeightsMiB, r.ActivationsMiB)
		}
	}
	return e.skipped(outcomes[0])
}

// withMaps adds maps of the mistakes if a page is to show them.
func (e *evalCommand) withMaps(ctx context.Context, r report.Evaluation) report.Evaluation {
	if e.files.page == "" {
		return r
	}
	wrong := r.Mistakes()
	maps, err := explain.Mistakes(ctx, r.Outcome, wrong[:min(report.PageMistakes, len(wrong))])
	if err != nil {
		e.warn(fmt.Sprintf("the report has no maps of the mistakes: %v", err))
	}
	r.Maps = maps
	return r
}

// decimals is how many decimals a speed needs.
func decimals(speed float64) int {
	if speed < 10 {
		return 2
	}
	return 0
}

func (e *evalCommand) report(o *evaluate.Outcome) evalReport {
	r := evalReport{
		Images: o.Images, Skipped: len(o.Skipped), Damaged: len(o.Damaged), Excluded: o.Excluded,
		Top1: o.Top1, Top5: o.Top5, Loss: o.Loss, ImagesPerS: o.ImagesPerS,
		Preprocess: o.Members[0].Metadata.Preprocess, Crops: e.crops,
		TTA: o.TTA(), Precision: o.Precision(),
		WeightsMiB: float64(o.Weights) / (1 << 20), ActivationsMiB: float64(o.Activations) / (1 << 20),
		ECE: o.ECE, MacroF1: o.MacroAverage().F1, Balanced: o.BalancedAccuracy(),
	}
	for _, m := range o.Members {
		r.Members = append(r.Members, memberReport{m.Path, m.Metadata.Preprocess, m.TTA(), m.Precision.String()})
	}
	if !e.perClass {
		return r
	}
	r.Confusion = o.Confusion
	r.Classes = classReports(o.Result)
	for _, b := range o.Reliability {
		r.Reliability = append(r.Reliability, binReport(b))
	}
	return r
}

func classReports(r evaluate.Result) (all []classReport) {
	for i, s := range r.PerClass() {
		all = append(all, classReport{r.Labels[i], s.Images, s.Predicted, s.Precision, s.Recall, s.F1})
	}
	return all
}

// printClasses prints the classes that have images or were predicted.
func (s *session) printClasses(r evaluate.Result) {
	s.print("\n%-24s %8s %10s %8s %8s\n", "class", "images", "precision", "recall", "F1")
	share := func(v float64, of int) string {
		if of == 0 {
			return "-"
		}
		return fmt.Sprintf("%.1f%%", 100*v)
	}
	row := func(name string, c evaluate.ClassScore) {
		s.print("%-24s %8d %10s %8s %7.1f%%\n", name, c.Images, share(c.Precision, c.Predicted), share(c.Recall, c.Images),
			100*c.F1)
	}
	for i, c := range r.PerClass() {
		if c.Images+c.Predicted > 0 {
			row(dataset.OneLine(r.Labels[i]), c)
		}
	}
	row("macro average", r.MacroAverage())
	s.print("\nexpected calibration error %.2f%%\n%-16s %8s %11s %9s\n",
		100*r.ECE, "probability", "images", "mean", "accuracy")
	for _, b := range r.Reliability {
		if b.Images > 0 {
			s.print("%5.1f%% to %5.1f%% %8d %10.1f%% %8.1f%%\n",
				100*b.From, 100*b.To, b.Images, 100*b.Confidence, 100*b.Accuracy)
		}
	}
}
