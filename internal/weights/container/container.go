// Package container is the room of what all weight files have in common,
// whoever wrote them. A path enters; which tool's container the file is, and
// its bytes, leave. What the bytes say is for the readers above.
package container

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
)

// Kind is a container of weights. Its text is for people.
type Kind string

// The containers, as their first or last bytes tell.
const (
	PyTorch    Kind = "PyTorch"
	HDF5       Kind = "Keras (HDF5)"
	TensorFlow Kind = "TensorFlow checkpoint"
	// KerasArchive is a zip archive with an HDF5 file in it.
	KerasArchive Kind = "Keras archive (.keras)"
	Other        Kind = "" // safetensors, which has no signature, or nothing known
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
	head := make([]byte, 512)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return Other, nil // empty: for the reader to say
	}
	head = head[:n]
	if err := notWeights(head); err != nil {
		return Other, fmt.Errorf("%s: %w", path, err)
	}
	switch {
	case isKeras(f, head):
		return KerasArchive, nil
	case bytes.HasPrefix(head, []byte(ZipSignature)), isPickle(head):
		return PyTorch, nil
	case bytes.HasPrefix(head, []byte(HDF5Signature)):
		return HDF5, nil
	case isONNX(path, head, info.Size()):
		return Other, fmt.Errorf("%s: %w", path, errONNX)
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

// isKeras reports whether a file is a zip archive as Keras writes it.
func isKeras(f *os.File, head []byte) bool {
	info, err := f.Stat()
	if err != nil || !bytes.HasPrefix(head, []byte(ZipSignature)) {
		return false
	}
	archive, err := zip.NewReader(f, info.Size())
	return err == nil && slices.ContainsFunc(archive.File, func(e *zip.File) bool { return e.Name == kerasEntry })
}

// notWeights names what is often found in the place of weights, by its first
// bytes.
func notWeights(head []byte) error {
	text := bytes.ToLower(bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n"))
	starts := func(with ...string) bool {
		return slices.ContainsFunc(with, func(w string) bool { return bytes.HasPrefix(text, []byte(w)) })
	}
	switch {
	case starts("version https://git-lfs", "version https://hawser"):
		size := ""
		if _, after, ok := bytes.Cut(text, []byte("\nsize ")); ok {
			digits, _, _ := bytes.Cut(after, []byte("\n"))
			if n, err := strconv.ParseUint(string(bytes.TrimSpace(digits)), 10, 63); err == nil {
				size = fmt.Sprintf(" of %d bytes", n)
			}
		}
		return fmt.Errorf("is a Git LFS pointer, which stands for a file%s that was not downloaded; "+
			"call git lfs pull in its repository", size)
	case starts("/annex/objects/", ".git/annex/", "../.git/annex/"):
		return errors.New("is a git-annex pointer, which stands for a file that was not downloaded; call git annex get")
	case starts("<!doctype html", "<html", "<head", "<!-- ", "<script"):
		return errors.New("is an HTML page, not weights: the server sent a page (a login, an error, a preview) in the " +
			"place of the file; download it again by its direct address")
	case starts("<?xml"):
		return errors.New("is an XML document, not weights, such as a server's error message; download the file again")
	case bytes.HasPrefix(head, []byte("\x1f\x8b")):
		return errors.New("is compressed with gzip; unpack it first (gzip -d, or tar -xzf)")
	case len(head) > 262 && string(head[257:262]) == "ustar":
		return errors.New("is a tar archive; unpack it first (tar -xf)")
	}
	return nil
}
