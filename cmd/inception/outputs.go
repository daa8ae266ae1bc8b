package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/inception-go/inception/internal/atomicfile"
	"github.com/inception-go/inception/internal/rundir"
	"github.com/inception-go/inception/internal/shell"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// endings are those of the kinds of files that commands write.
var endings = []string{".csv", ".html", ".json", ".npy", ".pdf", ".png", ".svg", ".jpg", ".jpeg"}

// says refuses a name that says another kind of file than the one that will be written.
func says(flag, path, ending string) error {
	is := strings.ToLower(filepath.Ext(path))
	if is == ending || !slices.Contains(endings, is) {
		return nil
	}
	return usageError{fmt.Errorf("--%s: writes %s, not %s; give %s another name", flag, ending, is, filepath.Base(path))}
}

// saysWeights refuses a name for the weight file of a command that says another kind of
// file.
func saysWeights(command, path string) error {
	if filepath.Ext(path) == ".safetensors" {
		return nil
	}
	return usageError{fmt.Errorf("--out: %s writes .safetensors, not %s", command, filepath.Base(path))}
}

// writable refuses files that cannot be written, before the work whose results they
// are to hold. Those without a name are not asked for; only rank 0 writes.
func (s *session) writable(paths ...string) error {
	var err error
	for _, path := range paths {
		if path != "" && err == nil && s.cluster.Rank() == 0 {
			err = atomicfile.Check(path)
		}
	}
	return s.cluster.Agree(err)
}

// sameFlags returns those flags of a call that another command has too and that are
// wanted, as they are typed.
func sameFlags(c *cobra.Command, command string, wanted func(flag, value string) bool) (typed string) {
	other, _, err := c.Root().Find([]string{command})
	if err != nil {
		return ""
	}
	c.Flags().Visit(func(f *pflag.Flag) {
		if other.Flag(f.Name) == nil {
			return
		}
		values := []string{f.Value.String()}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			values = list.GetSlice()
		}
		for _, value := range values {
			switch {
			case !wanted(f.Name, value):
			case f.Value.Type() == "bool":
				typed += " --" + f.Name + "=" + value
			default:
				typed += " --" + f.Name + " " + shell.Quote(value)
			}
		}
	})
	return typed
}

// noClobberAny refuses to overwrite one of the files that are read.
func noClobberAny(flag, out string, in []string) error {
	for _, path := range in {
		if err := noClobber(flag, out, path); err != nil {
			return err
		}
	}
	return nil
}

// noClobber refuses to overwrite the file that is read, of a run folder the one
// that is read for it, and weights that a run has kept.
func noClobber(flag, out, in string) error {
	if file, ok := rundir.Weights(in); ok {
		in = file
	}
	a, errA := os.Stat(out)
	b, errB := os.Stat(in)
	if errA == nil && errB == nil && os.SameFile(a, b) {
		return usageError{fmt.Errorf("--%s: is also the input file, %s; choose another name", flag, filepath.Base(in))}
	}
	if dir, ok := rundir.Owner(out); ok {
		return usageError{fmt.Errorf("--%s: %s is where the run in %s keeps its own weights; choose another name", flag,
			filepath.Base(out), dir)}
	}
	return nil
}
