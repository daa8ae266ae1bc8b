package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/parallel"
)

func newDataset(s *session) *cobra.Command {
	long := "Inspect a dataset. SPEC is a folder, whose kind is recognised by its contents, or one of:\n"
	for _, k := range dataset.Kinds() {
		long += fmt.Sprintf("\n  %-16s %s", k.Spec, k.About)
	}
	c := &cobra.Command{Use: "dataset", Short: "Inspect a dataset", Long: long}
	info := &cobra.Command{
		Use:     "info SPEC",
		Short:   "Show the parts and classes with their numbers of images",
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

// partReport describes one part of the data in `dataset info --json`.
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
	for _, p := range src.Parts() {
		classes := p.Set.Classes()
		counts := make([]int, len(classes))
		for i := range p.Set.Len() {
			counts[p.Set.Label(i)]++
		}
		r := partReport{p.Set.Len(), map[string]int{}}
		for i, name := range classes {
			r.Classes[name] = counts[i]
		}
		reports[p.Name] = r
		if s.json {
			continue
		}
		s.print("%s: %d images, %d classes\n", p.Name, r.Images, len(classes))
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
	for _, p := range src.Parts() {
		failures := make([]error, p.Set.Len())
		parallel.For(p.Set.Len(), func(i int) {
			if c.Context().Err() != nil {
				return
			}
			if _, err := p.Set.Image(i); err != nil {
				failures[i] = fmt.Errorf("%s: %w", p.Set.Name(i), err)
			}
		})
		if c.Context().Err() != nil {
			return context.Cause(c.Context())
		}
		images += p.Set.Len()
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
