package picture

import (
	"bytes"
	"encoding/binary"
	"regexp"
)

// orientationOf returns what EXIF (the bytes of its TIFF structure) says, or
// where it says nothing XMP; else 1. Broken metadata do not make a picture
// unreadable.
func orientationOf(exif, xmp []byte) int {
	if turn, ok := exifOrientation(exif); ok {
		return turn
	}
	if m := xmpOrientation.FindSubmatch(xmp); m != nil {
		return int(m[1][0] - '0')
	}
	return 1
}

// xmpOrientation matches the property as an attribute and as an element, as
// Pillow does.
var xmpOrientation = regexp.MustCompile(`tiff:Orientation(?:="|>)([1-8])`)

// exifOrientation looks the tag up in the first directory; the second is the
// thumbnail's. A value that there cannot be is upright.
func exifOrientation(exif []byte) (turn int, ok bool) {
	const orientation = 0x112
	order, entry := tiffEntry(exif, orientation)
	if entry == nil {
		return 1, false
	}
	value := uint32(0)
	if order.Uint32(entry[4:]) > 0 { // values
		switch order.Uint16(entry[2:]) { // of this type
		case 6: // SBYTE; BYTE is raw bytes to Pillow
			value = uint32(entry[8])
		case 3, 8: // SHORT
			value = uint32(order.Uint16(entry[8:]))
		case 4, 9, 13: // LONG
			value = order.Uint32(entry[8:])
		}
	}
	if value < 1 || value > 8 {
		return 1, true
	}
	return int(value), true
}

// tiffEntry returns the entry of 12 bytes of a tag in the first directory of a
// TIFF, nil if there is none. As many entries are looked at as there are,
// whatever the directory claims, and types that nobody knows do not matter.
func tiffEntry(data []byte, tag uint16) (order binary.ByteOrder, entry []byte) {
	order, entries := tiffDirectory(data)
	for ; len(entries) >= 12; entries = entries[12:] {
		if order.Uint16(entries) == tag {
			return order, entries[:12]
		}
	}
	return order, nil
}

// tiffDirectory returns the entries of a TIFF's first directory, of 12 bytes
// each; none if it is not a TIFF.
func tiffDirectory(data []byte) (binary.ByteOrder, []byte) {
	var order binary.ByteOrder = binary.LittleEndian
	switch {
	case len(data) < 8:
		return order, nil
	case string(data[:2]) == "MM":
		order = binary.BigEndian
	case string(data[:2]) != "II":
		return order, nil
	}
	at := int64(order.Uint32(data[4:]))
	if at+2 > int64(len(data)) {
		return order, nil
	}
	n := int(order.Uint16(data[at:]))
	entries := data[at+2:]
	return order, entries[:min(len(entries), 12*n)]
}

// jpegOrientation reads the metadata before a JPEG's first scan.
func jpegOrientation(data []byte) int {
	var exif, xmp []byte
	for at := 2; at+4 <= len(data); {
		if data[at] != 0xff {
			at++ // garbage between segments
			continue
		}
		marker := data[at+1]
		if marker == 0xff || marker == 0 || marker == 1 || marker >= 0xd0 && marker <= 0xd8 {
			at++
			continue
		}
		end := at + 2 + int(binary.BigEndian.Uint16(data[at+2:]))
		if marker == 0xda || marker == 0xd9 || end > len(data) {
			break
		}
		body := data[min(at+4, end):end]
		if rest, ok := bytes.CutPrefix(body, []byte("Exif\x00\x00")); marker == 0xe1 && ok && exif == nil {
			exif = rest
		}
		if rest, ok := bytes.CutPrefix(body, []byte("http://ns.adobe.com/xap/1.0/\x00")); marker == 0xe1 && ok {
			xmp = rest
		}
		at = end
	}
	return orientationOf(exif, xmp)
}
