package picture

import (
	"bufio"
	"errors"
	"fmt"
	"image"
	_ "image/gif"
	_ "image/jpeg"
	_ "image/png"
	"io"

	"github.com/bep/imagemeta"
	_ "golang.org/x/image/bmp"
	_ "golang.org/x/image/webp"
)

// maxPixels bounds the memory that a small file can ask for.
const maxPixels = 100 << 20

// Decode reads a JPEG, PNG, GIF (its first picture), WebP or BMP. Transparent
// pixels show white; 16-bit channels keep their upper half; the turn that
// EXIF asks for is made.
func Decode(r io.ReadSeeker) (Image, error) {
	c, format, err := image.DecodeConfig(bufio.NewReader(r))
	if err != nil {
		if errors.Is(err, image.ErrFormat) {
			return Image{}, errors.New("is not a JPEG, PNG, GIF, WebP or BMP")
		}
		return Image{}, undecodable(err)
	}
	if c.Width < 1 || c.Height < 1 || c.Width > maxPixels/c.Height {
		return Image{}, fmt.Errorf("has %dx%d pixels; the most is %d", c.Width, c.Height, maxPixels)
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return Image{}, err
	}
	decoded, _, err := image.Decode(bufio.NewReader(r))
	if err != nil {
		return Image{}, undecodable(err)
	}
	if decoded.Bounds().Empty() { // as a GIF's picture within its frame can be
		return Image{}, errors.New("has no pixels")
	}
	if format == "webp" {
		toFullRange(decoded)
	}
	return turned(FromImage(decoded), orientation(r, format)), nil
}

// undecodable wraps a decoder's error. io.EOF, with which some report a file
// that ends early, would mean the end of all images to a reader of many.
func undecodable(err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("cannot be decoded: %w", err)
}

// FromImage converts a picture of Go's image package; transparent pixels show
// white.
func FromImage(src image.Image) Image {
	b := src.Bounds()
	im := New(b.Dx(), b.Dy())
	switch s := src.(type) {
	case *image.YCbCr:
		fromYCbCr(im, s)
	case *image.Gray:
		for y := range im.H {
			row := s.Pix[y*s.Stride:]
			for x := range im.W {
				v := row[x]
				p := im.Pix[3*(y*im.W+x):]
				p[0], p[1], p[2] = v, v, v
			}
		}
	case *image.RGBA:
		if !s.Opaque() {
			fromAny(im, src)
			break
		}
		for y := range im.H {
			row := s.Pix[y*s.Stride:]
			for x := range im.W {
				copy(im.Pix[3*(y*im.W+x):][:3], row[4*x:])
			}
		}
	default:
		fromAny(im, src)
	}
	return im
}

// fromAny lays the picture over white.
func fromAny(im Image, src image.Image) {
	b := src.Bounds()
	at := 0
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			r, g, bl, a := src.At(x, y).RGBA()
			white := 0xffff - a // colors are multiplied by alpha already
			im.Pix[at], im.Pix[at+1], im.Pix[at+2] = uint8((r+white)>>8), uint8((g+white)>>8), uint8((bl+white)>>8)
			at += 3
		}
	}
}

// orientation returns EXIF's, 1 to 8, or 1 where there is none. Broken
// metadata does not make a picture unreadable.
func orientation(r io.ReadSeeker, format string) int {
	formats := map[string]imagemeta.ImageFormat{"jpeg": imagemeta.JPEG, "png": imagemeta.PNG, "webp": imagemeta.WebP}
	f, ok := formats[format]
	if !ok {
		return 1
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return 1
	}
	turn := 1
	_, err := imagemeta.Decode(imagemeta.Options{
		R: r, ImageFormat: f, Sources: imagemeta.EXIF,
		ShouldHandleTag: func(tag imagemeta.TagInfo) bool {
			return tag.Namespace == "IFD0" && tag.Tag == "Orientation" // IFD1 is the thumbnail
		},
		HandleTag: func(tag imagemeta.TagInfo) error {
			if v, ok := tag.Value.(uint16); ok && v >= 1 && v <= 8 {
				turn = int(v)
			}
			return nil
		},
	})
	if err != nil {
		return 1
	}
	return turn
}

// turned undoes an EXIF orientation: 2 mirrored, 3 upside down, 4 both, 5 to 8
// the same with rows and columns exchanged.
func turned(im Image, orientation int) Image {
	if orientation == 1 {
		return im
	}
	out := New(im.W, im.H)
	if orientation >= 5 {
		out.W, out.H = im.H, im.W
	}
	for y := range out.H {
		for x := range out.W {
			sx, sy := x, y
			if orientation >= 5 {
				sx, sy = y, x
			}
			switch orientation {
			case 2, 8:
				sx = im.W - 1 - sx
			case 3, 7:
				sx, sy = im.W-1-sx, im.H-1-sy
			case 4, 6:
				sy = im.H - 1 - sy
			}
			copy(out.Pix[3*(y*out.W+x):][:3], im.Pix[3*(sy*im.W+sx):])
		}
	}
	return out
}
