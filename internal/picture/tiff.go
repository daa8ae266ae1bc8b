package picture

import (
	"bytes"

	"golang.org/x/image/tiff"
)

var tiffFormat = format{
	name: "TIFF", is: beginsWith("II*\x00", "MM\x00*"),
	measure: func(data []byte) (header, error) {
		c, err := tiff.DecodeConfig(bytes.NewReader(data))
		// At most four samples of 16 bits, the same as a strip, and the picture.
		return header{c.Width, c.Height, 19 * int64(c.Width) * int64(c.Height)}, err
	},
	decode: func(data []byte) (Image, error) {
		im, err := tiff.Decode(bytes.NewReader(data))
		if err != nil {
			return Image{}, err
		}
		out := FromImage(im)
		if faxInverted(data) {
			for i, v := range out.Pix {
				out.Pix[i] = 255 - v
			}
		}
		return out, nil
	},
	orientation: tiffOrientation,
}

// faxInverted says whether x/image takes black for white: in pictures of fax
// compression whose photometric interpretation is BlackIsZero.
func faxInverted(data []byte) bool {
	const compression, photometric = 259, 262
	order, c := tiffEntry(data, compression)
	_, p := tiffEntry(data, photometric)
	if c == nil || p == nil {
		return false
	}
	fax := order.Uint16(c[8:]) >= 2 && order.Uint16(c[8:]) <= 4
	return fax && order.Uint16(p[8:]) == 1
}
