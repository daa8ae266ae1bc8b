package weights

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/parallel"
	"github.com/inception-go/inception/internal/picture"
	"github.com/inception-go/inception/internal/rundir"
	"github.com/inception-go/inception/internal/shell"
	"github.com/inception-go/inception/internal/weights/container"
)

// Load reads a weight file, or the best weights of a run folder (its last
// ones if there are no best). A safetensors file of another tool with
// torchvision's keys loads too; Metadata.Notes then says what was guessed. A file
// that is not as its checksums say is refused.
func Load(path string) (*model.Weights, Metadata, error) {
	t, m, err := open(path)
	if err != nil {
		return nil, Metadata{}, err
	}
	defer t.Close()
	if t.HasChecksums() {
		if err := t.Verify(); err != nil {
			return nil, Metadata{}, fmt.Errorf("%w; take another copy, or, if a tool has changed the weights on purpose, "+
				"write them without the metadata's %q", err, sumsKey)
		}
	}
	w, err := fromTensors(t, &m)
	if err != nil {
		return nil, Metadata{}, fmt.Errorf("%s: %w", path, err)
	}
	return w, m, nil
}

// LoadMetadata reads what a weight file or a run folder says beside its
// tensors.
func LoadMetadata(path string) (Metadata, error) {
	t, m, err := open(path)
	if err != nil {
		return Metadata{}, err
	}
	return m, t.Close()
}

// open opens a weight file, or that of a run folder, as Load does.
func open(path string) (*Tensors, Metadata, error) {
	file, err := resolve(path)
	if err != nil {
		return nil, Metadata{}, err
	}
	if err := refuseForeign(file); err != nil {
		return nil, Metadata{}, err
	}
	t, err := ReadTensors(file)
	if err != nil {
		return nil, Metadata{}, err
	}
	m, err := metadataOf(t)
	if err != nil {
		t.Close()
		return nil, Metadata{}, fmt.Errorf("%s: %w", file, err)
	}
	return t, m, nil
}

// refuseForeign says what to do with weights of another tool.
func refuseForeign(path string) error {
	kind, err := container.Of(path)
	if err != nil || kind == container.Other {
		return err
	}
	return fmt.Errorf("%s: is a %s file; convert it with: inception import %s -o OUT.safetensors",
		path, kind, shell.Quote(path))
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
	if file, ok := rundir.Weights(path); ok {
		return file, nil
	}
	return "", fmt.Errorf("weights %s: the folder has neither %s nor %s, so it is not a run that has saved weights",
		path, rundir.Best, rundir.Last)
}

// metadataOf returns what an open file says, or what its keys let guess.
func metadataOf(t *Tensors) (Metadata, error) {
	m, known, err := ParseMetadata(t.Metadata)
	if known || err != nil {
		return m, err
	}
	if m, err = Guess(t.shapes()); err != nil {
		return Metadata{}, err
	}
	m.NameClasses()
	m.Preprocess = picture.TorchvisionPreprocess(m.Spec.InputSize)
	m.Notes = append(m.Notes, "it has no metadata, so average pools count their padding "+
		"and images are preprocessed as torchvision's: "+m.Preprocess.String())
	return m, nil
}

// fromTensors makes weights of an open file. What another tool's file has
// beside them, m keeps.
func fromTensors(t *Tensors, m *Metadata) (*model.Weights, error) {
	if m.Int8 {
		return loadInt8(t, m)
	}
	shapes := t.shapes()
	w, err := build(*m, shapes, nil, t.Floats)
	if err == nil {
		m.noteNaNs(w)
	}
	if len(m.Notes) == 0 {
		return w, err
	}
	if err != nil {
		return nil, fmt.Errorf("%w\n  (%s)", err, strings.Join(m.Notes, "; "))
	}
	return w, m.keepBatches(shapes, t.Floats)
}

// shapes lists the shapes of the tensors by name.
func (t *Tensors) shapes() map[string][]int {
	shapes := map[string][]int{}
	for _, info := range t.Infos() {
		shapes[info.Name] = info.Shape
	}
	return shapes
}

// Assemble makes weights of tensors that another tool has written, under
// torchvision's names. It checks that shapes are those of m's structure, and
// only then takes memory and fills it by read. theirs, if there is one, says
// what the tool calls a parameter, for errors. m keeps what the tensors hold
// beside the weights.
func Assemble(m *Metadata, shapes map[string][]int, theirs func(name string) string,
	read func(name string) ([]float32, error)) (*model.Weights, error) {
	w, err := build(*m, shapes, theirs, read)
	if err != nil {
		return nil, err
	}
	m.noteNaNs(w)
	return w, m.keepBatches(shapes, read)
}

// build is Assemble without what lies beside the weights.
func build(m Metadata, shapes map[string][]int, theirs func(name string) string,
	read func(name string) ([]float32, error)) (*model.Weights, error) {
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
	errs := make([]error, len(w.Params)) // of which the first in file order is returned
	parallel.For(len(w.Params), func(i int) {
		p := w.Params[i]
		if m.NoHead && p.Head {
			return
		}
		values, err := read(p.Name)
		if err == nil {
			err = p.SetValues(values)
		}
		errs[i] = err
	})
	if i := slices.IndexFunc(errs, func(err error) bool { return err != nil }); i >= 0 {
		return nil, errs[i]
	}
	return w, nil
}

// describe names a network in a few words.
func describe(m Metadata) string {
	head := fmt.Sprintf("with %d classes", m.Spec.Classes)
	if m.NoHead {
		head = "without classifier"
	}
	return fmt.Sprintf("%s %s, width %g, auxiliary head %s", m.Spec.Variant, head, m.Spec.Width, m.Spec.Aux)
}
