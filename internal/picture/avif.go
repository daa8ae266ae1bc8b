package picture

import "github.com/inception-go/inception/internal/picture/avif"

var avifFormat = format{
	name: "AVIF", ending: ".avif", is: avif.Is,
	measure: func(data []byte) (header, error) {
		h, err := avif.ReadHeader(data)
		return header{h.Width, h.Height, h.Memory()}, err
	},
	decode: func(data []byte) (Image, error) {
		h, rgb, err := avif.Decode(data)
		return Image{W: h.Width, H: h.Height, Pix: rgb}, err
	},
	orientation: func(data []byte) int {
		h, err := avif.ReadHeader(data)
		if err != nil {
			return 1
		}
		if h.Orientation == 1 && h.XMP {
			return orientationOf(nil, data) // where in the file it lies does not matter
		}
		return h.Orientation
	},
}
