package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/inception-go/inception/internal/cluster"
	"github.com/inception-go/inception/internal/console"
	"github.com/inception-go/inception/internal/kernel"
	"github.com/inception-go/inception/internal/memory"
	"github.com/inception-go/inception/internal/parallel"
	"github.com/inception-go/inception/internal/rundir"
	"github.com/inception-go/inception/internal/settings"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// The exit statuses; after a signal it is 128 and the signal's number.
const (
	statusFailure = 1
	statusUsage   = 2
)

// usageError is a wrong call or configuration.
type usageError struct{ error }

// run executes a command line and returns the exit status.
func run(args []string, stdout, stderr io.Writer) int {
	stdout, stderr = console.NewPlain(stdout), console.NewPlain(stderr)
	ctx, stop := withSignals(context.Background(), stderr)
	defer stop()
	s := &session{stdin: os.Stdin, stdout: stdout, stderr: stderr}
	root := newRoot(s)
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	c, err := root.ExecuteContextC(ctx)
	if err != nil && !s.begun && s.apart.Size == 0 {
		err = wrongCall(c, err)
	}
	return s.end(err, stderr)
}

func newRoot(s *session) *cobra.Command {
	root := &cobra.Command{
		Use:   "inception",
		Short: "Train, evaluate and explain Inception V2 and V3",
		Long: `Inception V2 and V3 (Szegedy et al., "Rethinking the Inception Architecture for
Computer Vision") on an ordinary CPU: train, evaluate, ablate, explain and export them.`,
		Example: `  inception train --config quickstart
  inception train --config flowers5 --data path/to/flowers
  inception eval --weights runs/flowers5-20260102-150405`,
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(c *cobra.Command, _ []string) error {
			if err := missingFlags(c); err != nil {
				return err
			}
			if err := s.join(c); err != nil {
				return err
			}
			s.warnOfUnread(c)
			return s.prepare()
		},
	}
	s.addSharedFlags(root.PersistentFlags())
	root.SetGlobalNormalizationFunc(normalize)
	root.SetFlagErrorFunc(explainFlag)
	root.AddCommand(together(newTrain(s)), together(newEval(s)), together(newAblate(s)), newLRFind(s), newProbe(s),
		newSummary(s), together(newBench(s)), newConfig(s))
	root.AddCommand(unconfigured(
		together(newPredict(s)), newExplain(s), newServe(s), together(newFeatures(s)), newQuantize(s),
		newImport(s), newExport(s), newCheck(s),
		newDataset(s), newDoctor(s), newCompare(s), newVersion(s), newManual(s))...)
	root.InitDefaultCompletionCmd()
	groups(root)
	root.SetHelpCommand(newHelp(root))
	completeValues(root)
	s.begins(root)
	return root
}

// normalize makes names of flags that other tools have other spellings of ours.
func normalize(_ *pflag.FlagSet, name string) pflag.NormalizedName {
	switch name {
	case "batch-size", "bs":
		name = "batch"
	case "size", "imgsz", "img-size", "image-size":
		name = "input-size"
	}
	return pflag.NormalizedName(name)
}

// begins records when the work of a command begins: an error before that is an
// error in the call. What the configuration knows of missing data is added to others.
func (s *session) begins(c *cobra.Command) {
	if work := c.RunE; work != nil {
		c.RunE = func(c *cobra.Command, args []string) error {
			s.begun = true
			err := work(c, args)
			if s.loaded != nil {
				err = s.loaded.MissingData(err)
			}
			return err
		}
	}
	for _, sub := range c.Commands() {
		s.begins(sub)
	}
}

// prepare sets what this process takes of the machine: the instruction set, the
// memory and the threads. Ranks of one machine share it.
func (s *session) prepare() error {
	if err := kernel.ISAError(); err != nil {
		return err
	}
	limits, things := memory.Limits(), []string{cluster.Processors()}
	for _, l := range limits {
		things = append(things, l.Common)
	}
	sharing, err := s.cluster.Sharing(things)
	if err != nil {
		return err
	}
	s.memory = memory.Share(limits, sharing[1:])
	memory.Respect(s.memory)
	const most = 1024
	if v := os.Getenv("INCEPTION_THREADS"); v != "" && s.threads == 0 {
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 || n > most {
			return fmt.Errorf("INCEPTION_THREADS=%q: must be a whole number from 0 to %d", v, most)
		}
		s.threads = n
	}
	if s.threads < 0 || s.threads > most {
		return fmt.Errorf("--threads: must be from 0 to %d, is %d", most, s.threads)
	}
	threads := s.threads
	if threads == 0 && s.cluster.Size() > 1 {
		threads = max(1, parallel.Default()/sharing[0])
	}
	parallel.SetThreads(threads)
	return nil
}

// status prints an error on one line and returns the exit status for it.
func status(err error, stderr io.Writer) int {
	var by signalled
	var usage usageError
	var key *settings.KeyError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &by):
		return 128 + int(by.Signal)
	}
	for line := range strings.Lines(err.Error()) { // of several files each has its own
		console.Styled(stderr, console.Failure, "inception:")
		fmt.Fprintln(stderr, "", strings.TrimSuffix(line, "\n"))
	}
	if errors.As(err, &usage) || errors.As(err, &key) || errors.Is(err, rundir.ErrHoldsRun) {
		return statusUsage
	}
	return statusFailure
}
