package main

import (
	"cmp"

	"github.com/inception-go/inception/internal/report"
	"github.com/inception-go/inception/internal/rundir"
	"github.com/inception-go/inception/internal/shell"
	"github.com/inception-go/inception/internal/train"
	"github.com/spf13/cobra"
)

// lrFindCommand is `inception lr-find`.
type lrFindCommand struct {
	*session
	data, val, out string
	keys           keyFlags
	initFlags
	options    train.FindOptions
	arithmetic trainingFlags
}

func newLRFind(s *session) *cobra.Command {
	l := &lrFindCommand{session: s, options: train.DefaultFindOptions()}
	c := &cobra.Command{
		Use:   "lr-find --config F [--data SPEC] [--out DIR]",
		Short: "Find a learning rate by a range test",
		Long: `Train a few steps with a rate that rises at each step, and record the loss of the
same images after each of them (Smith, arXiv 1506.01186). The rate at which the loss
falls most steeply suits a constant or falling schedule; the rate at which it is lowest
is already too high. Where the loss does not fall by more than it varies, nothing is
suggested.`,
		Example: `  inception lr-find --config cifar10-ladder --data path/to/cifar10
  inception lr-find --config flowers5 --data path/to/flowers --set optimizer.name=sgd --steps 200`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return l.run(c) },
	}
	f := c.Flags()
	f.StringVar(&l.data, "data", "", "training images, as for train")
	f.StringVar(&l.val, "val", "", "validation images, as for train; with them, no training images are held out")
	f.StringVarP(&l.out, "out", "o", "",
		"folder for plot.svg, plot.png and curve.csv (default runs/CONFIG-lr-find-DATE-TIME)")
	l.keys = addKeyFlags(c, keyBatch, keySize, keySeed, keyWorkers)
	f.Float64Var(&l.options.From, "from", l.options.From, "lowest rate")
	f.Float64Var(&l.options.To, "to", l.options.To, "highest rate")
	f.IntVar(&l.options.Steps, "steps", l.options.Steps, "updates, each with its own rate; fewer if the loss explodes")
	l.arithmetic.addFlags(f)
	l.initFlags.add(c)
	reads(c, "model.", "data.", "train.", "label_smoothing.", "optimizer.",
		"eval.crop_pct", // of the images whose loss is watched
		"!train.epochs", "!train.max_steps", "!train.max_time", "!train.sizes", "!train.size_order", "!train.patience",
		"!train.checkpoint_every", "!train.log_every", "!train.bn_recalibrate",
		"!optimizer.lr", "!optimizer.lr_base", "!optimizer.lr_base_size")
	return c
}

func (l *lrFindCommand) run(c *cobra.Command) error {
	if err := l.initFlags.parse(); err != nil {
		return err
	}
	values := l.keys.into(c, l.dataFlags(c, l.data, l.val))
	l.arithmetic.set(values)
	resolved, err := l.load("", values)
	if err != nil {
		return err
	}
	if err := l.initFlags.follow(resolved); err != nil {
		return err
	}
	if err := l.options.Validate(); err != nil {
		return usageError{err}
	}
	if l.out == "" {
		if l.out, err = rundir.New(resolved.Name + "-lr-find"); err != nil {
			return err
		}
		defer rundir.Abandon(l.out)
	}
	found, err := train.FindLR(c.Context(), train.Job{
		Config: resolved.Config, Init: l.init, Emulate: l.arithmetic.emulate, Reporter: l.reporter(),
	}, l.options)
	if len(found.Curve) > 0 && c.Context().Err() == nil {
		if err := report.WriteRates(l.out, rates(found)); err != nil {
			return err
		}
		l.note("wrote plot.svg plot.png curve.csv\nfolder %s", shell.Quote(l.out))
	}
	if err != nil {
		return err
	}
	if l.json {
		return l.printJSON(found)
	}
	last := found.Curve[len(found.Curve)-1]
	end := "at the highest rate"
	if found.Diverged {
		end = "where the loss no longer fell"
	}
	l.print("%d rates from %.2g to %.2g, ended %s\n", len(found.Curve), found.Curve[0].LR, last.LR, end)
	l.print("steepest fall of the loss   %.2g   for %d images per step\n", found.Suggestion, found.Batch)
	l.print("lowest loss                 %.2g   already too high; a tenth of it is the other common choice\n",
		found.Lowest)
	l.note("next: %s train --config %s%s --set optimizer.lr=%.2g", program(), shell.Quote(cmp.Or(l.config, resolved.Name)),
		sameFlags(c, "train", func(flag, value string) bool {
			return flag != "config" && flag != "out" &&
				!assigns(value, "optimizer.lr", "optimizer.lr_base", "optimizer.lr_base_size")
		}), found.Suggestion)
	return nil
}

// rates converts the search for the report.
func rates(s train.RateSearch) report.Rates {
	r := report.Rates{Before: s.Before, Suggestion: s.Suggestion, Lowest: s.Lowest}
	for _, p := range s.Curve {
		r.LR, r.Loss, r.Smoothed = append(r.LR, p.LR), append(r.Loss, p.Loss), append(r.Smoothed, p.Smoothed)
	}
	return r
}
