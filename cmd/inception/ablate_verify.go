package main

import (
	"fmt"
	"time"

	"github.com/inception-go/inception/internal/ablate"
	"github.com/spf13/cobra"
)

func newAblateVerify(s *session) *cobra.Command {
	check := ablate.Check{}
	var arithmetic trainingFlags
	c := &cobra.Command{
		Use:   "verify FOLDER [--rows N] [--epochs N]",
		Short: "Train runs of an ablation again and compare every bit",
		Long: `Train a run of some rows again, drawn at random, and compare metrics, predictions and
weights bit for bit; and compare the figures of the table with those of all runs. The
exit status is 1 if anything differs.`,
		Example: "  inception ablate verify runs/ladder\n  inception ablate verify runs/ladder --rows 3 --epochs 1",
		Args:    oneArg("the folder of an ablation"),
		RunE: func(c *cobra.Command, args []string) error {
			if check.Rows < 0 || check.Epochs < 0 {
				return usageError{fmt.Errorf("--rows and --epochs must not be negative, are %d and %d", check.Rows, check.Epochs)}
			}
			if !c.Flags().Changed("draw") {
				check.Seed = uint64(time.Now().UnixNano()) % 1e6
			}
			check.Version, check.Emulate = version(), arithmetic.emulate
			return verifyAblation(c, s, args[0], check)
		},
	}
	f := c.Flags()
	f.IntVar(&check.Rows, "rows", 1, "rows of which a run is trained again; 0 for all")
	f.IntVar(&check.Epochs, "epochs", 0, "train and compare only the first epochs; 0 for all")
	f.Uint64Var(&check.Seed, "draw", 0, "`seed` of the choice of runs (default another one each time)")
	arithmetic.addEmulate(f)
	return c
}

func verifyAblation(c *cobra.Command, s *session, dir string, check ablate.Check) error {
	check.Begin = func(run string) { s.note("training %s again (drawn with --draw %d)", run, check.Seed) }
	all, err := ablate.Verify(c.Context(), dir, check)
	if err != nil {
		return err
	}
	if s.json {
		if err := s.printJSON(all); err != nil {
			return err
		}
	}
	differ := 0
	for _, v := range all {
		if v.Note != "" {
			s.warn(v.Note)
		}
		text := fmt.Sprintf("the same: %d lines of metrics", v.Lines)
		if v.Values > 0 {
			text += fmt.Sprintf(", all predictions, %d weights", v.Values)
		}
		if !v.Same {
			differ++
			text = "DIFFERS: " + v.Detail
		}
		if !s.json {
			s.print("%s  %s\n", v.Run, text)
		}
	}
	if differ > 0 {
		return fmt.Errorf("%d of %d runs differ from the table's", differ, len(all))
	}
	return nil
}
