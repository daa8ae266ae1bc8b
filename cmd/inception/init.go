package main

import (
	"errors"

	"github.com/inception-go/inception/internal/config"
	"github.com/inception-go/inception/internal/train"
	"github.com/inception-go/inception/internal/weights"
	"github.com/spf13/cobra"
)

// initFlags are the flags of a command that can start from the weights in a
// file.
type initFlags struct {
	init     train.Init
	classMap string
}

func (i *initFlags) add(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&i.init.Weights, "init", "", "start from these weights: a file or a run folder")
	f.StringVar(&i.classMap, "class-map", "", "with --init: a `file` of lines, each a class folder, a tab and a label")
	f.BoolVar(&i.init.Match.ByOrder, "classes-by-order", false,
		"with --init: match class folders to the file's labels by their order")
	f.BoolVar(&i.init.NewHead, "new-head", false,
		"with --init: a new classifier even if the number of classes is the same")
	c.MarkFlagsMutuallyExclusive("class-map", "classes-by-order")
}

// parse reads the class map, and refuses flags that have no meaning without
// --init.
func (i *initFlags) parse() (err error) {
	if i.init.Weights == "" && (i.init.NewHead || i.init.Match.ByOrder || i.classMap != "") {
		return usageError{errors.New("--new-head, --class-map and --classes-by-order control how a file's classifier " +
			"is used: give --init too")}
	}
	i.init.Match.Map, err = readClassMap(i.classMap)
	return err
}

// follow gives the configured network the structure of the weights.
func (i *initFlags) follow(c *config.Resolved) error {
	if i.init.Weights == "" {
		return nil
	}
	m, err := weights.LoadMetadata(i.init.Weights)
	if err != nil {
		return err
	}
	if err := c.Follow(i.init.Weights, m); err != nil {
		return usageError{err}
	}
	return nil
}
