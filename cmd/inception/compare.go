package main

import (
	"fmt"
	"io"

	"github.com/inception-go/inception/internal/atomicfile"
	"github.com/inception-go/inception/internal/compare"
	"github.com/inception-go/inception/internal/shell"
	"github.com/spf13/cobra"
)

func newCompare(s *session) *cobra.Command {
	var out string
	c := &cobra.Command{
		Use:   "compare RUN RUN2 ... [-o PAGE.html]",
		Short: "Set runs beside each other: settings, figures, images",
		Long: `Compare the folders of two or more runs: the settings in which they differ, curves over
each other, accuracy by class with intervals, McNemar's test, and the images that one
classifies correctly and the other does not. All others are compared with the first.`,
		Example: "  inception compare runs/a runs/b\n  inception compare runs/ladder/*/seed-1 -o ladder.html",
		Args: func(_ *cobra.Command, runs []string) error {
			if len(runs) < 2 {
				return fmt.Errorf("needs the folders of two or more runs, has %d", len(runs))
			}
			return nil
		},
		RunE: func(c *cobra.Command, dirs []string) error {
			if err := says("out", out, ".html"); err != nil {
				return err
			}
			if !s.json || c.Flags().Changed("out") {
				if err := s.writable(out); err != nil {
					return err
				}
			}
			comparison, err := compare.Runs(dirs)
			if err != nil {
				return usageError{err}
			}
			for _, note := range comparison.Notes {
				s.warn(note)
			}
			if s.json {
				err = s.printJSON(comparison)
			} else {
				err = comparison.WriteText(s.stdout)
			}
			if err != nil || s.json && !c.Flags().Changed("out") {
				return err
			}
			if err := atomicfile.Write(out, func(w io.Writer) error { return comparison.WritePage(w, version()) }); err != nil {
				return err
			}
			s.note("wrote %s", shell.Quote(out))
			return nil
		},
	}
	c.Flags().StringVarP(&out, "out", "o", "compare.html", "`page` to write; with --json only if given")
	return c
}
