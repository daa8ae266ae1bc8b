package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/evaluate"
	"github.com/inception-go/inception/internal/explain"
	"github.com/inception-go/inception/internal/labels"
	"github.com/inception-go/inception/internal/report"
	"github.com/inception-go/inception/internal/settings"
	"github.com/inception-go/inception/internal/shell"
	"github.com/spf13/cobra"
)

// explainCommand is `inception explain`.
type explainCommand struct {
	*session
	weights, out        string
	method, head, class string
	at                  []string
	patch, step         int
	batch, inputSize    int
	given               standardInput
}

func newExplain(s *session) *cobra.Command {
	e := &explainCommand{session: s}
	c := &cobra.Command{
		Use:   "explain --weights F IMAGE|DIR|URL|X.npy|- ... -o DIR",
		Short: "Show where in pictures a network finds a class",
		Long: `Write for each picture a heat map of what speaks for its most probable class, or for
--class: NAME.png with the map over the picture, NAME.METHOD.POINT.npy with the map
itself, [H,W] float32 of the point's grid, from 0 to 1. index.html shows all pictures
with their maps, their most probable classes and what speaks for one of the two first
against the other. With --at several times the maps stand side by side. An .npy holds
inputs that are preprocessed already, [N,3,H,W] float32; its rows have no overlay. - is
standard input, as for predict.`,
		Example: `  inception explain --weights runs/flowers5 rose.jpg -o explained
  inception explain --weights v3.safetensors photos/ --at Mixed_5d --at Mixed_7c --method layercam -o explained
  inception explain --weights v3.safetensors cat.jpg --class "tabby" --method occlusion -o explained`,
		Args: someArgs("pictures, folders or .npy files"),
		RunE: func(c *cobra.Command, args []string) error { return e.run(c, args) },
	}
	f := c.Flags()
	f.StringVarP(&e.weights, "weights", "w", "", "weight file or run folder")
	f.StringVarP(&e.out, "out", "o", "", "`folder` to write")
	f.StringVar(&e.method, "method", string(explain.GradCAM), settings.Choices(explain.Methods()))
	f.StringArrayVar(&e.at, "at", nil,
		fmt.Sprintf("module or layer whose map to make, such as Mixed_6e; repeatable (default: the last module that the "+
			"head sees on a grid of %[1]dx%[1]d or more)", explain.LeastGrid))
	f.StringVar(&e.class, "class", "", "class to explain by `name` or index (default: each picture's most probable one)")
	f.StringVar(&e.head, "head", mainHead,
		"head that answers: main, aux (the only or later auxiliary one), or an auxiliary head's name")
	f.IntVar(&e.patch, "patch", 0, "occlusion: side of the square in pixels of the input (default: an eighth of it)")
	f.IntVar(&e.step, "step", 0, "occlusion: pixels from one place of the square to the next (default: half the square)")
	f.IntVarP(&e.batch, "batch", "b", 8, "rows in one pass, also --batch-size; a picture takes two")
	f.IntVar(&e.inputSize, "input-size", 0, "use this size instead of the weights' own")
	_ = c.MarkFlagRequired("weights")
	reads(c, pictureKeys...)
	_ = c.MarkFlagRequired("out")
	return c
}

// mainHead is the --head of the network's own answer.
const mainHead = "main"

// explanation is what `explain --json` prints for a map.
type explanation struct {
	Image   string         `json:"image"`
	Class   evaluate.Class `json:"class"`
	Method  explain.Method `json:"method"`
	At      string         `json:"at"`
	Map     string         `json:"map"`
	Largest float64        `json:"largest"` // what 1 in the map stands for
}

func (e *explainCommand) run(c *cobra.Command, args []string) error {
	ctx := c.Context()
	o, err := e.options()
	if err != nil {
		return usageError{err}
	}
	w, m, err := e.loadWeights(e.weights)
	if err != nil {
		return err
	}
	if m.NoHead {
		return fmt.Errorf("%s: has no classifier, so there is no class to explain", e.weights)
	}
	question := explain.Most
	if c.Flags().Changed("class") {
		if question.Class, err = labels.Find(e.class, m.ClassNames()); err != nil {
			return usageError{fmt.Errorf("--class: %w", err)}
		}
	}
	if e.inputSize > 0 {
		m.Preprocess.Size = e.inputSize
	}
	o.Size, o.Grey, o.Apart = m.Preprocess.Size, m.Preprocess.Middle(), true
	if args, err = e.given.read(args, e.stdin); err != nil {
		return err
	}
	defer e.given.close()
	files, below, err := evaluate.FilesBelow(args)
	if err != nil {
		return err
	}
	if dir := evaluate.Around(e.out, args); dir != "" {
		// What reads that folder next would take the maps for pictures.
		return usageError{fmt.Errorf("--out: maps in %s would be taken for pictures of %s, which is explained, from then "+
			"on; name a folder outside it", e.out, dir)}
	}
	total, err := evaluate.Count(files, o.Size)
	if err != nil {
		return err
	}
	limits, err := e.pictureOptions()
	if err != nil {
		return err
	}
	explainer, err := explain.New(w, o)
	if err != nil {
		return misnamed(fmt.Errorf("%s: %w", e.weights, err))
	}
	defer explainer.Close() //nolint:errcheck // nothing is written through it
	to := &report.Explanations{
		Dir: e.out, Of: e.weights, Method: o.Method, Labels: m.ClassNames(), Inputs: files, Facts: []report.Fact{
			{"network", m.Spec.Variant + ", " + e.head + " head"},
			{"maps", e.method + " at " + strings.Join(explainer.Points(), ", ")},
			{"pictures", m.Preprocess.String()}, {"program", "inception " + version()},
		},
	}
	each := func(use func(explain.Result) error) error {
		return explainer.Files(ctx, files, limits.Decoder(), m.Preprocess, question, use)
	}
	return e.through(ctx, total, each, to, func(r explain.Result) error {
		return e.show(r, to, below[r.Path], m.ClassNames())
	})
}

// distinct leaves out what has come before.
func distinct(names []string) (once []string) {
	for _, name := range names {
		if !slices.Contains(once, name) {
			once = append(once, name)
		}
	}
	return once
}

// options checks the flags.
func (e *explainCommand) options() (o explain.Options, err error) {
	o = explain.Options{At: distinct(e.at), Batch: e.batch, Patch: e.patch, Step: e.step}
	if o.Method, err = explain.ParseMethod(e.method); err != nil {
		return o, fmt.Errorf("--method: %w", err)
	}
	if o.Head = e.head; e.head == mainHead {
		o.Head = ""
	}
	if o.Method == explain.Occlusion && len(e.at) > 0 {
		return o, fmt.Errorf("--at: occlusion has one map, of the picture itself")
	}
	if o.Method != explain.Occlusion && (e.patch != 0 || e.step != 0) {
		return o, fmt.Errorf("--patch and --step: are for --method occlusion")
	}
	if info, err := os.Stat(e.out); err == nil && !info.IsDir() || errors.Is(err, syscall.ENOTDIR) {
		return o, fmt.Errorf("--out: %s is a file or below one; name a folder to write the maps and their page to", e.out)
	}
	if e.batch < 1 {
		return o, fmt.Errorf("--batch: must be at least 1, is %d", e.batch)
	}
	return o, atLeast1("input-size", e.inputSize)
}

// through explains all files behind a progress bar and writes the page.
func (e *explainCommand) through(ctx context.Context, total int, each func(func(explain.Result) error) error,
	to *report.Explanations, use func(explain.Result) error) error {
	const few = 4
	count := e.countPictures(total, few, true)
	err := each(func(r explain.Result) error {
		if !count.add(r.Err, r.Damage) {
			return nil
		}
		return use(r)
	})
	count.bar.Clear()
	page, closeErr := to.Close() // also of what was explained before an error
	if err == nil {
		err = closeErr
	}
	if err != nil {
		return causeOf(ctx, err)
	}
	if page != "" {
		e.note("wrote %s", shell.Quote(page))
	}
	return count.missed()
}

// show writes the files of one picture and says what they show.
func (e *explainCommand) show(r explain.Result, to *report.Explanations, below string, names []string) error {
	if r.Path == e.given.picture {
		r.Path = "stdin" // which its files are called after
	}
	maps, err := to.Add(r, below)
	if err != nil {
		return err
	}
	class := evaluate.ClassOf(r.Logits, names, r.Class)
	if !e.json {
		e.print("%s: %s %.2f%%, %s\n", dataset.OneLine(r.Name()), dataset.OneLine(class.Label), 100*class.Prob,
			strings.Join(maps, ", "))
	}
	for i, m := range r.Maps {
		if m.Largest == 0 {
			e.warn(fmt.Sprintf("%s: nothing at %s speaks for %s", dataset.OneLine(r.Name()), m.At,
				dataset.OneLine(class.Label)))
		}
		if !e.json {
			continue
		}
		if err := e.printJSON(explanation{r.Name(), class, explain.Method(e.method), m.At, maps[i], m.Largest}); err != nil {
			return err
		}
	}
	return nil
}
