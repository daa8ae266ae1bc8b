package config

import "cmp"

// Origin says where a value came from.
type Origin struct {
	Kind  Kind
	Place string // within the kind: FILE:LINE, a variable's name; empty if the kind is enough
}

// Kind is a kind of source.
type Kind int

// The kinds of sources.
const (
	FromDefault  Kind = iota // of the program
	FromFile                 // a configuration file, or an embedded one; Place is NAME:LINE
	FromVariable             // of the environment; Place is its name
	FromSet                  // --set; Place is the row of an ablation that it is for, if any
	FromFlag                 // the key's own flag; Place is its name, if that is known
	FromSuite                // a row of an ablation's suite; Place is NAME:LINE
	FromWeights              // a weight file that a training starts from; Place is its path
)

// String names the place for messages.
func (o Origin) String() string {
	switch o.Kind {
	case FromDefault:
		return "default"
	case FromFile:
		return "config " + o.Place
	case FromSet:
		if o.Place != "" {
			return "--set " + o.Place
		}
		return "--set"
	case FromFlag:
		return cmp.Or(o.Place, "flag")
	case FromSuite:
		return "suite " + o.Place
	}
	return o.Place
}

// Typed reports whether the value stands on the command line.
func (o Origin) Typed() bool { return o.Kind == FromSet || o.Kind == FromFlag }

// Given reports whether the user chose the value.
func (o Origin) Given() bool { return o.Kind != FromDefault && o.Kind != FromWeights }
