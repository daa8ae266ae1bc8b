package convert

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/inception-go/inception/internal/labels"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/ops"
	"github.com/inception-go/inception/internal/picture"
	"github.com/inception-go/inception/internal/weights"
)

// familyPreprocess is what the published weights of a family have learned from.
var familyPreprocess = map[string]string{Torchvision: "torchvision", Keras: "inception", Slim: "inception"}

// restore makes weights of a file that export wrote, with all that is in it beside the
// tensors. The answers to its golden pictures are left out if the options make others
// of them.
func (f *foreign) restore(m weights.Metadata, o ImportOptions) (*model.Weights, weights.Metadata, error) {
	if m.Int8 {
		return nil, m, errors.New("is a weight file of quantised weights already; it is used as it is")
	}
	m.Notes = append(f.notes, fmt.Sprintf("structure, preprocessing and labels as inception %s wrote them", m.Version))
	stated, features := statement{"the file itself", m.Preprocess, m.Labels}, m.NoHead
	if err := o.override(&m, o.Preprocess, stated); err != nil {
		return nil, m, err
	}
	t := translation{tensors: maps.Clone(f.dicts[0].tensors)}
	if m.NoHead = m.NoHead || o.NoHead; m.NoHead && !features {
		if err := t.drop(m.Spec, func(p *ops.Param) bool { return p.Head }); err != nil {
			return nil, m, err
		}
	}
	if len(m.Golden) > 0 && (m.NoHead != features || m.Preprocess != stated.Preprocess) {
		for i := range m.Golden {
			m.Golden[i].Values = nil
		}
		m.Notes = append(m.Notes, "the golden pictures get new answers, by what is asked for: check compares with these, "+
			"no longer with those that the file came with")
	}
	w, err := weights.Assemble(&m, t.shapes(), nil, func(name string) ([]float32, error) { return t.tensors[name].read() })
	return w, m, err
}

// describe settles the preprocessing and the labels of another tool's weights: what
// timm's configuration says, else what is usual for the family; and over both, what
// the caller says.
func (o ImportOptions) describe(m *weights.Metadata, family string, config *timmConfig) error {
	var stated statement
	name := o.Preprocess
	switch {
	case config != nil:
		stated = config.statement(m)
		m.Preprocess, m.Notes = stated.Preprocess, append(m.Notes, config.misfits(m)...)
		if name == "" {
			m.Notes = append(m.Notes, fmt.Sprintf("preprocessing as timm's %s says", timmConfigFile))
		}
		if stated.labels != nil {
			m.Labels = stated.labels
		}
	case family == Timm && name == "":
		return errNoTimmConfig
	case family != Timm:
		usual, err := picture.NamedPreprocess(familyPreprocess[family], m.Spec.InputSize)
		if err != nil {
			return err
		}
		if m.Preprocess = usual; slices.Equal(m.Labels, labels.ImageNet()) {
			stated = statement{family + "'s own weights of 1000 classes", usual, m.Labels}
		}
	}
	return o.override(m, name, stated)
}

// statement is what somebody says of the images and classes of weights.
type statement struct {
	who string // empty if nobody says anything
	picture.Preprocess
	labels []string
}

// override gives weights what the caller says, and warns where that contradicts what
// is stated.
func (o ImportOptions) override(m *weights.Metadata, name string, stated statement) (err error) {
	p := m.Preprocess
	if p.Size == 0 {
		p.Size = m.Spec.InputSize
	}
	if name != "" {
		if p, err = picture.NamedPreprocess(name, p.Size); err != nil {
			return err
		}
	}
	if o.Interpolation != "" {
		p.Interpolation = o.Interpolation
	}
	if o.InputSize > 0 {
		p.Size = o.InputSize
	}
	m.Preprocess = p.WithCrop(o.CropPct).WithGeometry(o.Geometry)
	if err := m.Network().WithoutAux().CheckSize(); err != nil {
		return err
	}
	if len(o.Labels) > 0 {
		if m.NoHead || len(o.Labels) != m.Spec.Classes {
			return fmt.Errorf("--labels: %d labels, but the classifier of the file has %d classes", len(o.Labels), m.Classes())
		}
		m.Labels = o.Labels
	}
	if against := stated.contradictions(*m); len(against) > 0 {
		m.Notes = append(m.Notes, fmt.Sprintf("warning: what is asked for contradicts %s: %s; answers are wrong unless the "+
			"weights have learned from such images", stated.who, strings.Join(against, ", ")))
	}
	return nil
}

// contradictions lists where weights are said to be other than stated.
func (s statement) contradictions(m weights.Metadata) (against []string) {
	if s.who == "" {
		return nil
	}
	p := m.Preprocess
	differ := func(what string, differs bool, is, stated any) {
		if differs {
			against = append(against, fmt.Sprintf("%s %v instead of %v", what, is, stated))
		}
	}
	differ("input size", p.Size != s.Size, p.Size, s.Size)
	differ("mean", p.Mean != s.Mean, p.Mean, s.Mean)
	differ("std", p.Std != s.Std, p.Std, s.Std)
	differ("geometry", p.Geometry != s.Geometry, p.Geometry, s.Geometry)
	// Tools round the size that they resize to, each in its way.
	differ("crop_pct", math.Abs(1/p.CropPct-1/s.CropPct)*float64(p.Size) > 1, p.CropPct, s.CropPct)
	differ("interpolation", p.Interpolation != s.Interpolation, p.Interpolation, s.Interpolation)
	for i := range min(len(s.labels), len(m.Labels)) {
		if s.labels[i] != m.Labels[i] {
			differ(fmt.Sprintf("label %d", i), true, m.Labels[i], s.labels[i])
			break
		}
	}
	return against
}
