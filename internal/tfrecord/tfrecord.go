// Package tfrecord frames records as TensorFlow's files do: the length of the data (8
// bytes, the least significant first), a checksum of that (4 bytes), the data, and a
// checksum of those. Bytes enter and leave; others know what they mean.
package tfrecord

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"math"
)

// Head and Tail are the bytes before and behind a record's data.
const Head, Tail = 12, 4

// Append appends a record of data to b.
func Append(b, data []byte) []byte {
	length := binary.LittleEndian.AppendUint64(nil, uint64(len(data)))
	b = binary.LittleEndian.AppendUint32(append(b, length...), Sum(length))
	return binary.LittleEndian.AppendUint32(append(b, data...), Sum(data))
}

// Length returns how many bytes of data the record has that begins at a byte of f.
func Length(f io.ReaderAt, at int64) (int64, error) {
	head := make([]byte, Head)
	if _, err := f.ReadAt(head, at); err != nil {
		return 0, errors.New("the file ends before it")
	}
	length := binary.LittleEndian.Uint64(head)
	if Sum(head[:8]) != binary.LittleEndian.Uint32(head[8:]) || length > math.MaxInt64/2 {
		return 0, errors.New("is damaged, or the file is no TFRecord: the checksum of its length is wrong")
	}
	return int64(length), nil
}

// Intact reports whether data, a record's with the Tail bytes behind them, have their
// checksum.
func Intact(data []byte) bool {
	end := len(data) - Tail
	return end >= 0 && Sum(data[:end]) == binary.LittleEndian.Uint32(data[end:])
}

// Sum is the checksum of TensorFlow's and LevelDB's files: CRC-32C, turned and with a
// constant added.
func Sum(data []byte) uint32 {
	crc := crc32.Checksum(data, castagnoli)
	return (crc>>15 | crc<<17) + 0xa282ead8
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)
