package figure

import (
	"math"

	"github.com/inception-go/inception/internal/picture"
)

// Heat is a map over a picture: values from 0 to 1, or from -1 to 1, row by row.
type Heat struct {
	W, H   int
	Values []float32
}

// Over lays the heat over a picture. Where it is 0 the picture shows in grey;
// 1 is yellow, and of signed heat -1 is blue and 1 red.
func (h Heat) Over(im picture.Image, signed bool) picture.Image {
	out := picture.New(im.W, im.H)
	columns, rows := between(h.W, im.W), between(h.H, im.H)
	for y, row := range rows {
		for x, column := range columns {
			v := h.at(row, column)
			c := scaleOf(signed)(v)
			// In grey, because the picture's own colours would mix with the scale's.
			alpha := 0.7 * math.Min(1, math.Abs(v))
			at := 3 * (y*im.W + x)
			p := im.Pix[at : at+3]
			grey := 0.299*float64(p[0]) + 0.587*float64(p[1]) + 0.114*float64(p[2])
			for i := range c {
				out.Pix[at+i] = uint8(math.Round((1-alpha)*grey + alpha*c[i]))
			}
		}
	}
	return out
}

// neighbours are the two values beside a pixel, and the share of the second.
type neighbours struct {
	a, b  int
	share float64
}

// between places pixels among values whose centres are spread evenly.
func between(values, pixels int) []neighbours {
	all := make([]neighbours, pixels)
	for i := range all {
		at := math.Max(0, math.Min(float64(values-1), (float64(i)+0.5)*float64(values)/float64(pixels)-0.5))
		a := int(at)
		all[i] = neighbours{a, min(a+1, values-1), at - float64(a)}
	}
	return all
}

// at is bilinear between four values.
func (h Heat) at(row, column neighbours) float64 {
	line := func(y int) float64 {
		a, b := float64(h.Values[y*h.W+column.a]), float64(h.Values[y*h.W+column.b])
		return a + column.share*(b-a)
	}
	top := line(row.a)
	return top + row.share*(line(row.b)-top)
}

// A colour is red, green and blue from 0 to 255.
type colour [3]float64

// Colours at equal distances on the two scales: where values are small they cover
// little. Both are readable by the colour-blind.
var (
	warm    = []colour{{200, 0, 90}, {220, 20, 60}, {240, 80, 20}, {255, 160, 0}, {255, 235, 60}}
	blueRed = []colour{{10, 90, 230}, {60, 140, 230}, {128, 128, 128}, {230, 90, 70}, {215, 15, 40}}
)

// scaleOf returns the colour of each value.
func scaleOf(signed bool) func(v float64) colour {
	if signed {
		return func(v float64) colour { return along(blueRed, (v+1)/2) }
	}
	return func(v float64) colour { return along(warm, v) }
}

// along returns the colour at a share of a scale.
func along(scale []colour, share float64) (c colour) {
	n := between1(share, len(scale))
	for i := range c {
		c[i] = scale[n.a][i] + n.share*(scale[n.b][i]-scale[n.a][i])
	}
	return c
}

// between1 places a share from 0 to 1 among values whose first is at 0 and last at 1.
func between1(share float64, values int) neighbours {
	at := math.Max(0, math.Min(1, share)) * float64(values-1)
	a := int(at)
	return neighbours{a, min(a+1, values-1), at - float64(a)}
}

// SideBySide joins pictures of the same height.
func SideBySide(all []picture.Image) picture.Image {
	w := 0
	for _, im := range all {
		w += im.W
	}
	out := picture.New(w, all[0].H)
	x := 0
	for _, im := range all {
		for y := range im.H {
			copy(out.Pix[3*(y*w+x):], im.Pix[3*y*im.W:][:3*im.W])
		}
		x += im.W
	}
	return out
}
