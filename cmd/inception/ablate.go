package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/inception-go/inception/configs"
	"github.com/inception-go/inception/internal/ablate"
	"github.com/inception-go/inception/internal/config"
	"github.com/inception-go/inception/internal/console"
	"github.com/inception-go/inception/internal/rundir"
	"github.com/inception-go/inception/internal/shell"
	"github.com/inception-go/inception/internal/train"
	"github.com/spf13/cobra"
)

// ablateCommand is `inception ablate`.
type ablateCommand struct {
	*session
	suite, design  string
	equal          string
	data, val, out string
	options        ablate.Options
	crew           ablate.Crew
	showing        *console.Reporter // of the run that this process makes
	keys           keyFlags
	margin, power  float64 // in points
	dryRun, show   bool
	shown          string          // the last table printed
	said           map[string]bool // what a run has warned of and noted, which the others do not repeat
	arithmetic     trainingFlags
}

func newAblate(s *session) *cobra.Command {
	a := &ablateCommand{session: s, said: map[string]bool{}}
	c := &cobra.Command{
		Use:   "ablate --config F [--suite ladder|ideas|principles|lowres|FILE] [--seeds N] [--out DIR]",
		Short: "Measure what each idea of the paper is worth on your images",
		Long: `Train every row of a suite with the same data and budget, and compare the rows in a
table, a plot and a report. Each row is a change of one base configuration. The
ladder is the paper's Table 3. The same command with the same --out resumes where it
stopped.

--set ROW:key=value changes a setting of one row.`,
		Example: `  inception ablate --config cifar10-ladder --data path/to/cifar10 --seeds 8 --out runs/ladder
  inception ablate --config cifar10-ladder --data path/to/flowers --set model.input_size=64 --suite principles --dry-run
  inception ablate --config cifar10-ladder --data path/to/cifar10 --budget 6h --out runs/ladder
  inception ablate --config cifar10-ladder --data path/to/cifar10 --power 0.5 --out runs/ladder
  inception ablate --config cifar10-ladder --set v2:optimizer.lr=0.05
  inception ablate --config cifar10-ladder --data path/to/cifar10 --suite ideas --design factorial --seeds 9
  inception ablate --suite ladder --show > my-suite.yaml`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.run(c) },
	}
	f := c.Flags()
	f.StringVar(&a.suite, "suite", "ladder",
		"what to compare: a YAML `file` or the name of an embedded suite: "+
			strings.Join(configs.Names(configs.Suites()), ", "))
	f.StringVar(&a.design, "design", "",
		"which combinations of a suite's ideas are its rows: "+strings.Join(ablate.Designs(),
			", ")+"; default: the suite's own")
	f.IntVar(&a.options.Seeds, "seeds", 1, "runs of each row, with train.seed and the seeds that follow it")
	f.StringVar(&a.data, "data", "", "training images, as for train")
	f.StringVar(&a.val, "val", "", "validation images; default: those of --data")
	f.StringVarP(&a.out, "out", "o", "", "ablation folder (default runs/CONFIG-SUITE-DATE-TIME)")
	a.keys = addKeyFlags(c, keyEpochs, keyBatch, keyRate, keySize, keySeed, keyWorkers)
	f.BoolVar(&a.options.Baselines, "baselines", false,
		"also train the suite's baselines: for the ladder, GoogLeNet and BN-Inception")
	f.StringVar(&a.equal, "equal", string(ablate.EqualEpochs),
		"what all rows get the same of: "+strings.Join(ablate.Footings(), ", "))
	f.StringVar(&a.options.Tune, "tune", "",
		"`KEY=a,b,c`: choose the key's value for each row by short runs on validation images; the figures are of test images")
	f.IntVar(&a.options.TuneEpoch, "tune-epochs", 0, "epochs of a short run of --tune (default a quarter)")
	f.Float64Var(&a.margin, "margin", 0.5,
		"largest difference of errors that does not matter, in `points` of a percent")
	f.DurationVar(&a.options.Budget, "budget", 0,
		"train for that long, such as 6h, and add seeds where verdicts are open; --seeds is then the most of a row")
	f.Float64Var(&a.power, "power", 0,
		"say how many seeds a difference of so many `points` needs, from the runs in --out; train nothing")
	f.IntVar(&a.crew.Size, "ranks-per-run", 1,
		"under MPI: processes that share a run, and so the batches of its updates; the runs are shared by all")
	f.BoolVar(&a.dryRun, "dry-run", false, "check every row and estimate the time, but train nothing")
	a.arithmetic.addEmulate(f)
	f.BoolVar(&a.show, "show", false, "print the suite, as a start for your own")
	c.AddCommand(newAblateVerify(s))
	return c
}

func (a *ablateCommand) run(c *cobra.Command) error {
	if a.show {
		text, err := ablate.SuiteText(a.suite)
		if err != nil {
			return usageError{err}
		}
		a.print("%s", text)
		return nil
	}
	outliveReaders()
	a.crew.Cluster, a.crew.Memory = a.cluster, a.memory
	var plan *ablate.Plan
	var err error
	if a.cluster.Rank() == 0 {
		plan, err = a.plan(c)
	}
	if err := a.cluster.Agree(err); err != nil {
		return usageError{err}
	}
	first, power := a.cluster.Rank() == 0, c.Flags().Changed("power")
	switch {
	case !first && (a.dryRun || power):
		return nil
	case !first:
		return a.crew.Work(c.Context())
	case a.dryRun:
		return a.forecast(c, plan)
	case power:
		return a.needs(plan)
	}
	if a.out == "" {
		if a.out, err = rundir.New(plan.Base.Name + "-" + plan.Suite); err != nil {
			return err
		}
		defer rundir.Abandon(a.out)
	}
	a.note("ablation folder %s", shell.Quote(a.out))
	result, err := plan.Run(c.Context(), a.out, ablate.Progress{Begin: a.begin, Done: a.table})
	return a.end(result, err)
}

// plan resolves and checks all rows.
func (a *ablateCommand) plan(c *cobra.Command) (*ablate.Plan, error) {
	var err error
	if a.options.Suite, err = ablate.ReadSuite(a.suite); err != nil {
		return nil, err
	}
	if a.options.Suite, err = a.options.Suite.Choose(a.design); err != nil {
		return nil, err
	}
	a.options.Base = config.Sources{Path: a.config, Set: a.set, Names: flagNames,
		Flags: a.keys.into(c, a.dataFlags(c, a.data, a.val))}
	a.options.Version, a.options.Emulate, a.options.Crew = version(), a.arithmetic.emulate, &a.crew
	a.options.Margin, a.options.Equal = a.margin/100, ablate.Footing(a.equal)
	if (a.options.Budget > 0 || c.Flags().Changed("power")) && !c.Flags().Changed("seeds") {
		a.options.Seeds = ablate.MostSeeds
	}
	plan, err := ablate.Prepare(a.options)
	if err != nil {
		return nil, err
	}
	for _, w := range plan.Base.Warnings {
		a.warn(w)
	}
	a.noteDepartures(plan.Base)
	return plan, nil
}

// forecast prints the rows and an estimate of their time.
func (a *ablateCommand) forecast(c *cobra.Command, plan *ablate.Plan) error {
	f, err := plan.Forecast(c.Context(), a.out)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(f)
	}
	return f.WriteText(a.stdout)
}

// needs prints the seeds that a difference needs.
func (a *ablateCommand) needs(plan *ablate.Plan) error {
	n, err := plan.Needs(a.out, a.power/100)
	if err != nil {
		return usageError{err}
	}
	if a.json {
		return a.printJSON(n)
	}
	return n.WriteText(a.stdout)
}

// begin says which run begins, and returns the reporter of its progress.
func (a *ablateCommand) begin(u ablate.Upcoming) train.Reporter {
	left, where := "", ""
	if u.Left > 0 {
		left = fmt.Sprintf("; all runs will be done at %s", time.Now().Add(u.Left).Format("15:04 on Mon, 2 Jan"))
	}
	if u.Where != "" {
		where = ", on " + u.Where
	}
	a.clear()
	a.note("run %d of %d: %s, seed %d%s%s", u.Number, u.Of, u.Title, u.Seed, where, left)
	if u.Where != "" {
		return nil
	}
	a.showing = a.reporter()
	a.showing.Said = a.said
	return a.showing
}

// clear takes away the bar of the run that goes on in this process while others
// make theirs.
func (a *ablateCommand) clear() {
	if a.showing != nil {
		a.showing.Clear()
	}
}

// table prints the table after a run, or where results go to no terminal, whose reader
// wants the table once, says in a line how the run ended.
func (a *ablateCommand) table(r *ablate.Result, line string) {
	a.clear()
	switch {
	case a.json, console.Width(a.stdout) == nil:
		a.note("%s", line)
	case !a.quiet:
		a.print("\n")
		_ = a.printTable(r)
	}
}

// printTable prints the table, unless it is the one printed last.
func (a *ablateCommand) printTable(r *ablate.Result) error {
	var table strings.Builder
	if err := r.WriteText(&table, a.columns()); err != nil || table.String() == a.shown {
		return err
	}
	a.shown = table.String()
	a.print("%s\n", a.shown)
	return nil
}

// columns returns the width of the terminal that results go to, or one for files.
func (a *ablateCommand) columns() int {
	const file = 100
	if width := console.Width(a.stdout); width != nil {
		return width()
	}
	return file
}

// end prints the results and the next command to type.
func (a *ablateCommand) end(r *ablate.Result, err error) error {
	if r == nil {
		return usageError{err}
	}
	if a.json {
		if jsonErr := a.printJSON(r); err == nil {
			err = jsonErr
		}
	}
	if err != nil {
		a.note("the same command with --out %s resumes from here", shell.Quote(a.out))
		return err
	}
	if !a.json {
		if err := a.printTable(r); err != nil {
			return err
		}
		a.print("%s\n", console.Fold(r.Caption(), a.columns()))
	}
	a.note("wrote table.md table.csv table.json table.tex, plot and forest as .svg .png .pdf, report.html and the runs\n"+
		"ablation folder %s", shell.Quote(a.out))
	if n := r.Count(ablate.Pending); n > 0 && a.options.Budget == 0 {
		a.note("another process is doing %d of %d runs; the same command shows them once they are done",
			n, r.Planned())
	}
	if a.options.Budget > 0 {
		a.note("%d verdicts are open; the same command with another budget adds seeds to them", r.Open())
	}
	if n := r.Count(ablate.Failed); n > 0 {
		return fmt.Errorf("%d of %d runs diverged; the table says which; delete a run's folder to try it again",
			n, r.Planned())
	}
	return nil
}
