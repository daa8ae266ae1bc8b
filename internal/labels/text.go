package labels

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode/utf16"
)

// Text returns what a text file says, without the byte order mark that some
// editors put before it; of UTF-16 that mark tells the order.
func Text(data []byte) string {
	if rest, ok := bytes.CutPrefix(data, []byte("\xef\xbb\xbf")); ok {
		return string(rest)
	}
	for mark, order := range map[string]binary.ByteOrder{
		"\xff\xfe": binary.LittleEndian, "\xfe\xff": binary.BigEndian,
	} {
		if rest, ok := bytes.CutPrefix(data, []byte(mark)); ok {
			return fromUTF16(rest, order)
		}
	}
	return string(data)
}

func fromUTF16(data []byte, order binary.ByteOrder) string {
	units := make([]uint16, len(data)/2)
	for i := range units {
		units[i] = order.Uint16(data[2*i:])
	}
	return string(utf16.Decode(units))
}

// Lines returns the lines of a text file with a name a line; an empty one at
// the end is none.
func Lines(data []byte) []string {
	text := strings.ReplaceAll(Text(data), "\r", "")
	return strings.Split(strings.TrimRight(text, "\n"), "\n")
}
