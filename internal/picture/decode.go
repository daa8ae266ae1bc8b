package picture

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/inception-go/inception/internal/picture/jpeg"
)

// Limits bound what decoding may take.
type Limits struct {
	MaxPixels     int   // of one picture
	Memory        int64 // bytes that pictures being decoded at one time take together
	FailTruncated bool  // refuse pictures that are cut off or damaged, instead of showing what is there
}

// DefaultLimits returns limits for pictures of up to 268 million pixels, as
// many as Pillow's twice doubled warning, in 2 GiB.
func DefaultLimits() Limits { return Limits{MaxPixels: 1 << 28, Memory: 2 << 30} }

// Decoder decodes pictures within limits. It is safe for concurrent use, and
// waits where others have the memory that a picture needs.
type Decoder struct {
	limits Limits
	memory budget
}

// NewDecoder returns a decoder.
func NewDecoder(l Limits) *Decoder { return &Decoder{limits: l, memory: newBudget(l.Memory)} }

// format is a kind of picture files.
type format struct {
	name        string
	ending      string // of files' names
	is          func(data []byte) bool
	measure     func(data []byte) (header, error)
	decode      func(data []byte) (Image, error)
	orientation func(data []byte) int // 1 to 8, as EXIF has it; nil if files have none
}

// header is what the beginning of a file says.
type header struct {
	w, h   int
	memory int64 // bytes that decoding allocates, the picture that leaves included
}

// formats are asked in this order whether a file is theirs.
var formats = []format{jpegFormat, pngFormat, gifFormat, webpFormat, bmpFormat, tiffFormat, netpbmFormat, avifFormat}

// Check returns why Decode would refuse a picture by its header, nil if it would
// not. The beginning of data will do if it holds the header.
func (d *Decoder) Check(data []byte) error {
	f, err := formatOf(data)
	if err == nil {
		_, _, err = d.measure(f, data)
	}
	return err
}

// Decode reads a JPEG, PNG, GIF or WebP (of several pictures, the first), BMP,
// TIFF, PBM, PGM, PPM or AVIF. Transparent pixels show white; 16-bit channels
// keep their upper half; the turn that EXIF or XMP asks for is made. What is
// wrong with a picture that can be shown is its Damage.
func (d *Decoder) Decode(data []byte) (Image, error) {
	im, giveBack, err := d.Lend(data)
	giveBack()
	return im, err
}

// Lend is Decode for a picture that is used for a short while: until giveBack
// is called, which it must be once, its pixels count as memory in use.
func (d *Decoder) Lend(data []byte) (im Image, giveBack func(), err error) {
	giveBack = func() {}
	f, err := formatOf(data)
	if err != nil {
		return Image{}, giveBack, err
	}
	head, turn, err := d.measure(f, data)
	if err != nil {
		return Image{}, giveBack, err
	}
	loan := d.memory.take(head.memory)
	im, err = f.show(data, turn)
	if err == nil && im.Damage != "" && d.limits.FailTruncated {
		im, err = Image{}, fmt.Errorf("%s; data.truncated: use takes such pictures as they are", im.Damage)
	}
	loan.reduce(int64(len(im.Pix)))
	return im, func() { loan.reduce(0) }, err
}

// formatOf returns the format of a file.
func formatOf(data []byte) (format, error) {
	for _, f := range formats {
		if f.is(data) {
			return f, nil
		}
	}
	for _, f := range unread {
		if f.is(data) {
			return format{}, fmt.Errorf("is %s, which is not read: convert it to JPEG or PNG (%s)", f.name, f.how)
		}
	}
	for _, other := range noPictures {
		if other.is(data) {
			return format{}, errors.New(other.what)
		}
	}
	return format{}, fmt.Errorf("is not a %s", formatNames())
}

// Recognised reports whether data begins like a file of a format that Decode
// reads.
func Recognised(data []byte) bool {
	return slices.ContainsFunc(formats, func(f format) bool { return f.is(data) })
}

// Ending returns how the names of files end that begin like data, such as ".jpg"; "" where
// Decode reads none such.
func Ending(data []byte) string {
	for _, f := range formats {
		if f.is(data) {
			return f.ending
		}
	}
	return ""
}

// unread are formats that people have pictures in and that no free decoder
// without cgo reads, and what converts them.
var unread = []struct {
	name, how string
	is        func([]byte) bool
}{
	{"HEIC", "heif-convert, ImageMagick or, on macOS, sips -s format jpeg", isHEIC},
	{"JPEG XL", "djxl or ImageMagick", beginsWith("\xff\x0a", "\x00\x00\x00\x0cJXL \r\n\x87\n")},
	{"JPEG 2000", "opj_decompress or ImageMagick", beginsWith("\x00\x00\x00\x0cjP  \r\n\x87\n", "\xff\x4f\xff\x51")},
	{"SVG", "rsvg-convert or Inkscape", beginsWith("<svg")},
}

// noPictures are files that stand where a picture should, and what to do.
var noPictures = []struct {
	what string
	is   func([]byte) bool
}{
	{"is empty", func(data []byte) bool { return len(data) == 0 }},
	{"begins with zeros, as a file does whose copy or download was cut off: fetch it again", isZeros},
	{"is a Git LFS pointer, which stands for a file that was not downloaded: call git lfs pull in its repository",
		beginsWith("version https://git-lfs", "version https://hawser")},
	{"is an HTML page in the place of a picture: fetch it again by its direct address",
		beginsWith("<!doctype html", "<!DOCTYPE html", "<!DOCTYPE HTML", "<html", "<HTML")},
}

// isZeros reports whether a file begins with zeros, more than a format does.
func isZeros(data []byte) bool {
	const most = 512
	return !slices.ContainsFunc(data[:min(most, len(data))], func(b byte) bool { return b != 0 })
}

// isHEIC knows pictures of HEVC by their brands (ISO/IEC 23008-12, annex B.4).
// mif1 alone says only that they are in that container.
func isHEIC(data []byte) bool {
	if len(data) < 12 || string(data[4:8]) != "ftyp" {
		return false
	}
	switch string(data[8:12]) {
	case "heic", "heix", "heim", "heis", "hevc", "hevx", "hevm", "hevs", "mif1", "msf1":
		return true
	}
	return false
}

func formatNames() string {
	var names []string
	for _, f := range formats {
		names = append(names, f.name)
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// measure looks at a header: what the file takes, which turn it asks for, and
// whether the limits allow it.
func (d *Decoder) measure(f format, data []byte) (head header, turn int, err error) {
	defer f.guard(&err)
	if head, err = f.measure(data); err != nil {
		return head, 0, undecodable(err)
	}
	if head.w < 1 || head.h < 1 {
		return head, 0, errors.New("has no pixels")
	}
	if head.w > d.limits.MaxPixels/head.h {
		return head, 0, fmt.Errorf("has %dx%d pixels; the most is %d (data.max_pixels)",
			head.w, head.h, d.limits.MaxPixels)
	}
	turn = 1
	if f.orientation != nil {
		turn = f.orientation(data)
	}
	if turn != 1 {
		head.memory += 3 * int64(head.w) * int64(head.h)
	}
	if head.memory > d.limits.Memory {
		return head, 0, fmt.Errorf("has %dx%d pixels, and decoding it takes %d MiB; the most is %d (data.decode_mib)",
			head.w, head.h, head.memory>>20, d.limits.Memory>>20)
	}
	return head, turn, nil
}

// show decodes a picture and turns it.
func (f format) show(data []byte, turn int) (im Image, err error) {
	defer f.guard(&err)
	if im, err = f.decode(data); err != nil {
		return Image{}, undecodable(err)
	}
	return turned(im, turn), nil
}

// guard makes a panic an error. Data may be hostile, and not all libraries
// behind the formats promise that they return an error then.
func (f format) guard(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("cannot be decoded: %s decoder failed: %v", f.name, r)
	}
}

// undecodable wraps a decoder's error. io.EOF, with which some report a file
// that ends early, would mean the end of all images to a reader of many.
func undecodable(err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("cannot be decoded: %w", err)
}

// damageOf says what an error in the middle of a picture means.
func damageOf(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return jpeg.EndsEarly
	}
	return jpeg.Damaged
}

// beginsWith returns a test for files of one kind.
func beginsWith(magic ...string) func([]byte) bool {
	return func(data []byte) bool {
		for _, m := range magic {
			if bytes.HasPrefix(data, []byte(m)) {
				return true
			}
		}
		return false
	}
}
