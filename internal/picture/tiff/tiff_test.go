package tiff

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/jpeg"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"
)

// file returns a TIFF of grey pixels, 4x2, with tags changed.
func file(order binary.AppendByteOrder, tags map[uint16]uint32, pixels []byte) []byte {
	all := map[uint16]uint32{
		tagWidth: 4, tagHeight: 2, tagBits: 8, tagCompression: uncompressed, tagPhotometric: blackIsZero,
		tagSamples: 1, tagRows: 2, tagStripBytes: uint32(len(pixels)),
	}
	for tag, v := range tags {
		all[tag] = v
	}
	if _, ok := all[tagStrips]; !ok {
		all[tagStrips] = uint32(8 + 2 + 12*(len(all)+1) + 4)
	}
	out := []byte("II*\x00")
	if order == binary.AppendByteOrder(binary.BigEndian) {
		out = []byte("MM\x00*")
	}
	out = order.AppendUint32(out, 8)
	out = order.AppendUint16(out, uint16(len(all)))
	var names []uint16
	for tag := range all {
		names = append(names, tag)
	}
	slices.Sort(names)
	const long = 4
	for _, tag := range names {
		out = order.AppendUint16(order.AppendUint16(out, tag), long)
		out = order.AppendUint32(order.AppendUint32(out, 1), all[tag])
	}
	return append(order.AppendUint32(out, 0), pixels...)
}

func greys(p Picture) (values []byte) {
	for i := 0; i < len(p.Pix); i += 3 {
		values = append(values, p.Pix[i])
	}
	return values
}

func TestDecodeReadsStripsInBothOrders(t *testing.T) {
	pixels := []byte{0, 50, 100, 150, 200, 250, 255, 1}
	reversed := []byte{0, 76, 38, 105, 19, 95, 255, 128}
	for name, c := range map[string]struct {
		tags  map[uint16]uint32
		coded []byte
	}{
		"plain":      {nil, pixels},
		"fill order": {map[uint16]uint32{tagFillOrder: 2}, reversed},
		"packbits":   {map[uint16]uint32{tagCompression: packBitsCoded}, append([]byte{3, 0, 50, 100, 150, 3}, pixels[4:]...)},
		"predictor":  {map[uint16]uint32{tagPredictor: 2, tagCompression: packBitsCoded}, []byte{7, 0, 50, 50, 50, 200, 50, 5, 2}},
		"inverted":   {map[uint16]uint32{tagPhotometric: whiteIsZero}, []byte{255, 205, 155, 105, 55, 5, 0, 254}},
		"4 bits":     {map[uint16]uint32{tagBits: 4, tagStripBytes: 4}, []byte{0x03, 0x69, 0xcf, 0xf0}},
	} {
		for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
			p, err := Decode(file(order, c.tags, c.coded))
			want := pixels
			if name == "4 bits" {
				want = []byte{0, 51, 102, 153, 204, 255, 255, 0}
			}
			if err != nil || !bytes.Equal(greys(p), want) || p.Short || p.Broken {
				t.Errorf("%s: %v, %+v, %v", name, greys(p), p, err)
			}
		}
	}
}

func TestACutFileShowsItsWholeRows(t *testing.T) {
	whole := file(binary.LittleEndian, nil, []byte{1, 2, 3, 4, 5, 6, 7, 8})
	p, err := Decode(whole[:len(whole)-2])
	if err != nil || !p.Short || !bytes.Equal(greys(p), []byte{1, 2, 3, 4, 0, 0, 0, 0}) {
		t.Errorf("%v, short %t, %v", greys(p), p.Short, err)
	}
	if _, err := Decode(whole[:len(whole)-8]); !errors.Is(err, errShort) {
		t.Errorf("without pixels: error is %v", err)
	}
}

func TestDecodeRefuses(t *testing.T) {
	for name, tags := range map[string]map[uint16]uint32{
		"no pixels": {tagWidth: 0}, "too many pixels": {tagWidth: 1 << 31, tagHeight: 1 << 31}, "no rows": {tagRows: 0},
		"samples": {tagSamples: 0}, "more samples": {tagSamples: 1000}, "bits": {tagBits: 7}, "wide samples": {tagBits: 32},
		"floating point": {tagFormat: 3}, "colours": {tagPhotometric: rgb}, "no palette": {tagPhotometric: indexed},
		"Lab": {tagPhotometric: 8}, "compression": {tagCompression: 34712}, "tiles": {tagTiles: 8}, "strips": {tagStrips: 1 << 30},
	} {
		if p, err := Decode(file(binary.LittleEndian, tags, make([]byte, 8))); err == nil {
			t.Errorf("%s: is read as %dx%d", name, p.Width, p.Height)
		}
	}
}

// What a piece takes follows from the directory, however large a tile it claims.
func TestMemoryCountsTiles(t *testing.T) {
	c, err := DecodeConfig(file(binary.LittleEndian, map[uint16]uint32{
		tagTiles: 8, tagTileWidth: 1 << 16, tagTileHeight: 1 << 16,
	}, nil))
	if err != nil || c.Memory() < 1<<32 {
		t.Errorf("%d bytes, %v", c.Memory(), err)
	}
}

// A directory may say that millions of numbers lie anywhere in the file.
func TestListsOfNumbersStayInTheFile(t *testing.T) {
	data := file(binary.LittleEndian, map[uint16]uint32{
		tagExtra: 0, tagFormat: 1, tagSubsampling: 0, tagTiles: 8, tagTileWidth: 1, tagTileHeight: 1, tagTileBytes: 1,
	}, nil)
	const most = 1 << 22
	for at := 10; at+12 <= len(data); at += 12 {
		switch binary.LittleEndian.Uint16(data[at:]) {
		case tagExtra, tagStrips, tagStripBytes, tagTiles, tagTileBytes:
			binary.LittleEndian.PutUint16(data[at+2:], 1)
			binary.LittleEndian.PutUint32(data[at+4:], most)
			binary.LittleEndian.PutUint32(data[at+8:], 8)
		}
	}
	data = append(data, make([]byte, most)...)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := DecodeConfig(data)
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; err != nil || n > 1<<18 {
		t.Errorf("%d bytes allocated, %v", n, err)
	}
}

// setEntry rewrites a directory's entry to n bytes at a place in the file.
func setEntry(data []byte, tag uint16, n, at int) {
	const bytesOf = 1
	for e := 10; e+12 <= len(data); e += 12 {
		if binary.LittleEndian.Uint16(data[e:]) == tag {
			binary.LittleEndian.PutUint16(data[e+2:], bytesOf)
			binary.LittleEndian.PutUint32(data[e+4:], uint32(n))
			binary.LittleEndian.PutUint32(data[e+8:], uint32(at))
			return
		}
	}
}

// overlaid returns a TIFF of one column and as many pieces as rows, each of them all
// that follows the directory, which is content first.
func overlaid(pieces int, where uint16, tags map[uint16]uint32, content []byte) []byte {
	all := map[uint16]uint32{tagWidth: 1, tagHeight: uint32(pieces), tagRows: 1, where: 1, tagStripBytes: 1 << 31}
	maps.Copy(all, tags)
	data := file(binary.LittleEndian, all, nil)
	from := len(data)
	data = append(data, content...)
	setEntry(data, where, pieces, len(data))
	return append(data, bytes.Repeat([]byte{byte(from)}, pieces)...)
}

func TestPiecesThatAreTheWholeFile(t *testing.T) {
	const pieces = 1 << 18
	var pixel bytes.Buffer
	if err := jpeg.Encode(&pixel, image.NewGray(image.Rect(0, 0, 1, 1)), nil); err != nil {
		t.Fatal(err)
	}
	comment := append(append([]byte{0xff, 0xd8, 0xff, 0xfe, 0xff, 0xff}, make([]byte, 1<<16-3)...), 0xff, 0xd9)
	tables := overlaid(pieces, tagStrips, map[uint16]uint32{tagCompression: jpegCoded, tagJPEGTables: 1},
		append(pixel.Bytes(), comment...))
	setEntry(tables, tagJPEGTables, len(comment), len(tables)-pieces-len(comment))
	tile := map[uint16]uint32{tagTileWidth: 1 << 20, tagTileHeight: 1}
	for name, data := range map[string][]byte{
		"packbits":    overlaid(pieces, tagStrips, map[uint16]uint32{tagFillOrder: 2, tagCompression: packBitsCoded}, nil),
		"JPEG tables": tables,
		"wide tiles":  overlaid(pieces, tagTiles, tile, nil),
	} {
		began := time.Now()
		p, err := Decode(data)
		if err == nil && !p.Broken {
			t.Errorf("%s: is read as a good picture", name)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%s: took %v", name, took)
		}
	}
	p, err := Decode(overlaid(pieces, tagStrips, map[uint16]uint32{tagFillOrder: 2}, nil))
	if err != nil || p.Broken {
		t.Errorf("uncompressed: broken %t, %v", p.Broken, err)
	}
}

func FuzzDecode(f *testing.F) {
	for _, pattern := range []string{"cases/*.tif", "neighbours/*.tif", "further/*.tif"} {
		files, err := filepath.Glob(filepath.Join("../testdata", pattern))
		if err != nil || len(files) == 0 {
			f.Fatal("there are no fixtures", err)
		}
		for _, path := range files {
			data, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := DecodeConfig(data)
		if err != nil || c.Width > 1<<16/c.Height || c.Memory() > 16<<20 {
			return
		}
		p, err := Decode(data)
		if err == nil && (p.Width != c.Width || p.Height != c.Height || len(p.Pix) != 3*c.Width*c.Height) {
			t.Errorf("%dx%d of %dx%d with %d bytes", p.Width, p.Height, c.Width, c.Height, len(p.Pix))
		}
	})
}
