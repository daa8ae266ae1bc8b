package weights

import (
	"fmt"
	"io"
	"os"

	"github.com/inception-go/inception/internal/weights/hdf5"
	"github.com/inception-go/inception/internal/weights/pytorch"
	"github.com/inception-go/inception/internal/weights/tfckpt"
)

// Containers of weights, as their first or last bytes tell.
const (
	containerPyTorch    = "PyTorch"
	containerHDF5       = "Keras (HDF5)"
	containerTensorFlow = "TensorFlow checkpoint"
	containerOther      = ""
)

// sniff tells which container a file is, whatever its name.
func sniff(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	head := make([]byte, 64)
	n, err := io.ReadFull(f, head)
	if err != nil && err != io.ErrUnexpectedEOF {
		return containerOther, nil // empty: for the reader to say
	}
	head = head[:n]
	switch {
	case pytorch.Recognise(head):
		return containerPyTorch, nil
	case hdf5.Recognise(head):
		return containerHDF5, nil
	}
	tail := make([]byte, 8)
	if info, err := f.Stat(); err == nil && info.Size() >= 8 {
		if _, err := f.ReadAt(tail, info.Size()-8); err == nil && tfckpt.Recognise(tail) {
			return containerTensorFlow, nil
		}
	}
	return containerOther, nil
}

// refuseForeign says what to do with weights of another tool.
func refuseForeign(path string) error {
	kind, err := sniff(path)
	if err != nil || kind == containerOther {
		return err
	}
	return fmt.Errorf("%s: is a %s file; convert it with: inception import %s -o OUT.safetensors", path, kind, path)
}
