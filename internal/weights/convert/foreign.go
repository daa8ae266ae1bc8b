package convert

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/inception-go/inception/internal/textfile"
	"github.com/inception-go/inception/internal/weights"
	"github.com/inception-go/inception/internal/weights/container"
	"github.com/inception-go/inception/internal/weights/convert/hdf5"
	"github.com/inception-go/inception/internal/weights/convert/pytorch"
	"github.com/inception-go/inception/internal/weights/convert/tfckpt"
	"github.com/inception-go/inception/internal/weights/element"
)

// source is a tensor of a file that a parameter comes from.
type source struct {
	name    string // in the file
	shape   []int  // in our order of axes
	read    func() ([]float32, error)
	refused error // why it cannot be read
}

// foreign is an open file of another tool.
type foreign struct {
	path   string
	dicts  []dict
	model  string            // the class of a whole pickled model in it
	keys   []string          // that a checkpoint has at the top
	own    map[string]string // what this program has put beside the tensors
	notes  []string
	opened []func() error // what close lets go of
}

// openForeign reads a file's directory of tensors, whatever its container.
func openForeign(path string) (*foreign, error) {
	f := &foreign{path: checkpointFile(path)}
	kind, err := container.Of(f.path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("%s: there is no such file", path)
		}
		return nil, fmt.Errorf("import: %w", err)
	}
	open := map[container.Kind]func() error{
		container.PyTorch: f.openPyTorch, container.HDF5: f.openHDF5, container.KerasArchive: f.openKerasArchive,
		container.TensorFlow: f.openTensorFlow, container.Other: f.openSafetensors,
	}[kind]
	if err := container.Guard(open); err != nil {
		f.close()
		return nil, fmt.Errorf("import %s: %w", path, err)
	}
	return f, nil
}

// checkpointFile returns the index of the checkpoint that path is a file or
// the prefix of, which is what TensorFlow takes, and any other path as it is.
func checkpointFile(path string) string {
	prefix := tfckpt.Prefix(path)
	if _, err := os.Stat(path); prefix == path && !errors.Is(err, fs.ErrNotExist) {
		return path
	}
	if _, err := os.Stat(prefix + tfckpt.IndexSuffix); err != nil {
		return path
	}
	return prefix + tfckpt.IndexSuffix
}

func (f *foreign) openPyTorch() error {
	data, err := f.bytes(f.path)
	if err != nil {
		return err
	}
	contents, err := pytorch.Read(data)
	if err != nil {
		return err
	}
	f.model, f.keys, f.notes = contents.Model, contents.Keys, contents.Notes
	if contents.About != nil {
		if err := json.Unmarshal(contents.About, &f.own); err != nil {
			f.notes = append(f.notes, fmt.Sprintf("warning: what export put beside the state dict is left out: %v",
				textfile.JSONError(err)))
		}
	}
	for _, d := range contents.Dicts {
		f.add(d.Tensors)
		last := &f.dicts[len(f.dicts)-1]
		last.path, last.inside = d.Path, d.Inside
	}
	return nil
}

func (f *foreign) openKerasArchive() error {
	data, err := f.bytes(f.path)
	if err != nil {
		return err
	}
	weights, err := container.KerasWeights(data)
	if err != nil {
		return err
	}
	tensors, err := hdf5.Read(weights)
	f.add(tensors)
	return err
}

func (f *foreign) openHDF5() error {
	data, err := f.bytes(f.path)
	if err != nil {
		return err
	}
	tensors, err := hdf5.Read(data)
	f.add(tensors)
	return err
}

func (f *foreign) openTensorFlow() error {
	tensors, err := tfckpt.Read(f.path, f.bytes)
	f.add(tensors)
	return err
}

func (f *foreign) openSafetensors() error {
	t, err := weights.ReadTensors(f.path)
	var file *container.FileError
	if errors.As(err, &file) {
		err = file.Err // the caller names the file
	}
	if errors.Is(err, weights.ErrNotSafetensors) {
		return fmt.Errorf("%w; nor is it a .pth that torch.save has written, a Keras .h5 or a TensorFlow checkpoint", err)
	}
	if err != nil {
		return err
	}
	f.opened, f.own = append(f.opened, t.Close), t.Metadata
	if t.HasChecksums() {
		if err := t.Verify(); err != nil {
			return err
		}
	}
	tensors := map[string]source{}
	for _, info := range t.Infos() {
		tensors[info.Name] = source{name: info.Name, shape: info.Shape,
			read: func() ([]float32, error) { return t.Floats(info.Name) }}
	}
	f.dicts = append(f.dicts, dict{tensors: tensors})
	return nil
}

// bytes opens a file until close.
func (f *foreign) bytes(path string) ([]byte, error) {
	data, release, err := container.Open(path)
	if err == nil {
		f.opened = append(f.opened, release)
	}
	return data, err
}

// add keeps a dict of tensors by name; of one name the last counts.
func (f *foreign) add(tensors []element.Tensor) {
	d := dict{tensors: map[string]source{}}
	for _, t := range tensors {
		read := func() (values []float32, err error) {
			err = container.Guard(func() (err error) {
				values, err = t.Floats()
				return err
			})
			return values, err
		}
		d.tensors[t.Name] = source{t.Name, t.Shape, read, t.Refused}
	}
	f.dicts = append(f.dicts, d)
}

func (f *foreign) close() {
	for _, release := range f.opened {
		_ = release()
	}
}
