package kernel

import (
	"fmt"
	"os"
	"strings"
)

// registry holds the implementations that this machine can run, best first.
// The last one is plain Go.
var registry = append(machineISAs(), genericISA)

// active is the implementation in use.
var active, isaErr = chooseISA(os.Getenv("INCEPTION_ISA"))

// ISA returns the name of the implementation in use: avx512, avx2 or generic.
func ISA() string { return active.name }

// ISAs returns the names of the implementations that this machine can run,
// best first.
func ISAs() []string {
	var names []string
	for _, s := range registry {
		names = append(names, s.name)
	}
	return names
}

// ISAError returns what was wrong with the environment's INCEPTION_ISA, if
// anything; ISA is then the machine's best.
func ISAError() error { return isaErr }

func chooseISA(name string) (*isa, error) {
	if name == "" {
		return registry[0], nil
	}
	for _, s := range registry {
		if s.name == name {
			return s, nil
		}
	}
	return registry[0], fmt.Errorf("INCEPTION_ISA=%q: this machine has %s; using %s",
		name, strings.Join(ISAs(), ", "), registry[0].name)
}
