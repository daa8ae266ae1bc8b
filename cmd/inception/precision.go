package main

import (
	"fmt"
	"strings"

	"github.com/inception-go/inception/internal/model"
	"github.com/spf13/pflag"
)

// allPrecisions is the --precision of commands that take several.
const allPrecisions = "all"

// precisionFlags are those of commands that run networks without training them.
type precisionFlags struct {
	name    string
	emulate bool
}

// addFlags adds them; several says that the command takes a list.
func (p *precisionFlags) addFlags(f *pflag.FlagSet, several bool) {
	help := "arithmetic: fp32, bf16 or int8"
	if several {
		help += "; several with commas, or all, in one table"
	}
	f.StringVar(&p.name, "precision", "", help+" (default fp32, or int8 of quantised weights)")
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
func (p *precisionFlags) value() (model.Precision, error) { return p.parse(p.name) }

// values returns those of a list; all stands for each that can be computed in.
func (p *precisionFlags) values() (list []model.Precision, err error) {
	if p.name == allPrecisions {
		return model.Precisions(p.emulate), nil
	}
	for _, name := range strings.Split(p.name, ",") {
		precision, err := p.parse(strings.TrimSpace(name))
		if err != nil {
			return nil, err
		}
		list = append(list, precision)
	}
	return list, nil
}

func (p *precisionFlags) parse(name string) (model.Precision, error) {
	precision, err := model.ParsePrecision(name, p.emulate)
	if err == nil {
		return precision, nil
	}
	if _, unknown := model.ParsePrecision(name, true); unknown == nil {
		err = fmt.Errorf("%w; --emulate does so", err)
	}
	return precision, usageError{fmt.Errorf("--precision: %w", err)}
}
