package model

import (
	"slices"
	"strings"

	"github.com/inception-go/inception/internal/blocks"
	"github.com/inception-go/inception/internal/settings"
	"gorgonia.org/gorgonia"
)

// Architecture is one network: everything that differs from the others. To add
// a network, write an Architecture and list it in architectures.
type Architecture struct {
	Name    string // model.variant
	About   string // a description for help texts, shown after the name
	Default Spec   // as published

	// The allowed values of model.stem.conv and of model.aux, and the keys of
	// Spec that are always as published.
	StemConvs []string
	AuxHeads  []string
	Fixed     []string

	NoGamma    bool   // batch norm has no scale
	Classifier string // the name of its layer
	Twin       Twin   // in PyTorch

	// Files with the parameter Mark are of this network or of one that shares it.
	// recognise distinguishes those and sets the settings of the published
	// structure by the file's other parameters. Telltale explains the reason.
	Mark, Telltale string
	recognise      func(s *Spec, has func(param string) bool) bool

	build func(s Spec, b *blocks.Builder, image *gorgonia.Node) outputs
}

// Twin is the network of a PyTorch library whose parameter names are used.
type Twin struct {
	Library, Name string // such as torchvision's inception_v3
	Spec          Spec   // its structure there
}

// String names the library and the network.
func (t Twin) String() string { return t.Library + "'s " + t.Name }

// architectures lists all networks, in the order of help texts.
var architectures = []Architecture{v2, v3, v2Table1, bnInception, googLeNet, inceptionV4}

// The names of the networks.
const (
	V2          = "v2"           // the first row of the paper's Table 3
	V3          = "v3"           // its last row
	V2Table1    = "v2-table1"    // Table 1 read literally
	BNInception = "bn-inception" // Ioffe and Szegedy 2015; TF-slim's inception_v2
	GoogLeNet   = "googlenet"    // Szegedy et al. 2014 with batch norm, as in torchvision
	InceptionV4 = "inception-v4" // Szegedy et al. 2016, as in timm
)

// Variants lists the names of all networks.
func Variants() (names []string) {
	for _, a := range architectures {
		names = append(names, a.Name)
	}
	return names
}

// aboutVariants lists the networks with descriptions, for help texts.
func aboutVariants() (all []settings.Choice) {
	for _, a := range architectures {
		all = append(all, settings.Choice{Name: a.Name, About: a.About})
	}
	return all
}

// DefaultSpec returns the network of that name as published.
func DefaultSpec(variant string) (Spec, error) {
	i := slices.IndexFunc(architectures, func(a Architecture) bool { return a.Name == variant })
	if i < 0 {
		return Spec{}, settings.Errorf("model.variant", "no network is called %q; the networks are %s", variant,
			strings.Join(Variants(), ", "))
	}
	return architectures[i].Default, nil
}

// Architecture returns the network of which s is a structure; s must be valid.
func (s Spec) Architecture() Architecture {
	i := slices.IndexFunc(architectures, func(a Architecture) bool { return a.Name == s.Variant })
	return architectures[i]
}

// Recognise returns the network that has parameters with these names, and why.
// ok is false if no known network has them.
func Recognise(has func(param string) bool) (spec Spec, reason string, ok bool) {
	for _, a := range architectures {
		if s := a.Default; has(a.Mark) && a.recognise(&s, has) {
			return s, a.Telltale, true
		}
	}
	return Spec{}, "", false
}

// Marks lists the parameters that identify networks.
func Marks() (marks []string) {
	for _, a := range architectures {
		if !slices.Contains(marks, a.Mark) {
			marks = append(marks, a.Mark)
		}
	}
	return marks
}

// HasSwitch reports whether a key of Spec, such as grid_reduction, changes
// anything in the network.
func (a Architecture) HasSwitch(key string) bool { return !slices.Contains(a.Fixed, key) }

// structureKeys are the keys of Spec for parts of V2 and V3 that other networks
// do not have.
var structureKeys = []string{"factorized_5x5", "tower_3x3", "asymmetric_7x7", "expanded_8x8", "grid_reduction",
	"depth", "stem.last_pool"}

// published returns the settings that most networks share, with changes.
func published(variant string, change func(*Spec)) Spec {
	s := Spec{
		Variant: variant, InputSize: 299, Width: 1,
		Stem:          Stem{Conv: "3x3", Stride: 2, Pool: true, LastPool: true},
		Depth:         publishedDepth,
		Factorized5x5: true, Asymmetric7x7: true, Expanded8x8: true,
		GridReduction: string(blocks.Efficient),
		Aux:           AuxBatchNorm, AuxLate: true, Dropout: 0.2, BNDecay: 0.9997, BNEps: 0.001,
		Init: "truncated_normal",
	}
	change(&s)
	return s
}

// lacks returns an error for a setting that s's network does not have and whose
// value is not the one it always has there.
func (s Spec) lacks() error {
	a := s.Architecture()
	for _, d := range s.Differences(a.Default) {
		key := strings.TrimPrefix(d.Key, "model.")
		if !a.HasSwitch(key) {
			return settings.Errorf(d.Key, "%s has no such setting: it is always %v there; remove the key", s.Variant, d.Other)
		}
	}
	return nil
}
