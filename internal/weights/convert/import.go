package convert

import (
	"fmt"
	"slices"
	"strings"

	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/ops"
	"github.com/inception-go/inception/internal/picture"
	"github.com/inception-go/inception/internal/spelling"
	"github.com/inception-go/inception/internal/weights"
)

// The families of weight files.
const (
	Torchvision = "torchvision"
	Timm        = "timm"
	Keras       = "keras"
	Slim        = "slim"
)

// Families lists what ImportOptions.From can be.
func Families() []string { return []string{Torchvision, Timm, Keras, Slim} }

// ImportOptions say how a foreign file is read.
type ImportOptions struct {
	From   string // one of Families; empty to tell by the keys, or by what export has put into the file
	NoHead bool   // drop the classifier
	Key    string // of the state dict to take, where a file has several; empty to choose

	// What the caller says of the images and classes; zero values for what the file
	// says, or what is usual for its family.
	Preprocess    string // for picture.NamedPreprocess
	InputSize     int
	CropPct       float64
	Geometry      string // of picture.Geometries
	Interpolation string
	Labels        []string
}

// Validate returns what is wrong with the options, whatever the file.
func (o ImportOptions) Validate() error {
	if o.From != "" && !slices.Contains(Families(), o.From) {
		return fmt.Errorf("--from: must be one of %s, is %q%s", strings.Join(Families(), ", "), o.From,
			spelling.Suggest(o.From, Families()))
	}
	if o.Preprocess != "" {
		if _, err := picture.NamedPreprocess(o.Preprocess, 1); err != nil {
			return fmt.Errorf("--preprocess: %w", err)
		}
	}
	if o.Geometry != "" {
		if err := picture.CheckGeometry(o.Geometry); err != nil {
			return fmt.Errorf("--geometry: %w", err)
		}
	}
	if o.Interpolation != "" {
		if err := picture.CheckInterpolation(o.Interpolation); err != nil {
			return fmt.Errorf("--interpolation: %w", err)
		}
	}
	switch {
	case o.InputSize < 0 || o.InputSize > model.MaxInputSize:
		return fmt.Errorf("--input-size: must be from 1 to %d, is %d", model.MaxInputSize, o.InputSize)
	case !(o.CropPct >= 0 && o.CropPct <= 1):
		return fmt.Errorf("--crop-pct: must be above 0 and at most 1, is %g", o.CropPct)
	case o.Geometry == picture.AsIs && o.CropPct > 0 && o.CropPct < 1:
		return fmt.Errorf("--crop-pct: nothing is cropped with --geometry %s", picture.AsIs)
	}
	return nil
}

// Import reads weights that another tool has written.
func Import(path string, o ImportOptions) (*model.Weights, weights.Metadata, error) {
	if err := o.Validate(); err != nil {
		return nil, weights.Metadata{}, err
	}
	f, err := openForeign(path)
	if err != nil {
		return nil, weights.Metadata{}, err
	}
	defer f.close()
	w, m, err := f.convert(o)
	if err != nil {
		return nil, weights.Metadata{}, fmt.Errorf("import %s: %w", path, err)
	}
	return w, m, nil
}

// translation is what a file holds, under our names.
type translation struct {
	tensors map[string]source
	theirs  func(name string) string // what the family calls a tensor of ours; nil if the same
	noHead  bool                     // the classifier, if there is one, is another than the family's
	notes   []string
}

// translators turn the tensors of each family into ours.
var translators = map[string]func(network) (translation, error){
	Torchvision: fromTorchvision, Timm: fromTorchvision,
	Keras: func(n network) (translation, error) { return fromKeras(n.tensors) },
	Slim:  func(n network) (translation, error) { return fromSlim(n.tensors) },
}

// convert finds the family, maps the keys and builds the weights.
func (f *foreign) convert(o ImportOptions) (*model.Weights, weights.Metadata, error) {
	if o.From == "" && o.Key == "" {
		if m, known, err := weights.ParseMetadata(f.own); known {
			if err != nil {
				return nil, m, fmt.Errorf("%w; --from reads its tensors alone", err)
			}
			return f.restore(m, o)
		}
	}
	n, err := f.choose(o.Key)
	if err != nil {
		return nil, weights.Metadata{}, err
	}
	family, err := n.familyAs(o.From)
	if err != nil {
		return nil, weights.Metadata{}, err
	}
	t, err := translators[family](n)
	if err != nil {
		return nil, weights.Metadata{}, err
	}
	if family == Torchvision && t.library() == Timm {
		family = Timm
	}
	var config *timmConfig
	if family == Timm || family == Torchvision && o.From == "" {
		// timm's names are torchvision's: the configuration tells them apart.
		if config, err = readTimmConfig(f.path); err != nil && o.Preprocess == "" {
			return nil, weights.Metadata{}, err
		}
		if config != nil {
			family = Timm
		}
	}
	t.notes = append(f.notes, t.notes...)
	if err := t.dropOddAux(); err != nil {
		return nil, weights.Metadata{}, err
	}
	m, err := t.metadata(family, o.NoHead)
	if err != nil {
		return nil, weights.Metadata{}, err
	}
	if o.From == "" {
		if err := refuseFID(m); err != nil {
			return nil, weights.Metadata{}, err
		}
	}
	if err := o.describe(&m, family, config); err != nil {
		return nil, weights.Metadata{}, err
	}
	if m.NoHead {
		if err := t.drop(m.Spec, func(p *ops.Param) bool { return p.Head }); err != nil {
			return nil, weights.Metadata{}, err
		}
	}
	read := func(name string) ([]float32, error) { return t.tensors[name].read() }
	w, err := weights.Assemble(&m, t.shapes(), t.theirs, read)
	return w, m, err
}

// familyAs tells whose tensors these are; from is what the caller says.
func (n network) familyAs(from string) (string, error) {
	switch {
	case n.family == Torchvision && from == Timm:
		return Timm, nil
	case from != "" && from != n.family:
		return "", fmt.Errorf("--from is %s, but the names are those of %s", from, n.family)
	}
	return n.family, nil
}

// library returns whose network it is: torchvision's or timm's.
func (t translation) library() string {
	m, err := weights.Guess(t.shapes())
	if err != nil {
		return Torchvision // for metadata to say
	}
	return m.Spec.Architecture().Twin.Library
}

// dropOddAux leaves the auxiliary heads out if one has other classes than the
// classifier, as one has that was not exchanged when the classifier was, or is
// not the network's own.
func (t *translation) dropOddAux() error {
	m, err := weights.Guess(t.shapes())
	if err != nil || m.Spec.Aux == model.AuxNone {
		return nil // for metadata to say
	}
	params, err := model.Parameters(m.Spec)
	if err != nil {
		return err
	}
	for _, p := range params {
		if !p.Aux || !p.Head {
			continue
		}
		s, ok := t.tensors[p.Name]
		switch {
		case !ok:
			t.notes = append(t.notes, fmt.Sprintf("the auxiliary head has no %s; it is left out", p.Name))
		case m.NoHead || t.noHead || len(s.shape) == 0 || s.shape[0] == m.Spec.Classes:
			continue
		default:
			t.notes = append(t.notes, fmt.Sprintf("the auxiliary head has %d classes and the classifier %d; "+
				"the auxiliary head is left out", s.shape[0], m.Spec.Classes))
		}
		kind := kindOf(p.Module)
		for name := range t.tensors {
			if kindOf(name) == kind {
				delete(t.tensors, name)
			}
		}
		return nil
	}
	return nil
}

// drop leaves out the tensors of some parameters of a structure.
func (t *translation) drop(spec model.Spec, which func(p *ops.Param) bool) error {
	spec.Classes = max(spec.Classes, 1)
	params, err := model.Parameters(spec)
	for _, p := range params {
		if which(p) {
			delete(t.tensors, p.Name)
		}
	}
	return err
}

func (t translation) shapes() map[string][]int {
	shapes := map[string][]int{}
	for name, s := range t.tensors {
		shapes[name] = s.shape
	}
	return shapes
}

// metadata reads the structure off the tensors and settles what the family
// implies.
func (t translation) metadata(family string, noHead bool) (m weights.Metadata, err error) {
	if m, err = weights.Guess(t.shapes()); err != nil {
		return m, err
	}
	m.NoHead = m.NoHead || t.noHead || noHead
	m.Spec.AvgPoolCountIncludePad = m.Spec.AvgPoolCountIncludePad && (family == Torchvision || family == Timm)
	m.Extra = map[string]string{"imported_from": family}
	m.Notes = append(t.notes, m.Notes...)
	if !m.Spec.AvgPoolCountIncludePad && m.Spec.Architecture().HasSwitch("avgpool_count_include_pad") {
		m.Notes = append(m.Notes, "average pools leave the padding out, as TensorFlow's do")
	}
	m.NameClasses()
	return m, nil
}
