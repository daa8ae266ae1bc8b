package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/inception-go/inception/internal/console"
	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/shell"
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
		Args:    oneArg("the SPEC of a dataset"),
		RunE:    func(_ *cobra.Command, args []string) error { return datasetInfo(s, args[0]) },
	}
	verify := &cobra.Command{
		Use:     "verify SPEC",
		Short:   "Decode every image and name those that cannot be read",
		Example: "  inception dataset verify path/to/flowers",
		Args:    oneArg("the SPEC of a dataset"),
		RunE:    func(c *cobra.Command, args []string) error { return datasetVerify(c, s, args[0]) },
	}
	c.AddCommand(info, verify, newPack(s))
	reads(c, pictureKeys...)
	return c
}

// sized is how many images of a part are looked at for their sizes.
const sized = 256

// partReport describes one part of the data in `dataset info --json`.
type partReport struct {
	Images  int               `json:"images"`
	Classes map[string]int    `json:"classes"`
	LeftOut []dataset.LeftOut `json:"left_out"`
	Sizes   dataset.Sizes     `json:"sizes"`
}

func datasetInfo(s *session, spec string) error {
	src, err := s.openDataset(spec)
	if err != nil {
		return err
	}
	reports := map[string]partReport{}
	for _, p := range src.Parts() {
		counts := dataset.ClassSizes(p.Set)
		r := partReport{p.Set.Len(), map[string]int{}, p.LeftOut, dataset.SizesOf(p.Set, sized)}
		for i, name := range p.Set.Classes() {
			r.Classes[name] = counts[i]
		}
		reports[p.Name] = r
		if !s.json {
			s.printPart(p, counts, r.Sizes)
		}
		s.warnOfDamage(p, spec)
	}
	if s.json {
		return s.printJSON(map[string]any{"spec": src.Spec, "kind": src.Kind, "parts": reports})
	}
	return nil
}

// openDataset opens a dataset within the limits that are set to pictures, and
// says what is likely to be not as it was meant.
func (s *session) openDataset(spec string) (*dataset.Source, error) {
	limits, err := s.pictureOptions()
	if err != nil {
		return nil, err
	}
	src, err := limits.Open(spec)
	if err != nil {
		return nil, err
	}
	for _, text := range append(src.Warnings, src.Unlike()...) {
		s.warn(text)
	}
	return src, nil
}

// warnOfDamage names images of a part that a quick look finds damaged.
func (s *session) warnOfDamage(p dataset.Part, spec string) {
	const quick, examples = time.Second, 5
	found := dataset.Check(p.Set, quick)
	all := slices.Clone(found.Unreadable)
	for _, err := range found.Damaged {
		all = append(all, errors.New(asFarAsItGoes(err)))
	}
	if len(all) == 0 {
		return
	}
	for _, err := range all[:min(examples, len(all))] {
		s.warn(err.Error())
	}
	s.warn(fmt.Sprintf("%s: a quick look finds %d images that cannot be read and %d that are cut off or damaged; "+
		"%s dataset verify %s names all", p.Name, len(found.Unreadable), len(found.Damaged), program(), shell.Quote(spec)))
}

// printPart prints a part's classes and what is left out of it.
func (s *session) printPart(p dataset.Part, counts []int, sizes dataset.Sizes) {
	s.print("%s: %d images, %d classes\n", p.Name, p.Set.Len(), len(counts))
	for i, name := range p.Set.Classes() {
		s.print("  %4d  %-30s %8d\n", i, dataset.OneLine(name), counts[i])
	}
	s.printSizes(sizes, p.Set.Len())
	for _, l := range p.LeftOut {
		s.print("  left out: %d %s, such as %s\n", l.Files, l.Reason, dataset.OneLine(l.Example))
	}
}

func (s *session) printSizes(z dataset.Sizes, images int) {
	of := ""
	if z.Images < images {
		of = fmt.Sprintf(" (%d of %d images)", z.Images, images)
	}
	switch {
	case z.Images == 0:
	case z.Least == z.Largest:
		s.print("  size: %dx%d pixels%s\n", z.Least[0], z.Least[1], of)
	default:
		s.print("  size: from %dx%d to %dx%d pixels, median %dx%d%s\n", z.Least[0], z.Least[1],
			z.Largest[0], z.Largest[1], z.Median[0], z.Median[1], of)
	}
}

// brokenImage is an entry of the lists in what `dataset verify --json` prints.
type brokenImage struct {
	File   string `json:"file"`
	Reason string `json:"reason"`
}

func datasetVerify(c *cobra.Command, s *session, spec string) error {
	src, err := s.openDataset(spec)
	if err != nil {
		return err
	}
	images, broken, damaged := 0, []brokenImage{}, []brokenImage{}
	for _, p := range src.Parts() {
		bar := s.bar("verify "+p.Name, console.Images)
		found := dataset.Verify(c.Context(), p.Set, func(done, total int) { bar.Set(int64(done), int64(total)) })
		bar.Clear()
		if c.Context().Err() != nil {
			return context.Cause(c.Context())
		}
		images += p.Set.Len()
		broken = append(broken, brokenImages(found.Unreadable)...)
		damaged = append(damaged, brokenImages(found.Damaged)...)
		if text := dataset.DescribeLeftOut(p.LeftOut); text != "" {
			s.note("%s: %s", p.Name, text)
		}
	}
	if s.json {
		if err := s.printJSON(map[string]any{"images": images, "broken": broken, "damaged": damaged}); err != nil {
			return err
		}
	} else {
		for _, b := range slices.Concat(broken, damaged) {
			s.print("%s: %s\n", dataset.OneLine(b.File), b.Reason)
		}
		s.print("%d images, %d cannot be read\n", images, len(broken))
		if n := len(damaged); n > 0 {
			s.print("%d are cut off or damaged, and used as far as they go (data.truncated)\n", n)
		}
	}
	if len(broken) > 0 {
		return fmt.Errorf("%s: %d of %d images cannot be read", spec, len(broken), images)
	}
	return nil
}

// brokenImages lists ImageErrors.
func brokenImages(errs []error) (all []brokenImage) {
	for _, err := range errs {
		var image *dataset.ImageError
		if errors.As(err, &image) {
			all = append(all, brokenImage{image.Name, image.Err.Error()})
		}
	}
	return all
}
