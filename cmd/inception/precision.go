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
	f.StringVar(&p.name, "precision", "",
		"arithmetic: fp32, bf16 or int8 (default fp32, or int8 of quantised weights)")
	f.BoolVar(&p.emulate, "emulate", false,
		"compute in a precision that the processor has no instructions for, slowly")
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
