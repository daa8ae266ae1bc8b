package weights

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/ops"
	"github.com/inception-go/inception/internal/parallel"
)

// Load reads a weight file, or the best weights of a run folder (its last
// ones if there are no best). A safetensors file of somebody else with
// torchvision's keys loads too; Metadata.Notes then says what was guessed.
func Load(path string) (*model.Weights, Metadata, error) {
	path, err := resolve(path)
	if err != nil {
		return nil, Metadata{}, err
	}
	if err := refuseForeign(path); err != nil {
		return nil, Metadata{}, err
	}
	t, err := ReadTensors(path)
	if err != nil {
		return nil, Metadata{}, err
	}
	defer t.Close()
	w, m, err := fromTensors(t)
	if err != nil {
		return nil, Metadata{}, fmt.Errorf("%s: %w", path, err)
	}
	return w, m, nil
}

// resolve returns the weight file of a run folder, and a file as it is.
func resolve(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("weights %s: there is no such file or run folder", path)
		}
		return "", fmt.Errorf("weights %w", err)
	}
	if !info.IsDir() {
		return path, nil
	}
	for _, name := range []string{"best.safetensors", "last.safetensors"} {
		file := filepath.Join(path, name)
		if _, err := os.Stat(file); err == nil {
			return file, nil
		}
	}
	return "", fmt.Errorf("weights %s: the folder has neither best.safetensors nor last.safetensors, so it is no run that has saved", path)
}

// fromTensors makes weights of an open file with torchvision's keys.
func fromTensors(t *Tensors) (*model.Weights, Metadata, error) {
	shapes := map[string][]int{}
	for _, info := range t.Infos() {
		shapes[info.Name] = info.Shape
	}
	m, known, err := decodeMetadata(t.Metadata)
	if err != nil {
		return nil, Metadata{}, err
	}
	if !known {
		if m.Spec, m.NoHead, m.Notes, err = guessSpec(shapes); err != nil {
			return nil, Metadata{}, err
		}
		m.InputSize = m.Spec.InputSize
		m.Preprocess = dataset.TorchvisionPreprocess(m.InputSize)
		m.Notes = append(m.Notes, "it has no metadata, so average pools count their padding and images are preprocessed as torchvision's: "+m.Preprocess.String())
	}
	w, err := build(m, shapes, nil, func(p *ops.Param) ([]float32, error) { return t.Floats(p.Name) })
	if err != nil && !known {
		return nil, m, fmt.Errorf("%w\n  (%s)", err, joinNotes(m.Notes))
	}
	if err == nil && !known {
		err = m.keepBatches(shapes, t.Floats)
	}
	return w, m, err
}

func joinNotes(notes []string) string {
	s := ""
	for i, n := range notes {
		if i > 0 {
			s += "; "
		}
		s += n
	}
	return s
}

// build checks that shapes are those of m's structure, and only then takes
// memory and fills it by read, which gives a parameter in file order. theirs
// is for errors, see compare.
func build(m Metadata, shapes map[string][]int, theirs func(string) string, read func(p *ops.Param) ([]float32, error)) (*model.Weights, error) {
	params, err := expected(m.Spec, m.NoHead)
	if err != nil {
		return nil, err
	}
	if err := compare(describe(m), params, shapes, theirs); err != nil {
		return nil, err
	}
	spec := m.Spec
	if m.NoHead {
		spec.Classes = headlessClasses
	}
	w, err := model.ZeroWeights(spec)
	if err != nil {
		return nil, err
	}
	var failure error
	var once sync.Once
	parallel.For(len(w.Params), func(i int) {
		p := w.Params[i]
		if m.NoHead && IsHead(p.Name) {
			return
		}
		values, err := read(p)
		if err == nil {
			err = p.SetValues(values)
		}
		if err != nil {
			once.Do(func() { failure = err })
		}
	})
	return w, failure
}

// describe names a network in a few words.
func describe(m Metadata) string {
	s := fmt.Sprintf("%s with %d classes, width %g, auxiliary head %s", m.Spec.Variant, m.Spec.Classes, m.Spec.Width, m.Spec.Aux)
	if m.NoHead {
		s = fmt.Sprintf("%s without classifier, width %g, auxiliary head %s", m.Spec.Variant, m.Spec.Width, m.Spec.Aux)
	}
	return s
}
