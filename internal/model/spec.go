// Package model builds whole networks out of blocks and runs them.
package model

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/inception-go/inception/internal/blocks"
	"github.com/inception-go/inception/internal/settings"
)

// Spec describes the structure of a network: the model.* keys of a
// configuration. It is stored with the weights.
type Spec struct {
	Variant                string  `yaml:"variant" json:"variant"`
	InputSize              int     `yaml:"input_size" json:"input_size" help:"height and width of the images in pixels"`
	Classes                int     `yaml:"classes" json:"classes" help:"number of classes; 0 takes it from the data"`
	Width                  float64 `yaml:"width" json:"width" help:"multiplies every channel count; results are rounded to multiples of 16"`
	Stem                   Stem    `yaml:"stem" json:"stem"`
	Depth                  [3]int  `yaml:"depth" json:"depth" help:"modules on the grids of 35x35, 17x17 and 8x8, without those that halve a grid"`
	Factorized5x5          bool    `yaml:"factorized_5x5" json:"factorized_5x5" help:"two 3x3 convolutions instead of a 5x5 in the 35x35 modules (fig. 5)"`
	Tower3x3               bool    `yaml:"tower_3x3" json:"tower_3x3" help:"the middle tower of the 35x35 modules is a 3x3 convolution, as in fig. 5, instead of the released code's 5x5"`
	Asymmetric7x7          bool    `yaml:"asymmetric_7x7" json:"asymmetric_7x7" help:"1x7 and 7x1 convolutions instead of 7x7 in the 17x17 modules (fig. 6)"`
	Expanded8x8            bool    `yaml:"expanded_8x8" json:"expanded_8x8" help:"expanded filter banks in the 8x8 modules (fig. 7)"`
	GridReduction          string  `yaml:"grid_reduction" json:"grid_reduction" help:"efficient (fig. 10), pool_first or expand_first (fig. 9)"`
	Aux                    string  `yaml:"aux" json:"aux" help:"auxiliary head: none, plain (a bias) or batch_norm"`
	AuxLate                bool    `yaml:"aux_late" json:"aux_late" help:"an auxiliary head on the last 17x17 module; false with aux_early leaves only the early one"`
	AuxEarly               bool    `yaml:"aux_early" json:"aux_early" help:"a second auxiliary head on the first 17x17 module, as in Inception V1"`
	AuxDropout             float64 `yaml:"aux_dropout" json:"aux_dropout" help:"probability that a feature before an auxiliary head's classifier is dropped in training"`
	Dropout                float64 `yaml:"dropout" json:"dropout" help:"probability that a pooled feature is dropped in training"`
	BNDecay                float64 `yaml:"bn_decay" json:"bn_decay" help:"decay of batch norm's running statistics per step"`
	BNEps                  float64 `yaml:"bn_eps" json:"bn_eps" help:"added to batch norm's variance"`
	AvgPoolCountIncludePad bool    `yaml:"avgpool_count_include_pad" json:"avgpool_count_include_pad" help:"padding counts in the 3x3 average pools' divisor (torchvision: true, TensorFlow: false)"`
	Init                   string  `yaml:"init" json:"init" help:"initial weights: truncated_normal (stddev 0.1, as published), he (stddev from the fan-in) or dirac (he, but a convolution's first outputs are its inputs, unchanged; Jordan 2024); classifiers begin with 0.001 in all"`
}

// Help returns the help of the key variant, which lists the networks.
func (s Spec) Help(name string) string {
	if name != "variant" {
		return ""
	}
	return "network: " + settings.Choices(aboutVariants()) + "; sets the defaults of the other model.* keys"
}

// Stem holds the switches of the stem.
type Stem struct {
	Conv   string `yaml:"conv" json:"conv" help:"first convolutions: 3x3 (three of them) or 7x7 (one); bn-inception: separable or 7x7; googlenet: 7x7"`
	Stride int    `yaml:"stride" json:"stride" help:"stride of the first convolution: 2, or 1 for small images"`
	Pool   bool   `yaml:"pool" json:"pool" help:"whether the first max pool is there; false for small images"`

	LastPool bool `yaml:"last_pool" json:"last_pool" help:"whether the max pool at the stem's end is there; false, with stride 1 and without the first, for modules that see small images in full size"`
}

// The settings of Spec.Aux.
const (
	AuxNone      = "none"
	AuxPlain     = "plain"
	AuxBatchNorm = "batch_norm"
)

// MaxInputSize is the largest input of a network, in pixels a side.
const MaxInputSize = 4096

// Older returns what a Spec that was written by an older version says nothing of.
func Older() Spec { return Spec{AuxLate: true, Stem: Stem{LastPool: true}, Depth: publishedDepth} }

// mostModules is the most modules on a grid.
const mostModules = 20

// publishedDepth are the modules on each grid of Inception V2 and V3.
var publishedDepth = [3]int{3, 4, 2}

// At returns the same network for images of another size, in pixels a side; 0 leaves
// it. The preprocessing says it at run time: weights fit any size, and their Spec's
// own may be another.
func (s Spec) At(size int) Spec {
	s.InputSize = cmp.Or(size, s.InputSize)
	return s
}

// Validate returns what is wrong with the settings, in one line that starts
// with the key. CheckSize checks whether the input size fits the structure.
func (s Spec) Validate() error {
	oneOf := func(key, value string, values ...string) error {
		if slices.Contains(values, value) {
			return nil
		}
		return settings.ChoiceErrorf("model."+key, values, "must be one of %s, is %q", strings.Join(values, ", "), value)
	}
	inRange := func(key string, ok bool, needs string, value any) error {
		if ok {
			return nil
		}
		return settings.Errorf("model."+key, "must be %s, is %v", needs, value)
	}
	if err := oneOf("variant", s.Variant, Variants()...); err != nil {
		return err
	}
	a := s.Architecture()
	for _, err := range []error{
		inRange("input_size", s.InputSize >= 1 && s.InputSize <= MaxInputSize, fmt.Sprintf("from 1 to %d", MaxInputSize),
			s.InputSize),
		inRange("classes", s.Classes >= 0 && s.Classes <= 1<<20, "from 0 to 1048576", s.Classes),
		inRange("width", s.Width >= 0.01 && s.Width <= 16, "from 0.01 to 16", s.Width),
		oneOf("stem.conv", s.Stem.Conv, a.StemConvs...),
		inRange("stem.stride", s.Stem.Stride == 1 || s.Stem.Stride == 2, "1 or 2", s.Stem.Stride),
		oneOf("grid_reduction", s.GridReduction, string(blocks.Efficient), string(blocks.PoolFirst),
			string(blocks.ExpandFirst)),
		oneOf("aux", s.Aux, a.AuxHeads...),
		inRange("aux_late", s.AuxLate || s.AuxEarly || s.Aux == AuxNone,
			"true when there is no early head either (model.aux none turns both off)", s.AuxLate),
		inRange("aux_early", !s.AuxEarly || s.Aux != AuxNone, "false when model.aux is none", s.AuxEarly),
		inRange("aux_dropout", s.AuxDropout >= 0 && s.AuxDropout < 1, "at least 0 and below 1", s.AuxDropout),
		inRange("dropout", s.Dropout >= 0 && s.Dropout < 1, "at least 0 and below 1", s.Dropout),
		inRange("bn_decay", s.BNDecay >= 0 && s.BNDecay < 1, "at least 0 and below 1", s.BNDecay),
		inRange("bn_eps", s.BNEps > 0 && s.BNEps < 1, "above 0 and below 1", s.BNEps),
		oneOf("init", s.Init, "truncated_normal", "he", "dirac"),
		inRange("depth", slices.Min(s.Depth[:]) >= 1 && slices.Max(s.Depth[:]) <= mostModules,
			fmt.Sprintf("three numbers from 1 to %d", mostModules), s.Depth),
	} {
		if err != nil {
			return err
		}
	}
	return s.lacks()
}
