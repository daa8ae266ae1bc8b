package dataset

import "math"

// canvas is a square picture, [size][size][3], that distortions change in place,
// pixel for pixel as torchvision does with Pillow's pictures. What comes in from
// outside is of the colour fill.
type canvas struct {
	pix  []uint8
	size int
	fill uint8
}

// shearX moves each row to the left by its height times the magnitude.
func (c canvas) shearX(magnitude float64) { c.affine([6]float64{1, magnitude, 0, 0, 1, 0}) }

// shearY moves each column up by its place times the magnitude.
func (c canvas) shearY(magnitude float64) { c.affine([6]float64{1, 0, 0, magnitude, 1, 0}) }

// translateX moves the picture to the right by whole pixels.
func (c canvas) translateX(pixels float64) { c.affine([6]float64{1, 0, -math.Trunc(pixels), 0, 1, 0}) }

// translateY moves the picture down by whole pixels.
func (c canvas) translateY(pixels float64) { c.affine([6]float64{1, 0, 0, 0, 1, -math.Trunc(pixels)}) }

// rotate turns the picture to the left around its middle.
func (c canvas) rotate(degrees float64) {
	sin, cos := math.Sincos(-degrees * math.Pi / 180)
	middle := float64(c.size) / 2
	c.affine([6]float64{
		cos, sin, middle - (cos+sin)*middle,
		-sin, cos, middle - (cos-sin)*middle,
	})
}

// affine shows at (x, y) what was nearest to (m0 x + m1 y + m2, m3 x + m4 y + m5),
// counted from pixels' corners, in Pillow's fixed point with 16 binary places.
func (c canvas) affine(m [6]float64) {
	fixed := func(v float64) int { return int(math.Floor(v*65536 + 0.5)) }
	across, down := [2]int{fixed(m[0]), fixed(m[3])}, [2]int{fixed(m[1]), fixed(m[4])}
	row := [2]int{fixed(m[2] + m[0]/2 + m[1]/2), fixed(m[5] + m[3]/2 + m[4]/2)}
	from := append([]uint8(nil), c.pix...)
	for y := range c.size {
		at := row
		for x := range c.size {
			to, px, py := c.pix[3*(y*c.size+x):][:3], at[0]>>16, at[1]>>16
			if px >= 0 && px < c.size && py >= 0 && py < c.size {
				copy(to, from[3*(py*c.size+px):])
			} else {
				to[0], to[1], to[2] = c.fill, c.fill, c.fill
			}
			at[0], at[1] = at[0]+across[0], at[1]+across[1]
		}
		row[0], row[1] = row[0]+down[0], row[1]+down[1]
	}
}

// brighten moves the picture away from black.
func (c canvas) brighten(magnitude float64) {
	c.blend(magnitude, func(int) uint8 { return 0 })
}

// colour moves each pixel away from its grey.
func (c canvas) colour(magnitude float64) {
	before := canvas{append([]uint8(nil), c.pix...), c.size, c.fill}
	c.blend(magnitude, func(i int) uint8 { return before.grey(i / 3) })
}

// contrast moves the picture away from its mean grey.
func (c canvas) contrast(magnitude float64) {
	sum := 0
	for i := range c.size * c.size {
		sum += int(c.grey(i))
	}
	mean := uint8(float64(sum)/float64(c.size*c.size) + 0.5)
	c.blend(magnitude, func(int) uint8 { return mean })
}

// sharpen moves the picture away from its smoothed one; border pixels stay.
func (c canvas) sharpen(magnitude float64) {
	smooth := append([]uint8(nil), c.pix...)
	row := 3 * c.size
	for y := 1; y < c.size-1; y++ {
		for i := y*row + 3; i < (y+1)*row-3; i++ {
			sum := 4 * int(c.pix[i])
			for _, line := range []int{i - row, i, i + row} {
				sum += int(c.pix[line-3]) + int(c.pix[line]) + int(c.pix[line+3])
			}
			smooth[i] = uint8((2*sum + 13) / 26)
		}
	}
	c.blend(magnitude, func(i int) uint8 { return smooth[i] })
}

// blend moves each value away from another by 1 plus the magnitude, cutting off
// decimals.
func (c canvas) blend(magnitude float64, other func(i int) uint8) {
	factor := float32(1 + magnitude)
	for i, v := range c.pix {
		from := other(i)
		c.pix[i] = uint8(max(0, min(255, float32(from)+factor*float32(int(v)-int(from)))))
	}
}

// grey returns the luminance of pixel i.
func (c canvas) grey(i int) uint8 {
	p := c.pix[3*i : 3*i+3]
	return uint8((int(p[0])*19595 + int(p[1])*38470 + int(p[2])*7471 + 0x8000) >> 16)
}

// posterize clears so many of the lowest bits.
func (c canvas) posterize(bits float64) {
	mask := uint8(0xff) << int(math.Round(bits))
	for i := range c.pix {
		c.pix[i] &= mask
	}
}

// solarize inverts the values that are not below 255 less the magnitude.
func (c canvas) solarize(magnitude float64) {
	for i, v := range c.pix {
		if float64(v) >= 255-magnitude {
			c.pix[i] = 255 - v
		}
	}
}

// autoContrast stretches each channel over all values.
func (c canvas) autoContrast(float64) {
	c.remap(func(histogram [256]int) (table [256]uint8) {
		low, high := 0, 255
		for low < 255 && histogram[low] == 0 {
			low++
		}
		for high > 0 && histogram[high] == 0 {
			high--
		}
		if high <= low {
			return identity()
		}
		scale := 255 / float64(high-low)
		for v := range table {
			table[v] = uint8(max(0, min(255, float64(v)*scale-float64(low)*scale)))
		}
		return table
	})
}

// equalize spreads the values of each channel evenly.
func (c canvas) equalize(float64) {
	c.remap(func(histogram [256]int) (table [256]uint8) {
		last := 255
		for last > 0 && histogram[last] == 0 {
			last--
		}
		step := (c.size*c.size - histogram[last]) / 255
		if step == 0 {
			return identity()
		}
		sum := step / 2
		for v := range table {
			table[v] = uint8(min(255, sum/step))
			sum += histogram[v]
		}
		return table
	})
}

// remap replaces the values of each channel by a table made of how often they
// come.
func (c canvas) remap(table func(histogram [256]int) [256]uint8) {
	var histograms [3][256]int
	for i, v := range c.pix {
		histograms[i%3][v]++
	}
	var tables [3][256]uint8
	for channel, h := range histograms {
		tables[channel] = table(h)
	}
	for i, v := range c.pix {
		c.pix[i] = tables[i%3][v]
	}
}

func identity() (table [256]uint8) {
	for v := range table {
		table[v] = uint8(v)
	}
	return table
}
