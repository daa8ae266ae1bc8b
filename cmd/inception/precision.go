package main

import (
	"fmt"

	"github.com/inception-go/inception/internal/model"
	"github.com/spf13/pflag"
)

// precisionFlags are those of commands that run networks without training them.
type precisionFlags struct {
	name    string
	emulate bool
}

func (p *precisionFlags) addFlags(f *pflag.FlagSet) {
	f.StringVar(&p.name, "precision", model.FP32.String(), "arithmetic: fp32 or bf16")
	f.BoolVar(&p.emulate, "emulate", false,
		"compute in a precision that the processor has no instructions for, slowly")
}

// trainingFlags are those of commands that train.
type trainingFlags precisionFlags

func (t *trainingFlags) addFlags(f *pflag.FlagSet) {
	f.StringVar(&t.name, "precision", "", "arithmetic: fp32 or bf16 (train.precision)")
	t.addEmulate(f)
}

func (t *trainingFlags) addEmulate(f *pflag.FlagSet) {
	f.BoolVar(&t.emulate, "emulate", false,
		"compute in a train.precision that the processor has no instructions for, slowly")
}

// set adds the key that --precision sets.
func (t *trainingFlags) set(values map[string]any) {
	if t.name != "" {
		values["train.precision"] = t.name
	}
}

// value returns the precision that the flags ask for.
func (p *precisionFlags) value() (model.Precision, error) {
	precision, err := model.ParsePrecision(p.name, p.emulate)
	if err == nil {
		return precision, nil
	}
	if _, unknown := model.ParsePrecision(p.name, true); unknown == nil {
		err = fmt.Errorf("%w; --emulate does so", err)
	}
	return precision, usageError{fmt.Errorf("--precision: %w", err)}
}
