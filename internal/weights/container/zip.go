package container

import (
	"archive/zip"
	"bytes"
	"fmt"
	"hash/crc32"
)

// kerasEntry is where an archive of Keras, .keras, has its weights.
const kerasEntry = "model.weights.h5"

// KerasWeights returns the HDF5 file in a Keras archive.
func KerasWeights(file []byte) ([]byte, error) {
	archive, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return nil, fmt.Errorf("zip archive: %w (a download that was cut off?)", err)
	}
	for _, entry := range archive.File {
		if entry.Name == kerasEntry {
			return Stored(file, entry)
		}
	}
	return nil, fmt.Errorf("zip archive: has no %s", kerasEntry)
}

// Stored returns the bytes of an uncompressed zip entry, checked by its CRC.
func Stored(file []byte, entry *zip.File) ([]byte, error) {
	if entry.Method != zip.Store {
		return nil, fmt.Errorf("zip archive: %s is compressed, which no tool does that writes weights; unpack it and "+
			"pack it again with zip -0", entry.Name)
	}
	at, err := entry.DataOffset()
	if err != nil {
		return nil, fmt.Errorf("zip archive: %s: %w", entry.Name, err)
	}
	if at < 0 || uint64(at) > uint64(len(file)) || entry.UncompressedSize64 > uint64(len(file))-uint64(at) {
		return nil, fmt.Errorf("zip archive: %s leaves the file", entry.Name)
	}
	data := file[at : uint64(at)+entry.UncompressedSize64]
	if crc32.ChecksumIEEE(data) != entry.CRC32 {
		return nil, fmt.Errorf("zip archive: %s does not match its checksum: the file is damaged", entry.Name)
	}
	return data, nil
}
