package weights

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/ops"
	"github.com/inception-go/inception/internal/weights/element"
	"github.com/inception-go/inception/internal/weights/hdf5"
	"github.com/inception-go/inception/internal/weights/pytorch"
	"github.com/inception-go/inception/internal/weights/tfckpt"
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
	From       string // one of Families; empty to tell by the keys
	NoHead     bool   // drop the classifier
	Preprocess string // name of the preprocessing; empty for the family's own
}

// Import reads weights that another tool has written.
func Import(path string, o ImportOptions) (*model.Weights, Metadata, error) {
	f, err := openForeign(path)
	if err != nil {
		return nil, Metadata{}, err
	}
	defer f.close()
	w, m, err := f.convert(o)
	if err != nil {
		return nil, Metadata{}, fmt.Errorf("import %s: %w", path, err)
	}
	return w, m, nil
}

// source is a tensor of the file that a parameter comes from.
type source struct {
	shape []int // in our order of axes
	read  func() ([]float32, error)
}

// foreign is an open file of another tool.
type foreign struct {
	container string
	tensors   []element.Tensor
	ours      *Tensors // of a safetensors file
	close     func()
}

func openForeign(path string) (*foreign, error) {
	container, err := sniff(path)
	if err != nil {
		return nil, fmt.Errorf("import: %w", err)
	}
	f := &foreign{container: container, close: func() {}}
	if container == containerTensorFlow || strings.HasSuffix(path, ".index") || strings.Contains(path, ".data-") {
		f.container = containerTensorFlow
		var releases []func() error
		f.close = func() {
			for _, release := range releases {
				_ = release()
			}
		}
		f.tensors, err = tfckpt.Read(tfckpt.Prefix(path), func(path string) ([]byte, error) {
			data, release, err := openBytes(path)
			if err == nil {
				releases = append(releases, release)
			}
			return data, err
		})
		return f, wrapImport(path, err, f)
	}
	if container == containerOther {
		if f.ours, err = ReadTensors(path); err == nil {
			f.close = func() { _ = f.ours.Close() }
		}
		return f, wrapImport(path, err, f)
	}
	data, release, err := openBytes(path)
	if err != nil {
		return nil, fmt.Errorf("import: %w", err)
	}
	f.close = func() { _ = release() }
	err = guard(func() (err error) {
		if container == containerHDF5 {
			f.tensors, err = hdf5.Read(data)
		} else {
			f.tensors, _, err = pytorch.Read(data)
		}
		return err
	})
	return f, wrapImport(path, err, f)
}

// wrapImport closes the file if there is an error.
func wrapImport(path string, err error, f *foreign) error {
	if err == nil {
		return nil
	}
	f.close()
	return fmt.Errorf("import %s: %w", path, err)
}

// sources lists the file's tensors by name, as they are.
func (f *foreign) sources() map[string]source {
	all := map[string]source{}
	if f.ours != nil {
		for _, info := range f.ours.Infos() {
			all[info.Name] = source{info.Shape, func() ([]float32, error) { return f.ours.Floats(info.Name) }}
		}
	}
	for _, t := range f.tensors {
		all[t.Name] = source{t.Shape, t.Floats}
	}
	return all
}

// convert finds the family, maps the keys and builds the weights.
func (f *foreign) convert(o ImportOptions) (*model.Weights, Metadata, error) {
	all := f.sources()
	family := familyOf(all)
	switch {
	case o.From != "" && !slices.Contains(Families(), o.From):
		return nil, Metadata{}, fmt.Errorf("--from: must be one of %s, is %q", strings.Join(Families(), ", "), o.From)
	case family == "":
		return nil, Metadata{}, fmt.Errorf("its %d tensors have none of the names that torchvision, timm, Keras or slim give to an Inception", len(all))
	case o.From != "" && o.From != family && !(family == Torchvision && o.From == Timm):
		return nil, Metadata{}, fmt.Errorf("--from is %s, but the names are those of %s", o.From, family)
	case o.From != "":
		family = o.From
	}
	mapped, notes, err := map[string]func(map[string]source) (map[string]source, []string, error){
		Torchvision: fromTorchvision, Timm: fromTorchvision, Keras: fromKeras, Slim: fromSlim,
	}[family](all)
	if err != nil {
		return nil, Metadata{}, err
	}
	m, err := metadataFor(family, o, mapped)
	if err != nil {
		return nil, Metadata{}, err
	}
	m.Notes = append(notes, m.Notes...)
	shapes := map[string][]int{}
	for name, s := range mapped {
		if m.NoHead && IsHead(name) {
			continue
		}
		shapes[name] = s.shape
	}
	w, err := build(m, shapes, func(p *ops.Param) ([]float32, error) { return mapped[p.Name].read() })
	return w, m, err
}

// metadataFor reads the structure off the mapped tensors and settles what the
// family implies.
func metadataFor(family string, o ImportOptions, mapped map[string]source) (m Metadata, err error) {
	shapes := map[string][]int{}
	for name, s := range mapped {
		shapes[name] = s.shape
	}
	if m.Spec, m.NoHead, m.Notes, err = guessSpec(shapes); err != nil {
		return m, err
	}
	m.NoHead = m.NoHead || o.NoHead
	preprocess := o.Preprocess
	switch family {
	case Keras, Slim:
		m.Spec.AvgPoolCountIncludePad = false
		m.Notes = append(m.Notes[:len(m.Notes)-1], "average pools leave the padding out, as TensorFlow's do")
		if preprocess == "" {
			preprocess = "inception"
		}
	case Timm:
		if preprocess == "" {
			return m, errors.New("timm's weights differ in preprocessing: give --preprocess imagenet (tv_in1k's transform_input is not used by timm) or --preprocess inception (tf_in1k, gluon_in1k)")
		}
	case Torchvision:
		if preprocess == "" {
			preprocess = "torchvision"
		}
	}
	m.nameClasses()
	m.InputSize = m.Spec.InputSize
	if m.Preprocess, err = dataset.NamedPreprocess(preprocess, m.InputSize); err != nil {
		return m, fmt.Errorf("--preprocess: %w", err)
	}
	m.Extra = map[string]string{"imported_from": family}
	return m, nil
}

// familyOf tells whose names these are; timm's are torchvision's.
func familyOf(all map[string]source) string {
	for name := range all {
		switch {
		case strings.HasSuffix(name, "Mixed_5b.branch1x1.conv.weight"):
			return Torchvision
		case strings.HasPrefix(name, "InceptionV3/"):
			return Slim
		case kerasName.MatchString(name):
			return Keras
		}
	}
	return ""
}

// fromTorchvision drops the prefix that DataParallel leaves.
func fromTorchvision(all map[string]source) (map[string]source, []string, error) {
	mapped := map[string]source{}
	for name, s := range all {
		mapped[strings.TrimPrefix(name, "module.")] = s
	}
	return mapped, nil, nil
}
