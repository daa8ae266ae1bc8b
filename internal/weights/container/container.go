// Package container is the room of what all weight files have in common,
// whoever wrote them. A path enters; which tool's container the file is, and
// its bytes, leave. What the bytes say is for the readers above.
package container

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
)

// Kind is a container of weights. Its text is for people.
type Kind string

// The containers, as their first or last bytes tell.
const (
	PyTorch    Kind = "PyTorch"
	HDF5       Kind = "Keras (HDF5)"
	TensorFlow Kind = "TensorFlow checkpoint"
	Other      Kind = "" // safetensors, which has no signature, or nothing known
)

// What the containers are recognised by.
const (
	ZipSignature  = "PK\x03\x04" // of the archive that torch.save writes
	HDF5Signature = "\x89HDF\r\n\x1a\n"

	// PickleMagic is the first number that torch.save pickled before
	// PyTorch 1.6, 0x1950a86a20f9469cfc6c.
	PickleMagic = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"

	// TensorFlowMagic ends a sorted string table: a V1 checkpoint, a V2 index.
	TensorFlowMagic = 0xdb4775248b80fb57
)

// Of tells which container a file is, whatever its name.
func Of(path string) (Kind, error) {
	f, info, err := openRegular(path)
	if err != nil {
		return Other, err
	}
	defer f.Close()
	head := make([]byte, 64)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return Other, nil // empty: for the reader to say
	}
	head = head[:n]
	switch {
	case bytes.HasPrefix(head, []byte(ZipSignature)), isPickle(head):
		return PyTorch, nil
	case bytes.HasPrefix(head, []byte(HDF5Signature)):
		return HDF5, nil
	}
	tail := make([]byte, 8)
	if info.Size() >= 8 {
		if _, err := f.ReadAt(tail, info.Size()-8); err == nil && binary.LittleEndian.Uint64(tail) == TensorFlowMagic {
			return TensorFlow, nil
		}
	}
	return Other, nil
}

// isPickle reports whether a file begins with a pickle of PyTorch's magic.
func isPickle(head []byte) bool {
	return len(head) > 2 && head[0] == 0x80 && bytes.Contains(head[:min(len(head), 32)], []byte(PickleMagic))
}
