package picture

import (
	"github.com/inception-go/inception/internal/picture/jpeg"
	"github.com/inception-go/inception/internal/picture/tiff"
)

var tiffFormat = format{
	name: "TIFF", ending: ".tif", is: tiff.Is,
	measure: func(data []byte) (header, error) {
		c, err := tiff.DecodeConfig(data)
		return header{c.Width, c.Height, c.Memory()}, err
	},
	decode: func(data []byte) (Image, error) {
		p, err := tiff.Decode(data)
		im := Image{W: p.Width, H: p.Height, Pix: p.Pix}
		switch {
		case p.Broken:
			im.Damage = jpeg.Damaged
		case p.Short:
			im.Damage = jpeg.EndsEarly
		}
		return im, err
	},
	orientation: func(data []byte) int {
		c, err := tiff.DecodeConfig(data)
		switch {
		case err != nil || c.Orientation > 8:
			return 1
		case c.Orientation > 0:
			return c.Orientation
		}
		return orientationOf(nil, c.XMP)
	},
}
