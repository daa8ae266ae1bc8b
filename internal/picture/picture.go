// Package picture turns a picture file into a network's input: decoding,
// resizing, cropping and normalisation, each to the pixel what torchvision and
// Pillow, or TensorFlow 1, make of the same file. Encoded pictures and those of
// Go's image package enter; 8-bit RGB and planes of floats leave. Nothing here
// is random, and nothing knows of datasets.
package picture

import (
	"fmt"
	"image"
)

// Image is a picture of 8-bit red, green and blue, row by row.
type Image struct {
	W, H int
	Pix  []uint8 // [H][W][3]

	Damage string // what is wrong with the file that it comes from, as "ends early"; empty if nothing is
}

// New returns a black picture.
func New(w, h int) Image { return Image{W: w, H: h, Pix: make([]uint8, 3*w*h)} }

// Validate returns an error if the picture's fields contradict each other.
func (im Image) Validate() error {
	if im.W < 1 || im.H < 1 || len(im.Pix) != 3*im.W*im.H {
		return fmt.Errorf("picture of %dx%d has %d bytes", im.W, im.H, len(im.Pix))
	}
	return nil
}

// Thumbnail returns the picture at a height of at most high pixels, and at most
// four times as wide; what is smaller stays as it is.
func (im Image) Thumbnail(high int) Image {
	shrink := max(float64(im.H)/float64(high), float64(im.W)/float64(4*high))
	if shrink <= 1 {
		return im
	}
	w, h := max(1, int(float64(im.W)/shrink)), max(1, int(float64(im.H)/shrink))
	var r Resampler
	pixels := r.scale(im, im.whole(), window{w: w, h: h}, w, h, filters[Bilinear])
	return Image{W: w, H: h, Pix: pixels}
}

// Part returns a part of the picture with a longer side of so many pixels.
func (im Image) Part(from Box, side int) Image {
	scale := float64(side) / max(from.W, from.H)
	w, h := max(1, int(from.W*scale+0.5)), max(1, int(from.H*scale+0.5))
	var r Resampler
	return Image{W: w, H: h, Pix: r.scale(im, from, window{w: w, h: h}, w, h, filters[Bicubic])}
}

// Picture returns the pixels as a picture of Go's image package.
func (im Image) Picture() image.Image {
	p := image.NewRGBA(image.Rect(0, 0, im.W, im.H))
	for i := range im.W * im.H {
		copy(p.Pix[4*i:], im.Pix[3*i:3*i+3])
		p.Pix[4*i+3] = 255
	}
	return p
}

// whole returns all of the picture.
func (im Image) whole() Box { return Box{W: float64(im.W), H: float64(im.H)} }
