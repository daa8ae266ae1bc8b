package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/inception-go/inception/internal/atomicfile"
	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/evaluate"
	"github.com/inception-go/inception/internal/labels"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/npy"
	"github.com/inception-go/inception/internal/report"
	"github.com/inception-go/inception/internal/shell"
	"github.com/inception-go/inception/internal/textfile"
	"github.com/inception-go/inception/internal/weights"
	"github.com/spf13/cobra"
)

// predictCommand is `inception predict` and `inception features`.
type predictCommand struct {
	*session
	weights, labels string
	logits, csv     string // predict: .npy and .csv to write
	features, layer string // features: .npy to write, end point
	top, batch      int
	inputSize       int
	precision       precisionFlags
	given           standardInput
	arithmetic      model.Precision // that they ask for
}

// addFlags adds the flags that both commands have.
func (p *predictCommand) addFlags(c *cobra.Command) {
	f := c.Flags()
	f.StringVarP(&p.weights, "weights", "w", "", "weight file or run folder")
	f.IntVarP(&p.batch, "batch", "b", 0, "images in one pass, also --batch-size (default: as many as are given, up to 8)")
	f.IntVar(&p.inputSize, "input-size", 0, "use this size instead of the weights' own")
	p.precision.addFlags(f, false)
	_ = c.MarkFlagRequired("weights")
	reads(c, pictureKeys...)
}

func newPredict(s *session) *cobra.Command {
	p := &predictCommand{session: s}
	c := &cobra.Command{
		Use:     "predict --weights F IMAGE|DIR|URL|X.npy|- ...",
		Aliases: []string{"infer"},
		Short:   "Name what pictures show",
		Long: `Print the most probable classes of each picture; of a folder, of all pictures below
it in the order of their names. Patterns such as 'photos/*.jpg' and addresses that begin
with http:// or https:// name pictures too; - is standard input: a picture, or a list of
pictures, one on a line. An .npy holds inputs that are preprocessed already,
[N,3,H,W] float32, and goes to the network as it is. Pictures that cannot be read are
named and skipped, and the exit status is 1 then.`,
		Example: `  inception predict --weights runs/flowers5 rose.jpg photos/
  inception predict --weights runs/flowers5 photos/ --csv found.csv --top 1
  find photos -name '*.jpg' | inception predict --weights runs/flowers5 -
  inception predict --weights v3.safetensors x.npy --logits logits.npy --json`,
		Args: someArgs("pictures, folders or .npy files"),
		RunE: func(c *cobra.Command, args []string) error { return p.predict(c.Context(), args) },
	}
	p.addFlags(c)
	f := c.Flags()
	f.IntVarP(&p.top, "top", "k", 5, "classes to print of each picture")
	f.StringVar(&p.labels, "labels", "", "`file` with a label a line, instead of the weights' own")
	f.StringVar(&p.csv, "csv", "", "write the classes to this CSV `file`, - for standard output: "+
		"image,rank,index,label,probability")
	f.StringVar(&p.logits, "logits", "", "also write all logits to this .npy, [N,classes]")
	return c
}

func newFeatures(s *session) *cobra.Command {
	p := &predictCommand{session: s}
	c := &cobra.Command{
		Use:   "features --weights F IMAGE|DIR|X.npy ... -o OUT.npy",
		Short: "Write what a network sees in pictures: pooled features, or any layer's output",
		Long: `Write an array with a row for each picture, float32 in C order: [N,features] of the
pooled features, or [N,C,H,W] of a layer. Layers are modules such as Mixed_6e and all that
inception summary lists; the layer input is the preprocessed picture itself, in the form in
which predict takes it as an .npy. Rows are in the order of the arguments, and of the names
in a folder; --json prints which is which. Pictures that cannot be read are named and have
no row, and the exit status is 1 then.`,
		Example: `  inception features --weights v3.safetensors photos/ -o features.npy
  inception features --weights v3.safetensors cat.jpg --layer Mixed_6e -o maps.npy
  inception features --weights v3.safetensors photos/ --layer input -o inputs.npy`,
		Args: someArgs("pictures, folders or .npy files"),
		RunE: func(c *cobra.Command, args []string) error { return p.extract(c.Context(), args) },
	}
	p.addFlags(c)
	f := c.Flags()
	f.StringVarP(&p.features, "out", "o", "", ".npy to write: [N,features], or [N,C,H,W] with --layer")
	f.StringVar(&p.layer, "layer", "",
		"layer whose output to write, such as Mixed_6e or input, instead of the pooled features")
	_ = c.MarkFlagRequired("out")
	return c
}

// prediction is what `predict --json` prints for an image.
type prediction struct {
	Image   string           `json:"image"`
	Classes []evaluate.Class `json:"classes"`
}

// standardOutput is what names standard output in place of a file.
const standardOutput = "-"

func (p *predictCommand) predict(ctx context.Context, args []string) error {
	if p.top < 1 {
		return usageError{fmt.Errorf("--top: must be at least 1, is %d", p.top)}
	}
	if p.csv == standardOutput && p.json {
		return usageError{errors.New("--csv -: is for standard output, and so is --json; give one of them")}
	}
	files, err := p.inputs(args, "logits", p.logits)
	if err != nil {
		return err
	}
	defer p.given.close()
	if p.csv != standardOutput {
		if err := noClobberAny("csv", p.csv, append(files, p.weights)); err != nil {
			return err
		}
		if err := says("csv", p.csv, ".csv"); err != nil {
			return err
		}
		if err := p.writable(p.csv); err != nil {
			return err
		}
	}
	w, m, err := p.loadWeights(p.weights)
	if err != nil {
		return err
	}
	if m.NoHead {
		return fmt.Errorf("%s: has no classifier; inception features gives what it sees", p.weights)
	}
	labels, err := p.labelsOf(m)
	if err != nil {
		return err
	}
	table := report.Predictions{}
	err = p.each(ctx, w, m, files, p.logits, func(out evaluate.Output, rows *npy.Rows) error {
		if rows != nil {
			if err := rows.Add(out.Logits, len(out.Logits)); err != nil {
				return err
			}
		}
		name := p.shown(out.Name)
		top := evaluate.Top(out.Logits, labels, p.top)
		table.Add(name, top)
		switch {
		case p.json:
			return p.printJSON(prediction{name, top})
		case p.csv != "":
			return nil
		}
		p.print("%s\n", dataset.OneLine(name))
		for _, c := range top {
			p.print("  %6.2f%%  %s\n", 100*c.Prob, dataset.OneLine(c.Label))
		}
		return nil
	})
	if p.csv == "" || err != nil && !errors.As(err, &unreadError{}) {
		return err
	}
	if p.csv == standardOutput {
		return errors.Join(table.WriteCSV(p.stdout), err)
	}
	if writeErr := atomicfile.Write(p.csv, table.WriteCSV); writeErr != nil {
		return writeErr
	}
	p.note("wrote %s", shell.Quote(p.csv))
	return err
}

// labelsOf returns the labels of --labels or the weights' own.
func (p *predictCommand) labelsOf(m weights.Metadata) ([]string, error) {
	if p.labels == "" {
		return m.Labels, nil
	}
	text, err := textfile.Read(p.labels, 64<<20, "a list of labels")
	if err != nil {
		return nil, usageError{fmt.Errorf("--labels: %w", err)}
	}
	lines := labels.Lines(text)
	if len(lines) != m.Spec.Classes {
		return nil, usageError{fmt.Errorf("--labels %s: has %d lines, the network %d classes",
			p.labels, len(lines), m.Spec.Classes)}
	}
	return lines, nil
}

func (p *predictCommand) extract(ctx context.Context, args []string) error {
	files, err := p.inputs(args, "out", p.features)
	if err != nil {
		return err
	}
	defer p.given.close()
	w, m, err := p.loadWeights(p.weights)
	if err != nil {
		return err
	}
	n := 0
	return p.each(ctx, w, m, files, p.features, func(out evaluate.Output, rows *npy.Rows) error {
		if p.json {
			if err := p.printJSON(map[string]any{"image": p.shown(out.Name), "row": n}); err != nil {
				return err
			}
		}
		n++
		return rows.Add(out.Features, out.Shape...)
	})
}

// inputs checks the flags and lists the pictures and arrays that args name. The
// file that flag names must be none of them.
func (p *predictCommand) inputs(args []string, flag, file string) (files []string, err error) {
	if p.arithmetic, err = p.precision.value(); err != nil {
		return nil, err
	}
	if err := cmp.Or(atLeast1("batch", p.batch), atLeast1("input-size", p.inputSize)); err != nil {
		return nil, err
	}
	if err := says(flag, file, ".npy"); err != nil {
		return nil, err
	}
	if args, err = p.given.read(args, p.stdin); err != nil {
		return nil, err
	}
	if files, err = evaluate.Files(args); err == nil {
		err = cmp.Or(noClobberAny(flag, file, append(files, p.weights)), p.writable(file))
	}
	if err != nil {
		p.given.close()
	}
	return files, err
}

// shown is what people call a file: - where its picture came from standard
// input.
func (p *predictCommand) shown(name string) string {
	if p.given.picture != "" && name == p.given.picture {
		return "-"
	}
	return name
}

// each calls use for every picture of files that can be read, and writes the
// rows that it adds to the file to, unless that is "". If some pictures cannot
// be read, it fails in the end.
func (p *predictCommand) each(
	ctx context.Context, w *model.Weights, m weights.Metadata, files []string, to string,
	use func(evaluate.Output, *npy.Rows) error,
) error {
	predictor, total, err := p.predictor(w, m, files)
	if err != nil {
		return err
	}
	defer predictor.Close()
	var rows *npy.Rows
	if to != "" && p.cluster.Rank() == 0 {
		if rows, err = npy.NewRows(to); err != nil {
			return err
		}
		defer rows.Close()
	}
	const few = 16
	count := p.countPictures(total, few, p.features == "" || p.json)
	err = predictor.Run(ctx, files, func(out evaluate.Output) error {
		if !count.add(p.renamed(out.Err, out.Name), p.renamed(out.Damage, out.Name)) {
			return nil
		}
		return use(out, rows)
	})
	count.bar.Clear()
	if err != nil {
		return causeOf(ctx, err)
	}
	if rows != nil && len(rows.Shape) > 0 {
		if err := rows.Write(); err != nil {
			return err
		}
		p.note("wrote %s, %v", shell.Quote(to), rows.Shape)
	}
	return count.missed()
}

// predictor returns what runs the network on files, and how many inputs they hold.
func (p *predictCommand) predictor(
	w *model.Weights, m weights.Metadata, files []string,
) (predictor *evaluate.Predictor, total int, err error) {
	limits, err := p.pictureOptions()
	if err != nil {
		return nil, 0, err
	}
	o := evaluate.PredictOptions{Layer: p.layer, Decoder: limits.Decoder(), RunOptions: evaluate.RunOptions{
		Options: evaluate.DefaultOptions(), Preprocess: m.Preprocess, Precision: p.arithmetic,
		Cluster: p.cluster,
	}}
	if p.inputSize > 0 {
		o.Preprocess.Size = p.inputSize
	}
	if total, err = evaluate.Count(files, o.Preprocess.Size); err != nil {
		return nil, 0, err
	}
	const most = 8
	o.BatchSize = max(1, min(total, most))
	if p.batch > 0 {
		o.BatchSize = p.batch
	}
	predictor, err = evaluate.NewPredictor(w, o)
	return predictor, total, misnamed(err)
}

// renamed returns an error about a file that calls it what people do.
func (p *predictCommand) renamed(err error, name string) error {
	if shown := p.shown(name); err != nil && shown != name {
		return errors.New(strings.ReplaceAll(err.Error(), name, shown))
	}
	return err
}
