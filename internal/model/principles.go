package model

import (
	"fmt"
	"github.com/inception-go/inception/internal/ops"
	"strings"
)

// Warning says that a structure departs from one of the general design
// principles of Szegedy et al. 2015, section 2.
type Warning struct {
	Principle int    `json:"principle"` // 1 to 4
	Key       string `json:"key"`       // of the setting responsible
	Text      string `json:"text"`
}

var principles = map[int]string{
	1: "avoid representational bottlenecks",
	2: "higher-dimensional representations are easier to process locally",
	3: "aggregate over space in lower-dimensional embeddings",
	4: "balance width and depth",
}

// String names the principle and describes the departure.
func (w Warning) String() string {
	return fmt.Sprintf("principle %d (%s): %s", w.Principle, principles[w.Principle], w.Text)
}

// Principles returns where spec's network departs from the paper's principles,
// by its graph and by settings that are off but on in the published variant.
func Principles(spec Spec) ([]Warning, error) {
	layers, err := Layers(spec)
	if err != nil {
		return nil, err
	}
	published, err := DefaultSpec(spec.Variant)
	if err != nil {
		return nil, err
	}
	c := critic{spec: spec, published: published, layers: layers, modules: Modules(layers)}
	c.poolFirst()
	c.shrinking()
	c.notExpanded()
	c.notFactorized()
	c.asymmetricGrid()
	c.width()
	return c.warnings, c.err
}

// critic collects warnings about a network.
type critic struct {
	spec, published Spec
	layers          []ops.Layer
	modules         []Module
	warnings        []Warning
	err             error
}

func (c *critic) warn(principle int, key, format string, args ...any) {
	c.warnings = append(c.warnings, Warning{principle, key, fmt.Sprintf(format, args...)})
}

// blocks returns the modules that join branches.
func (c *critic) blocks() (blocks []Module) {
	for _, m := range c.modules {
		for _, i := range m.Layers {
			if c.layers[i].Op == ops.OpConcat {
				blocks = append(blocks, m)
			}
		}
	}
	return blocks
}

// poolFirst finds modules whose whole input goes through a pool that
// halves the grid before the channels grow (section 5, fig. 9 left).
func (c *critic) poolFirst() {
	var names []string
	var in, squeezed, out [3]int
	for _, m := range c.blocks() {
		var readers []ops.Layer
		for _, i := range m.Layers {
			if c.layers[i].Inputs[0] == m.Input {
				readers = append(readers, c.layers[i])
			}
		}
		if len(readers) != 1 {
			continue
		}
		if l := readers[0]; l.StrideH > 1 && l.Op.IsPool() && l.Output[0] < m.Output[0] {
			if len(names) == 0 {
				in, squeezed, out = c.layers[m.Input].Output, readers[0].Output, m.Output
			}
			names = append(names, m.Name)
		}
	}
	if len(names) > 0 {
		c.warn(1, "model.grid_reduction", "%s pool before they widen: in %s %d values of %s are squeezed through %d of %s "+
			"on the way to %s; grid_reduction: efficient has convolutions next to the pool (section 5, fig. 10)",
			strings.Join(names, " and "), names[0], size(in), grid(in), size(squeezed), grid(squeezed), grid(out))
	}
}

// shrinking finds grids that shrink too early for the size of the images
// (section 9 keeps a grid of 35 for images of 151 and of 79 pixels), or to a
// single pixel.
func (c *critic) shrinking() {
	blocks := c.blocks()
	if len(blocks) == 0 {
		return
	}
	before, last := c.layers[blocks[0].Input].Output, blocks[len(blocks)-1].Output
	var cures []string
	if c.spec.Stem.Stride > 1 {
		cures = append(cures, "stem.stride: 1")
	}
	if c.spec.Stem.Pool {
		cures = append(cures, "stem.pool: false")
	}
	const least = 18 // half of the paper's 35
	switch {
	case before[1] < least && len(cures) > 0:
		c.warn(1, "model.stem", "the stem turns images of %d pixels into a grid of %dx%d, where the paper keeps 35x35 "+
			"for small images (section 9); model.%s or a larger model.input_size keeps more",
			c.spec.InputSize, before[1], before[2], strings.Join(cures, " and model."))
	case last[1] < 2:
		c.warn(1, "model.input_size", "the grid has shrunk to %dx%d in %s, so the windows of its convolutions see only "+
			"padding around it; a larger model.input_size keeps more",
			last[1], last[2], blocks[len(blocks)-1].Name)
	}
}

// notExpanded finds plain modules on the coarsest grid (section 6, fig. 7).
func (c *critic) notExpanded() {
	if c.spec.Expanded8x8 || !c.published.Expanded8x8 {
		return
	}
	blocks := c.blocks()
	last := blocks[len(blocks)-1]
	with := c.spec
	with.Expanded8x8 = true
	c.compare(with, func(expanded []ops.Layer) {
		c.warn(2, "model.expanded_8x8", "%s, on the coarsest grid, has %d channels instead of %d; expanded_8x8: true "+
			"widens the filter banks there (section 6, fig. 7)",
			last.Name, last.Output[0], expanded[lastConcat(expanded)].Output[0])
	})
}

func lastConcat(layers []ops.Layer) (last int) {
	for i, l := range layers {
		if l.Op == ops.OpConcat {
			last = i
		}
	}
	return last
}

// notFactorized finds large windows where the paper has several small ones,
// "as suggested by principle 3" (figs. 5 and 6).
func (c *critic) notFactorized() {
	if !c.spec.Factorized5x5 && c.published.Factorized5x5 {
		with := c.spec
		with.Factorized5x5 = true
		c.costs(with, "model.factorized_5x5", "5x5 convolutions instead of two 3x3 ones (fig. 5)", "factorized_5x5: true")
	}
	if !c.spec.Asymmetric7x7 && c.published.Asymmetric7x7 {
		with := c.spec
		with.Asymmetric7x7 = true
		c.costs(with, "model.asymmetric_7x7", "7x7 convolutions instead of 1x7 and 7x1 ones (fig. 6)",
			"asymmetric_7x7: true")
	}
}

func (c *critic) costs(with Spec, key, what, cure string) {
	c.compare(with, func(factorized []ops.Layer) {
		own, other := MACs(c.layers), MACs(factorized)
		c.warn(3, key, "%s raise the cost from %.3f to %.3f GMAC; %s saves the difference", what, float64(other)/1e9,
			float64(own)/1e9, cure)
	})
}

func (c *critic) compare(with Spec, use func([]ops.Layer)) {
	layers, err := Layers(with)
	if err != nil {
		c.err = err
		return
	}
	use(layers)
}

// asymmetricGrid checks whether 1xn and nx1 convolutions start outside the grids
// of 12 to 20 for which the paper recommends them (section 3.2).
func (c *critic) asymmetricGrid() {
	for _, m := range c.blocks() {
		for _, i := range m.Layers {
			l := c.layers[i]
			long, short := max(l.R, l.S), min(l.R, l.S)
			if l.Op != ops.OpConv || short != 1 || long < 7 {
				continue
			}
			if l.Output[1] >= 12 && l.Output[1] <= 20 {
				return
			}
			wide := ""
			if long > l.Output[1] {
				wide = "; these are wider than the grid"
			}
			c.warn(3, "model.input_size", "1x%d and %dx1 convolutions run on a grid of %dx%d from %s on; the paper "+
				"recommends them for grids of 12 to 20 (section 3.2)%s",
				long, long, l.Output[1], l.Output[2], m.Name, wide)
			return
		}
	}
}

// width finds a width that has grown without the depth, or that is so small that
// many convolutions have the minimum number of channels.
func (c *critic) width() {
	if c.spec.Width >= 1.5 {
		c.warn(4, "model.width", "width %g gives the network %g times the filters but no more depth; the paper "+
			"increases both together", c.spec.Width, c.spec.Width)
	}
	if c.spec.Width >= 1 {
		return
	}
	full := c.spec
	full.Width = 1
	c.compare(full, func(published []ops.Layer) {
		held, convs := 0, 0
		for i, l := range c.layers {
			if l.Op != ops.OpConv || l.Aux {
				continue
			}
			convs++
			if 3*float64(l.Output[0]) > 4*c.spec.Width*float64(published[i].Output[0]) && l.Output[0] == 16 {
				held++
			}
		}
		if 10*held >= convs {
			c.warn(4, "model.width", "at width %g, %d of %d convolutions have the minimum of 16 channels, so the stages "+
				"do not keep their proportions", c.spec.Width, held, convs)
		}
	})
}

func size(s [3]int) int    { return s[0] * s[1] * s[2] }
func grid(s [3]int) string { return fmt.Sprintf("%dx%dx%d", s[1], s[2], s[0]) }
