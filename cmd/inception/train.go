package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/inception-go/inception/internal/config"
	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/rundir"
	"github.com/inception-go/inception/internal/settings"
	"github.com/inception-go/inception/internal/shell"
	"github.com/inception-go/inception/internal/train"
)

// trainCommand is `inception train`.
type trainCommand struct {
	*session
	data, val, out string
	maxSteps       int
	keys           keyFlags
	resume         bool
	initFlags
	arithmetic trainingFlags
}

func newTrain(s *session) *cobra.Command {
	t := &trainCommand{session: s}
	c := &cobra.Command{
		Use:   "train [--config F] [--data SPEC] [--out DIR] [--resume [RUN]]",
		Short: "Train a network",
		Long: `Train a network by a configuration and write a run folder: weights, metrics,
report.html, TensorBoard events and all that resuming needs. Ctrl-C finishes the
step and saves; --resume continues from there. With --quiet, standard output is the
run folder.`,
		Example: `  inception train --config quickstart
  inception train --config flowers5 --data path/to/flowers --set train.epochs=30
  inception train --config finetune --data photos --init v3.safetensors --set 'train.freeze=[Conv2d]'
  inception train --resume
  run=$(inception train --quiet --config flowers5 --data path/to/flowers)`,
		Args: oneArgAtMost("the run to resume"),
		RunE: t.run,
	}
	f := c.Flags()
	f.StringVar(&t.data, "data", "", "training images: a folder, or one of "+dataset.Specs())
	f.StringVar(&t.val, "val", "", "validation images; default: those of --data")
	f.StringVarP(&t.out, "out", "o", "", "run folder (default runs/CONFIG-DATE-TIME)")
	f.IntVar(&t.maxSteps, "max-steps", 0, "stop after this many updates of the weights")
	t.keys = addKeyFlags(c, keyEpochs, keyBatch, keyRate, keySize, keySeed, keyWorkers)
	f.BoolVar(&t.resume, "resume", false,
		"resume the run named as argument or by --out, or the newest unfinished one")
	t.arithmetic.addFlags(f)
	t.initFlags.add(c)
	return c
}

func (t *trainCommand) run(c *cobra.Command, args []string) error {
	outliveReaders()
	if len(args) > 0 && !t.resume {
		return usageError{fmt.Errorf("unexpected argument %q; --data names the images, --resume a run", args[0])}
	}
	if err := t.initFlags.parse(); err != nil {
		return err
	}
	var where struct{ Dir, Own string }
	err := t.cluster.ByFirst(&where, func() (err error) {
		where.Dir, where.Own, err = t.folder(args)
		return err
	})
	if err != nil {
		return err
	}
	dir, own := where.Dir, where.Own
	resolved, err := t.resolve(c, dir, own)
	if err != nil {
		return err
	}
	if dir == "" {
		err := t.cluster.ByFirst(&dir, func() (err error) {
			dir, err = rundir.New(resolved.Name)
			return err
		})
		if err != nil {
			return err
		}
		defer rundir.Abandon(dir)
	}
	reporter := t.reporter()
	if t.json {
		reporter.JSON = t.stdout
	}
	result, err := train.Run(c.Context(), train.Job{
		Config: resolved.Config, Dir: dir, Version: version(), Command: commandLine(), Resume: t.resume, Init: t.init,
		Reporter: reporter, Cluster: t.cluster, Memory: t.memory, Emulate: t.arithmetic.emulate,
	})
	if own != "" && t.data == "" {
		err = moved(err, resolved.Data.Val)
	}
	if err == nil || result.Exit == train.ExitInterrupted {
		t.end(result, resolved)
	}
	return err
}

// folder returns the run folder that the flags name and, for a resumed run, its own
// configuration: none if that is lost and --config names one in its place, which the
// checkpoint must agree with.
func (t *trainCommand) folder(args []string) (dir, own string, err error) {
	dir = t.out
	if len(args) > 0 {
		if t.out != "" && filepath.Clean(t.out) != filepath.Clean(args[0]) {
			return "", "", usageError{fmt.Errorf("--resume names %s, --out names %s; give only one", args[0], t.out)}
		}
		dir = args[0]
		if !rundir.HoldsRun(dir) {
			return "", "", usageError{fmt.Errorf("%s: contains no run to resume; train --out %s begins one", dir,
				shell.Quote(dir))}
		}
	}
	if t.resume && dir == "" {
		if dir, err = train.NewestUnfinished(rundir.Root); err != nil {
			return "", "", usageError{err}
		}
	}
	if !t.resume || !rundir.HoldsRun(dir) {
		return dir, "", nil
	}
	own, err = rundir.OwnConfig(dir)
	switch {
	case !errors.Is(err, rundir.ErrNoConfig):
		return dir, own, err
	case t.config != "":
		return dir, "", nil
	}
	return "", "", usageError{fmt.Errorf("%w; name the configuration that the run began with (--config, --data, --set), "+
		"or begin another with its weights (--init %s)", err, shell.Quote(dir))}
}

// resolve resolves the configuration: own, of the run in dir that goes on, or that of
// a new run.
func (t *trainCommand) resolve(c *cobra.Command, dir, own string) (*config.Resolved, error) {
	if own != "" && t.init.Weights != "" {
		t.warn(fmt.Sprintf("--init has no effect: %s goes on from its own checkpoint", shell.Quote(dir)))
		t.init = train.Init{}
	}
	for _, path := range []string{own, t.init.Weights} {
		if err := t.cluster.Visible(path); err != nil {
			return nil, err
		}
	}
	resolved, err := t.load(own, t.flagValues(c))
	if err != nil {
		return nil, err
	}
	if own != "" {
		resolved.WarnOfOldSplit(t.warn)
		t.warnOfOtherConfig(c, resolved)
		return resolved, nil
	}
	if err := t.initFlags.follow(resolved); err != nil {
		return nil, err
	}
	t.noteDepartures(resolved)
	return resolved, nil
}

// warnOfOtherConfig says if a run that goes on by its own configuration was to have
// another.
func (t *trainCommand) warnOfOtherConfig(c *cobra.Command, own *config.Resolved) {
	if t.config == "" {
		return
	}
	const ignored = "--config has no effect: the run goes on by its own configuration"
	given, err := config.Load(config.Sources{Path: t.config, Set: t.set, Flags: t.flagValues(c), Names: flagNames})
	if err != nil {
		t.warn(fmt.Sprintf("%s (and %v)", ignored, err))
		return
	}
	its, theirs := own.Absolute(), given.Absolute()
	if key, is, other := settings.Difference(&its, &theirs); key != "" {
		t.warn(fmt.Sprintf("%s, whose %s is %s, not %s", ignored, key, is, other))
	}
}

// flagValues returns the configuration keys whose own flags are given.
func (t *trainCommand) flagValues(c *cobra.Command) map[string]any {
	values := t.keys.into(c, t.dataFlags(c, t.data, t.val))
	if c.Flags().Changed("max-steps") {
		values["train.max_steps"] = t.maxSteps
	}
	t.arithmetic.set(values)
	return values
}

// end prints the results and the next command to type.
func (t *trainCommand) end(r train.Result, c *config.Resolved) {
	if t.json {
		_ = t.printJSON(r)
		return
	}
	if t.quiet { // what a script needs of it
		t.print("%s\n", r.Run)
	}
	if r.Exit == train.ExitInterrupted {
		t.note("resume it with: %s train --resume %s", program(), shell.Quote(r.Run))
		return
	}
	if r.BestEpoch > 0 {
		by := ""
		if r.ValPart == "test" {
			by = ", chosen by the part test"
		}
		t.note("best validation top-1 %.2f%%%s after epoch %d (%d steps in total, ended by %s)",
			100*r.BestTop1, by, r.BestEpoch, r.Steps, r.Exit)
	}
	dir := shell.Quote(r.Run)
	next := "eval --weights " + dir
	if r.ValPart == "" {
		next = "predict --weights " + dir + " PICTURE"
	}
	t.note("wrote %s\nnext: %s %s\nrun folder %s", strings.Join(rundir.Written(r.Run), " "), program(), next, dir)
}
