package picture

import "github.com/inception-go/inception/internal/picture/jpeg"

var jpegFormat = format{
	name: "JPEG", ending: ".jpg", is: beginsWith("\xff\xd8\xff"), orientation: jpegOrientation,
	measure: func(data []byte) (header, error) {
		c, err := jpeg.DecodeConfig(data)
		return header{c.Width, c.Height, c.Memory()}, err
	},
	decode: func(data []byte) (Image, error) {
		p, err := jpeg.Decode(data)
		return Image{W: p.Width, H: p.Height, Pix: p.Pix, Damage: p.Damage}, err
	},
}
