package main

import (
	"context"
	"fmt"

	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/parallel"
	"github.com/spf13/cobra"
)

func newDataset(s *session) *cobra.Command {
	c := &cobra.Command{Use: "dataset", Short: "Look into a dataset"}
	info := &cobra.Command{
		Use:     "info SPEC",
		Short:   "Show parts, classes and the number of images of each",
		Example: "  inception dataset info path/to/flowers",
		Args:    cobra.ExactArgs(1),
		RunE:    func(_ *cobra.Command, args []string) error { return datasetInfo(s, args[0]) },
	}
	verify := &cobra.Command{
		Use:     "verify SPEC",
		Short:   "Decode every image and name those that cannot be read",
		Example: "  inception dataset verify path/to/flowers",
		Args:    cobra.ExactArgs(1),
		RunE:    func(c *cobra.Command, args []string) error { return datasetVerify(c, s, args[0]) },
	}
	c.AddCommand(info, verify)
	return c
}

// part is one of the parts of a dataset.
type part struct {
	name string
	set  dataset.Set
}

func partsOf(src *dataset.Source) []part {
	var parts []part
	for _, p := range []part{{"train", src.Train}, {"val", src.Val}, {"test", src.Test}} {
		if p.set != nil {
			parts = append(parts, p)
		}
	}
	return parts
}

// partReport is an entry of what `dataset info --json` prints.
type partReport struct {
	Images  int            `json:"images"`
	Classes map[string]int `json:"classes"`
}

func datasetInfo(s *session, spec string) error {
	src, err := dataset.Open(spec)
	if err != nil {
		return err
	}
	reports := map[string]partReport{}
	for _, p := range partsOf(src) {
		classes := p.set.Classes()
		counts := make([]int, len(classes))
		for i := range p.set.Len() {
			counts[p.set.Label(i)]++
		}
		r := partReport{p.set.Len(), map[string]int{}}
		for i, name := range classes {
			r.Classes[name] = counts[i]
		}
		reports[p.name] = r
		if s.json {
			continue
		}
		s.print("%s: %d images, %d classes\n", p.name, r.Images, len(classes))
		for i, name := range classes {
			s.print("  %4d  %-30s %8d\n", i, name, counts[i])
		}
	}
	if s.json {
		return s.printJSON(map[string]any{"spec": src.Spec, "kind": src.Kind, "parts": reports})
	}
	return nil
}

func datasetVerify(c *cobra.Command, s *session, spec string) error {
	src, err := dataset.Open(spec)
	if err != nil {
		return err
	}
	images, broken := 0, []string{}
	for _, p := range partsOf(src) {
		failures := make([]error, p.set.Len())
		parallel.For(p.set.Len(), func(i int) {
			if c.Context().Err() != nil {
				return
			}
			if _, err := p.set.Image(i); err != nil {
				failures[i] = fmt.Errorf("%s: %w", p.set.Name(i), err)
			}
		})
		if c.Context().Err() != nil {
			return context.Cause(c.Context())
		}
		images += p.set.Len()
		for _, err := range failures {
			if err != nil {
				broken = append(broken, err.Error())
			}
		}
	}
	if s.json {
		if err := s.printJSON(map[string]any{"images": images, "broken": broken}); err != nil {
			return err
		}
	} else {
		for _, text := range broken {
			s.print("%s\n", text)
		}
		s.print("%d images, %d cannot be read\n", images, len(broken))
	}
	if len(broken) > 0 {
		return fmt.Errorf("%s: %d of %d images cannot be read", spec, len(broken), images)
	}
	return nil
}
