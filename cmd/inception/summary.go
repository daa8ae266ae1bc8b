package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/inception-go/inception/internal/atomicfile"
	"github.com/inception-go/inception/internal/figure"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/shell"
	"github.com/inception-go/inception/internal/weights"
	"github.com/spf13/cobra"
)

// summaryCommand is `inception summary`.
type summaryCommand struct {
	*session
	variant, weights string
	layers, memory   bool
	svg              string
	batch            int
}

func newSummary(s *session) *cobra.Command {
	m := &summaryCommand{session: s}
	c := &cobra.Command{
		Use:     "summary [--variant V | --config F | --weights F]",
		Aliases: []string{"info"},
		Short:   "Show a network's modules, parameters and multiply-adds",
		Long: `Print a table of the network's modules, or with --layers of its layers: grid sizes,
channels, parameters, multiply-adds and their share. A warning says where the
structure departs from one of the four design principles of the paper's section 2.`,
		Example: `  inception summary --variant v3
  inception summary --variant v2 --layers --svg v2.svg
  inception summary --config v3 --set model.grid_reduction=pool_first
  inception summary --config flowers5 --memory --batch 32`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error { return m.run() },
	}
	f := c.Flags()
	f.StringVar(&m.variant, "variant", "", "network: "+strings.Join(model.Variants(), ", "))
	f.StringVarP(&m.weights, "weights", "w", "", "weight file or run folder")
	f.BoolVar(&m.layers, "layers", false, "list every layer")
	f.StringVar(&m.svg, "svg", "", "also draw the network to this `file`")
	f.BoolVar(&m.memory, "memory", false, "also plan the memory of evaluation and training")
	f.IntVarP(&m.batch, "batch", "b", 1, "images in one pass, for --memory; also --batch-size")
	reads(c, "model.", "train.precision")
	return c
}

// summaryReport is what `summary --json` prints.
type summaryReport struct {
	Variant       string          `json:"variant"`
	Input         [3]int          `json:"input"`
	Params        int             `json:"params"`
	ParamsWithAux int             `json:"params_with_aux"`
	MACs          int64           `json:"macs"`
	Layers        []layerReport   `json:"layers"`
	Modules       []moduleReport  `json:"modules"`
	Warnings      []model.Warning `json:"warnings"`
	Memory        *memoryReport   `json:"memory,omitempty"`
	spec          model.Spec
}

type moduleReport struct {
	Name   string `json:"name"`
	Layers int    `json:"layers"`
	Output [3]int `json:"output"`
	Params int    `json:"params"`
	MACs   int64  `json:"macs"`
	aux    bool
}

type layerReport struct {
	Name   string `json:"name"`
	Op     string `json:"op"`
	Output [3]int `json:"output"`
	Params int    `json:"params"`
	MACs   int64  `json:"macs"`
	aux    bool
}

// memoryReport holds the bytes of the activations' arena, weights left out.
type memoryReport struct {
	Batch         int   `json:"batch"`
	Eval          int64 `json:"eval"`
	EvalUnshared  int64 `json:"eval_unshared"` // if no buffer's memory were used again
	Train         int64 `json:"train"`
	TrainUnshared int64 `json:"train_unshared"`
}

func (m *summaryCommand) run() error {
	if m.svg != "" && !strings.EqualFold(filepath.Ext(m.svg), ".svg") {
		return usageError{fmt.Errorf("--svg: draws SVG, so the file's name ends in .svg, not %q", filepath.Ext(m.svg))}
	}
	spec, precision, err := m.spec()
	if err != nil {
		return err
	}
	layers, err := model.Layers(spec)
	if err != nil {
		return usageError{err}
	}
	r := summaryReport{
		Variant: spec.Variant, Input: [3]int{3, spec.InputSize, spec.InputSize}, spec: spec,
		Params: model.Params(layers, false), ParamsWithAux: model.Params(layers, true), MACs: model.MACs(layers),
	}
	for i := range layers {
		l := &layers[i]
		r.Layers = append(r.Layers, layerReport{l.Name, string(l.Op), l.Output, l.ParamCount(), l.MACs, l.Aux})
	}
	for _, module := range model.Modules(layers) {
		r.Modules = append(r.Modules, moduleReport{
			module.Name, len(module.Layers), module.Output, module.Params, module.MACs, module.Aux,
		})
	}
	warnings, err := model.Principles(spec)
	if err != nil {
		return err
	}
	r.Warnings = append([]model.Warning{}, warnings...) // an empty list rather than null
	if m.svg != "" {
		err := atomicfile.Write(m.svg, func(w io.Writer) error {
			return figure.WriteNetwork(w, r.headline(), spec.InputSize, layers)
		})
		if err != nil {
			return err
		}
		m.note("wrote %s", shell.Quote(m.svg))
	}
	if m.memory {
		if r.Memory, err = planMemory(spec, m.batch, precision); err != nil {
			return err
		}
	}
	if m.json {
		return m.printJSON(r)
	}
	m.table(r)
	return nil
}

// spec returns the structure that the flags name and the precision of its training.
func (m *summaryCommand) spec() (model.Spec, model.Precision, error) {
	if m.weights != "" {
		if m.variant != "" || m.config != "" || len(m.set) > 0 {
			return model.Spec{}, model.FP32, usageError{
				errors.New("--weights says what the network is; leave --variant, --config and --set out"),
			}
		}
		_, metadata, err := weights.Load(m.weights)
		return metadata.Network(), model.FP32, err
	}
	values := map[string]any{}
	if m.variant != "" {
		if m.config != "" {
			return model.Spec{}, model.FP32, usageError{
				errors.New("--variant and --config both name a network; give one of them"),
			}
		}
		values["model.variant"] = m.variant
	}
	c, err := m.load("", values)
	if err != nil {
		return model.Spec{}, model.FP32, err
	}
	precision, err := model.ParsePrecision(c.Train.Precision, true)
	return c.Network(), precision, err
}

// planMemory says what memory the network would take for both uses, in training
// with that precision.
func planMemory(spec model.Spec, batch int, precision model.Precision) (*memoryReport, error) {
	eval, err := model.PlannedMemory(spec, batch, model.Eval, model.FP32)
	if err != nil {
		return nil, usageError{err}
	}
	train, err := model.PlannedMemory(spec, batch, model.Train, precision)
	if err != nil {
		return nil, usageError{err}
	}
	return &memoryReport{
		Batch: batch,
		Eval:  eval.Bytes, EvalUnshared: eval.Unshared,
		Train: train.Bytes, TrainUnshared: train.Unshared,
	}, nil
}

// headline says in a line what the network is.
func (r *summaryReport) headline() string {
	return fmt.Sprintf("%s, %dx%d, %d classes: %.2f M parameters, %.3f GMAC",
		r.Variant, r.Input[1], r.Input[2], r.spec.Classes, float64(r.Params)/1e6, float64(r.MACs)/1e9)
}

func (m *summaryCommand) table(r summaryReport) {
	if m.layers {
		m.layerTable(r)
	} else {
		m.moduleTable(r)
	}
	m.print("\n%s, input %dx%d, %d classes\n", r.Variant, r.Input[1], r.Input[2], r.spec.Classes)
	m.print("parameters %s, with auxiliary heads %s\n", thousands(int64(r.Params)), thousands(int64(r.ParamsWithAux)))
	m.print("%.3f GMAC for one image, %s multiply-adds\n", float64(r.MACs)/1e9, thousands(r.MACs))
	if r.Memory != nil {
		m.print("activations of a batch of %d: evaluation %s (%s without sharing), training %s (%s)\n", r.Memory.Batch,
			mebibytes(r.Memory.Eval), mebibytes(r.Memory.EvalUnshared),
			mebibytes(r.Memory.Train), mebibytes(r.Memory.TrainUnshared))
	}
	for _, w := range r.Warnings {
		m.print("warning: %s\n", w)
	}
}

func (m *summaryCommand) moduleTable(r summaryReport) {
	m.print("%-20s %6s %12s %9s %12s %7s %16s %7s\n",
		"module", "layers", "grid", "channels", "parameters", "share", "multiply-adds", "share")
	for _, l := range r.Modules {
		params, macs := share(int64(l.Params), int64(r.Params)), share(l.MACs, r.MACs)
		if l.aux {
			params, macs = "aux", "aux"
		}
		m.print("%-20s %6d %12s %9d %12s %7s %16s %7s\n",
			l.Name, l.Layers, fmt.Sprintf("%dx%d", l.Output[1], l.Output[2]), l.Output[0],
			orBlank(int64(l.Params)), params, orBlank(l.MACs), macs)
	}
}

func (m *summaryCommand) layerTable(r summaryReport) {
	m.print("%-40s %-16s %-16s %12s %16s %7s\n", "layer", "operation", "output", "parameters", "multiply-adds", "share")
	for _, l := range r.Layers {
		macs := share(l.MACs, r.MACs)
		if l.aux && l.MACs > 0 {
			macs = "aux"
		}
		m.print("%-40s %-16s %-16s %12s %16s %7s\n",
			l.Name, l.Op, fmt.Sprintf("%dx%dx%d", l.Output[0], l.Output[1], l.Output[2]),
			orBlank(int64(l.Params)), orBlank(l.MACs), macs)
	}
}

// share writes n as a part of total; nothing for 0.
func share(n, total int64) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f%%", 100*float64(n)/float64(total))
}

func mebibytes(n int64) string {
	size := float64(n) / (1 << 20)
	if size < 10 {
		return fmt.Sprintf("%.1f MiB", size)
	}
	return fmt.Sprintf("%.0f MiB", size)
}

func orBlank(n int64) string {
	if n == 0 {
		return ""
	}
	return thousands(n)
}

// thousands writes 23834568 as 23,834,568.
func thousands(n int64) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
