package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/weights"
	"github.com/spf13/cobra"
)

// summaryCommand is `inception summary`.
type summaryCommand struct {
	*session
	variant, weights string
	memory           bool
	batch            int
}

func newSummary(s *session) *cobra.Command {
	m := &summaryCommand{session: s}
	c := &cobra.Command{
		Use:     "summary [--variant V | --config F | --weights F]",
		Aliases: []string{"info"},
		Short:   "Show a network's layers, parameters and multiply-adds",
		Example: `  inception summary --variant v3
  inception summary --config flowers5 --memory --batch 32`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return m.run() },
	}
	f := c.Flags()
	f.StringVar(&m.variant, "variant", "", "network: "+strings.Join(model.Variants(), ", "))
	f.StringVarP(&m.weights, "weights", "w", "", "weight file or run folder")
	f.BoolVar(&m.memory, "memory", false, "also plan the memory of evaluation and training")
	f.IntVarP(&m.batch, "batch", "b", 1, "images in one pass, for --memory; also --batch-size")
	return c
}

// summaryReport is what `summary --json` prints.
type summaryReport struct {
	Variant       string        `json:"variant"`
	Input         [3]int        `json:"input"`
	Params        int           `json:"params"`
	ParamsWithAux int           `json:"params_with_aux"`
	MACs          int64         `json:"macs"`
	Layers        []layerReport `json:"layers"`
	Memory        *memoryReport `json:"memory,omitempty"`
	spec          model.Spec
}

type layerReport struct {
	Name   string `json:"name"`
	Op     string `json:"op"`
	Output [3]int `json:"output"`
	Params int    `json:"params"`
	MACs   int64  `json:"macs"`
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
	spec, err := m.spec()
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
		r.Layers = append(r.Layers, layerReport{l.Name, l.Op, l.Output, l.ParamCount(), l.MACs})
	}
	if m.memory {
		if r.Memory, err = planMemory(spec, m.batch); err != nil {
			return err
		}
	}
	if m.json {
		return m.printJSON(r)
	}
	m.table(r)
	return nil
}

// spec returns the structure that the flags name; 1000 classes where the data
// would say how many.
func (m *summaryCommand) spec() (model.Spec, error) {
	if m.weights != "" {
		if m.variant != "" || m.config != "" {
			return model.Spec{}, usageError{errors.New("--weights says what the network is; leave --variant and --config out")}
		}
		_, metadata, err := weights.Load(m.weights)
		return metadata.Spec, err
	}
	values := map[string]any{}
	if m.variant != "" {
		if m.config != "" {
			return model.Spec{}, usageError{errors.New("--variant and --config both name a network; give one of them")}
		}
		values["model.variant"] = m.variant
	}
	c, err := m.load("", values)
	if err != nil {
		return model.Spec{}, err
	}
	if c.Model.Classes == 0 {
		c.Model.Classes = 1000
	}
	return c.Model, nil
}

// planMemory builds both networks to see what memory they would take.
func planMemory(spec model.Spec, batch int) (*memoryReport, error) {
	w, err := model.ZeroWeights(spec)
	if err != nil {
		return nil, err
	}
	r := &memoryReport{Batch: batch}
	for _, mode := range []struct {
		mode            model.Mode
		bytes, unshared *int64
	}{{model.Eval, &r.Eval, &r.EvalUnshared}, {model.Train, &r.Train, &r.TrainUnshared}} {
		net, err := model.Build(spec, w, batch, mode.mode, model.Options{AuxWeight: 0.4})
		if err != nil {
			return nil, usageError{err}
		}
		*mode.bytes, *mode.unshared = net.Plan.Bytes, net.Plan.Unshared
		_ = net.Close()
	}
	return r, nil
}

func (m *summaryCommand) table(r summaryReport) {
	m.print("%-40s %-16s %-16s %12s %16s %7s\n", "layer", "operation", "output", "parameters", "multiply-adds", "share")
	for _, l := range r.Layers {
		share := "aux"
		if !model.IsAux(l.Name) {
			share = fmt.Sprintf("%.2f%%", 100*float64(l.MACs)/float64(r.MACs))
		}
		if l.MACs == 0 {
			share = ""
		}
		m.print("%-40s %-16s %-16s %12s %16s %7s\n", l.Name, l.Op, fmt.Sprintf("%dx%dx%d", l.Output[0], l.Output[1], l.Output[2]), orBlank(int64(l.Params)), orBlank(l.MACs), share)
	}
	m.print("\n%s, input %dx%d, %d classes\nparameters %s, with auxiliary heads %s\n%.3f GMAC for one image, %s multiply-adds\n",
		r.Variant, r.Input[1], r.Input[2], r.spec.Classes, thousands(int64(r.Params)), thousands(int64(r.ParamsWithAux)), float64(r.MACs)/1e9, thousands(r.MACs))
	if r.Memory != nil {
		m.print("activations of %d images: evaluation %s (%s without sharing), training %s (%s)\n", r.Memory.Batch,
			mebibytes(r.Memory.Eval), mebibytes(r.Memory.EvalUnshared), mebibytes(r.Memory.Train), mebibytes(r.Memory.TrainUnshared))
	}
}

func mebibytes(n int64) string { return fmt.Sprintf("%.0f MiB", float64(n)/(1<<20)) }

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
