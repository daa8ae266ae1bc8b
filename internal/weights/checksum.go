package weights

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"math"
	"slices"

	"github.com/inception-go/inception/internal/weights/container"
)

// sumsKey is the header's entry of checksums: a JSON object that has one for
// every tensor by name, and one for the other entries under metadataKey.
const sumsKey = "checksums"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// addChecksums adds to a header's metadata what Verify compares: CRC-32C of
// every tensor with its name and shape, and of all other entries.
func addChecksums(tensors []Tensor, metadata map[string]string) {
	sums := map[string]uint32{metadataKey: sumMetadata(metadata)}
	for _, t := range tensors {
		sums[t.Name] = t.sum()
	}
	text, _ := json.Marshal(sums) // strings and numbers always encode
	metadata[sumsKey] = string(text)
}

// errDamaged is wrapped by errors about bytes that are not those written.
var errDamaged = errors.New("the file is damaged")

// HasChecksums reports whether the file was written with checksums.
func (t *Tensors) HasChecksums() bool { return t.Metadata[sumsKey] != "" }

// VerifyMetadata compares the entries of the header with their checksum.
func (t *Tensors) VerifyMetadata() error {
	_, err := t.sums()
	return err
}

// Verify compares all that the file holds with its checksums.
func (t *Tensors) Verify() error {
	sums, err := t.sums()
	if err != nil {
		return err
	}
	if len(sums) != len(t.infos)+1 {
		return fmt.Errorf("%s: %w: has %d tensors and %d checksums", t.path, errDamaged, len(t.infos), len(sums)-1)
	}
	if t.data == nil {
		return fmt.Errorf("%s: is closed", t.path)
	}
	for _, info := range t.infos {
		want, ok := sums[info.Name]
		var is uint32
		if err := container.Guard(func() error {
			is = crc32.Update(sumHead(info.Name, string(info.DType), info.Shape), castagnoli, t.data[info.begin:info.end])
			return nil
		}); err != nil {
			return fmt.Errorf("%s: %w", t.path, err)
		}
		if !ok || is != want {
			return fmt.Errorf("%s: %w: tensor %q is not as its checksum says", t.path, errDamaged, info.Name)
		}
	}
	return nil
}

// sums returns the checksums, once that of the metadata is found right.
func (t *Tensors) sums() (map[string]uint32, error) {
	var sums map[string]uint32
	if err := json.Unmarshal([]byte(t.Metadata[sumsKey]), &sums); err != nil {
		return nil, fmt.Errorf("%s: %w: its checksums cannot be read: %w", t.path, errDamaged, err)
	}
	if want, ok := sums[metadataKey]; !ok || sumMetadata(t.Metadata) != want {
		return nil, fmt.Errorf("%s: %w: its metadata is not as its checksum says", t.path, errDamaged)
	}
	return sums, nil
}

// sumMetadata is the checksum of all entries but that of the checksums.
func sumMetadata(metadata map[string]string) uint32 {
	var sum uint32
	for _, key := range slices.Sorted(maps.Keys(metadata)) {
		if key != sumsKey {
			sum = crc32.Update(sum, castagnoli, fmt.Appendf(nil, "%q:%q,", key, metadata[key]))
		}
	}
	return sum
}

// sum is the tensor's checksum.
func (t Tensor) sum() uint32 {
	sum := sumHead(t.Name, string(t.dtype()), t.Shape)
	le := binary.LittleEndian
	var chunk []byte
	for part := range slices.Chunk(t.Values, 4096) {
		chunk = chunk[:0]
		for _, v := range part {
			chunk = le.AppendUint32(chunk, math.Float32bits(v))
		}
		sum = crc32.Update(sum, castagnoli, chunk)
	}
	for part := range slices.Chunk(t.Ints, 4096) {
		chunk = chunk[:0]
		for _, v := range part {
			chunk = le.AppendUint64(chunk, uint64(v))
		}
		sum = crc32.Update(sum, castagnoli, chunk)
	}
	for part := range slices.Chunk(t.Int32s, 4096) {
		chunk = chunk[:0]
		for _, v := range part {
			chunk = le.AppendUint32(chunk, uint32(v))
		}
		sum = crc32.Update(sum, castagnoli, chunk)
	}
	for part := range slices.Chunk(t.Int8s, 4096) {
		chunk = chunk[:0]
		for _, v := range part {
			chunk = append(chunk, byte(v))
		}
		sum = crc32.Update(sum, castagnoli, chunk)
	}
	return sum
}

// sumHead begins the checksum of a tensor.
func sumHead(name, dtype string, shape []int) uint32 {
	return crc32.Checksum(fmt.Appendf(nil, "%q %s %d:", name, dtype, shape), castagnoli)
}
