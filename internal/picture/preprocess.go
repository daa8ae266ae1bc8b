package picture

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Preprocess says how an evaluated image becomes the network's input. It is
// kept with the weights that have learned from such inputs.
type Preprocess struct {
	Name          string     `json:"name"`
	Mean          [3]float64 `json:"mean"` // subtracted from red, green and blue in [0, 1]
	Std           [3]float64 `json:"std"`  // then a divisor
	Geometry      string     `json:"geometry"`
	CropPct       float64    `json:"crop_pct"` // share of the side that the crop shows
	Interpolation string     `json:"interpolation"`
	Size          int        `json:"size"` // height and width of the input, pixels
}

// The values of Preprocess.Geometry.
const (
	// Shorter resizes the shorter side to size/crop_pct, rounded, and crops
	// the centre, as torchvision does.
	Shorter = "shorter"
	// Central crops crop_pct of height and of width, in whole pixels, and then
	// resizes that to a square, as TensorFlow's released code does.
	Central = "central"
	// AsIs takes pictures that have the input's size already, pixel for pixel;
	// others are errors, see Takes.
	AsIs = "as-is"
)

// WithGeometry returns p with another geometry, "" for its own. As it is, a picture
// is shown whole.
func (p Preprocess) WithGeometry(geometry string) Preprocess {
	if geometry != "" {
		p.Geometry = geometry
	}
	if p.Geometry == AsIs {
		p.CropPct = 1
	}
	return p
}

// WithCrop returns p with another share of the side that the crop shows, 0 for its
// own. Of weights that take pictures as they are, it makes those that resize them.
func (p Preprocess) WithCrop(share float64) Preprocess {
	if share > 0 {
		p.CropPct = share
		if p.Geometry == AsIs {
			p.Geometry = Shorter
		}
	}
	return p
}

// CheckGeometry returns an error for what is not a value of Preprocess.Geometry.
func CheckGeometry(name string) error {
	if !slices.Contains(Geometries(), name) {
		return fmt.Errorf("must be %s, %s or %s, is %q", Shorter, Central, AsIs, name)
	}
	return nil
}

// Geometries lists the values of Preprocess.Geometry.
func Geometries() []string { return []string{Shorter, Central, AsIs} }

// TorchvisionPreprocess returns what torchvision's weights expect: resized to
// size/0.875, cropped, and in [-1, 1], to which its normalisation by ImageNet's
// mean and deviation followed by transform_input amounts.
func TorchvisionPreprocess(size int) Preprocess {
	return Preprocess{
		Name: "torchvision", Mean: [3]float64{0.5, 0.5, 0.5}, Std: [3]float64{0.5, 0.5, 0.5},
		Geometry: Shorter, CropPct: 0.875, Interpolation: Bilinear, Size: size,
	}
}

// NamedPreprocess returns the preprocessing called torchvision, inception,
// imagenet or unit, or the one that SCALE,OFFSET describes: torchvision's
// geometry and pixel*SCALE + OFFSET, where a pixel is from 0 to 255 and a
// number may be a fraction, such as 1/127.5,-1. Without OFFSET it is 0.
func NamedPreprocess(name string, size int) (Preprocess, error) {
	p := TorchvisionPreprocess(size)
	p.Name = name
	switch name {
	case "torchvision":
	case "inception":
		p.Geometry, p.Interpolation = Central, BilinearTF1
	case "imagenet":
		p.Mean, p.Std = [3]float64{0.485, 0.456, 0.406}, [3]float64{0.229, 0.224, 0.225}
	case "unit":
		p.Mean, p.Std = [3]float64{}, [3]float64{1, 1, 1}
	default:
		scale, offset, ok := parseLinear(name)
		if !ok {
			return Preprocess{}, fmt.Errorf("must be one of torchvision, inception, imagenet, unit or "+
				"SCALE or SCALE,OFFSET of pixels from 0 to 255, such as 1/255 or 1/127.5,-1; is %q", name)
		}
		mean, std := -offset/(255*scale)+0, 1/(255*scale) // no -0
		p.Mean, p.Std = [3]float64{mean, mean, mean}, [3]float64{std, std, std}
	}
	return p, nil
}

// Setting returns a name that NamedPreprocess gives the same values for, "" if there
// is none, and the geometry to set beside it, "" for the name's own.
func (p Preprocess) Setting() (name, geometry string) {
	for _, known := range []string{p.Name, "torchvision", "inception", "imagenet", "unit"} {
		n, err := NamedPreprocess(known, p.Size)
		switch {
		case err != nil || n.Mean != p.Mean || n.Std != p.Std:
		case n.Geometry == p.Geometry:
			return known, ""
		case name == "":
			name, geometry = known, p.Geometry
		}
	}
	return name, geometry
}

// parseLinear reads SCALE or SCALE,OFFSET.
func parseLinear(text string) (scale, offset float64, ok bool) {
	first, second, two := strings.Cut(text, ",")
	if !two {
		second = "0"
	}
	scale, ok1 := parseFraction(first)
	offset, ok2 := parseFraction(second)
	const most = 1e5 // beyond, a float32 network could not use it
	return scale, offset, ok1 && ok2 && math.Abs(scale) > 1/most && math.Abs(scale) < most && math.Abs(offset) < most
}

// parseFraction reads a number or a quotient of two.
func parseFraction(text string) (float64, bool) {
	above, below, divided := strings.Cut(text, "/")
	v, err := strconv.ParseFloat(strings.TrimSpace(above), 64)
	if err != nil || !divided {
		return v, err == nil
	}
	d, err := strconv.ParseFloat(strings.TrimSpace(below), 64)
	return v / d, err == nil && d != 0
}

// Validate returns what is wrong with a preprocessing that a file brought.
func (p Preprocess) Validate() error {
	switch {
	case p.Size < 1 || p.Size > 8192:
		return fmt.Errorf("preprocess: size must be from 1 to 8192, is %d", p.Size)
	case !(p.CropPct > 0 && p.CropPct <= 1):
		return fmt.Errorf("preprocess: crop_pct must be above 0 and at most 1, is %g", p.CropPct)
	case p.Geometry == AsIs && p.CropPct != 1:
		return fmt.Errorf("preprocess: geometry %s shows all of a picture, so crop_pct must be 1, is %g", AsIs, p.CropPct)
	}
	if err := CheckGeometry(p.Geometry); err != nil {
		return fmt.Errorf("preprocess: geometry %w", err)
	}
	if err := CheckInterpolation(p.Interpolation); err != nil {
		return fmt.Errorf("preprocess: interpolation %w", err)
	}
	for c, s := range p.Std {
		if !(math.Abs(s) > 1e-8 && math.Abs(s) < 1e8) {
			return fmt.Errorf("preprocess: std must be a number that is not near 0, is %g", s)
		}
		if m := p.Mean[c]; !(math.Abs(m) < 1e8) {
			return fmt.Errorf("preprocess: mean must be a number, is %g", m)
		}
	}
	return nil
}

// String describes the preprocessing in one line.
func (p Preprocess) String() string {
	return fmt.Sprintf("%s, mean %s, std %s (%s)", p.Framing(), triple(p.Mean), triple(p.Std), p.Name)
}

// Framing describes in one line how pictures are resized and cropped.
func (p Preprocess) Framing() string {
	switch p.Geometry {
	case AsIs:
		return fmt.Sprintf("pictures of %dx%d as they are", p.Size, p.Size)
	case Central:
		return fmt.Sprintf("central %.6g%%, resize %dx%d %s", 100*p.CropPct, p.Size, p.Size, p.Interpolation)
	}
	return fmt.Sprintf("resize %d %s, crop %d", p.resize(), p.Interpolation, p.Size)
}

func triple(v [3]float64) string {
	if v[0] == v[1] && v[1] == v[2] {
		return fmt.Sprintf("%.6g", v[0])
	}
	return fmt.Sprintf("%.6g %.6g %.6g", v[0], v[1], v[2])
}

// Takes returns an error if im is not of the size that AsIs asks for.
func (p Preprocess) Takes(im Image) error {
	if p.Geometry == AsIs && (im.W != p.Size || im.H != p.Size) {
		return fmt.Errorf("has %dx%d pixels, but the network takes pictures of %dx%d as they are; resize it "+
			"(eval does so with --crop-pct 1)", im.W, im.H, p.Size, p.Size)
	}
	return nil
}

// Apply writes the network's input for im, which it Takes, to dst, [3][Size][Size].
func (p Preprocess) Apply(dst []float32, im Image, r *Resampler) {
	switch p.Geometry {
	case AsIs:
		p.Normalise(dst, im.Pix, false)
		return
	case Central:
		im = central(im, p.CropPct)
	}
	from, to := p.geometry(im)
	p.Normalise(dst, r.resample(im, from, to, filters[p.Interpolation]), false)
}

// resize is what the shorter side is resized to.
func (p Preprocess) resize() int { return max(p.Size, int(math.Round(float64(p.Size)/p.CropPct))) }

// central returns the middle of a picture as tf.image.central_crop cuts it.
func central(im Image, share float64) Image {
	x, y := int((float64(im.W)-float64(im.W)*share)/2), int((float64(im.H)-float64(im.H)*share)/2)
	out := New(im.W-2*x, im.H-2*y)
	for row := range out.H {
		copy(out.Pix[3*row*out.W:][:3*out.W], im.Pix[3*((y+row)*im.W+x):])
	}
	return out
}

// geometry returns which part of im is scaled to what, and which window of it
// is the input.
func (p Preprocess) geometry(im Image) (Box, window) {
	if p.Geometry != Shorter {
		return im.whole(), full(p.Size)
	}
	to := shorterTo(im, p.resize())
	to.x, to.y, to.size = place(to.w-p.Size, 0.5), place(to.h-p.Size, 0.5), p.Size
	return im.whole(), to
}

// shorterTo returns the size of im when its shorter side is resized.
func shorterTo(im Image, short int) window {
	if im.W < im.H {
		return window{w: short, h: short * im.H / im.W}
	}
	return window{w: short * im.W / im.H, h: short}
}

// place returns a share of the room, rounded as Python's round does: a half
// goes to the even neighbour.
func place(room int, share float64) int { return int(math.RoundToEven(float64(room) * share)) }

// Middle returns the input's values for the colour of what is no picture:
// middle grey; where each channel has a mean of its own, those of a dataset,
// that mean colour, which is 0.
func (p Preprocess) Middle() (middle [3]float32) {
	if p.Mean[0] != p.Mean[1] || p.Mean[1] != p.Mean[2] {
		return middle
	}
	for c := range middle {
		middle[c] = float32((0.5 - p.Mean[c]) / p.Std[c])
	}
	return middle
}

// Denormalise turns planes of floats, [3][Size][Size], back into a picture; values
// outside the pixels' range are cut off.
func (p Preprocess) Denormalise(planes []float32) Image {
	im := New(p.Size, p.Size)
	for c := range 3 {
		for i, v := range planes[c*p.Size*p.Size:][:p.Size*p.Size] {
			pixel := 255 * (float64(v)*p.Std[c] + p.Mean[c])
			im.Pix[3*i+c] = uint8(math.Round(min(255, max(0, pixel))))
		}
	}
	return im
}

// Normalise turns pixels [Size][Size][3] into planes of floats, mirrored left
// to right if flip is set.
func (p Preprocess) Normalise(dst []float32, pixels []uint8, flip bool) {
	size := p.Size
	for c := range 3 {
		var value [256]float32
		for i := range value {
			value[i] = float32((float64(i)/255 - p.Mean[c]) / p.Std[c])
		}
		plane := dst[c*size*size:][:size*size]
		for y := range size {
			row := plane[y*size:][:size]
			in := pixels[3*y*size+c:]
			for x := range row {
				row[x] = value[in[3*x]]
			}
			if flip {
				slices.Reverse(row)
			}
		}
	}
}

// Shown returns the part of im that the input shows, in pixels of im.
func (p Preprocess) Shown(im Image) Box {
	if p.Geometry == Central {
		part := central(im, p.CropPct)
		return Box{X: float64((im.W - part.W) / 2), Y: float64((im.H - part.H) / 2), W: float64(part.W), H: float64(part.H)}
	}
	_, to := p.geometry(im)
	across, down := float64(im.W)/float64(to.w), float64(im.H)/float64(to.h)
	return Box{X: float64(to.x) * across, Y: float64(to.y) * down, W: float64(to.size) * across,
		H: float64(to.size) * down}
}
