package jpeg

// smoothing says whether coefficients that no scan has brought yet are to be
// guessed from the means around a block, as libjpeg does with progressive
// pictures that are cut off.
func (d *decoder) smoothing() bool {
	useful := false
	for i := range d.components {
		c := &d.components[i]
		if d.scans == 1 {
			c.before = unknown
		}
		if c.quant == nil || c.known[0] < 0 {
			return false
		}
		for _, g := range guesses {
			if c.quant[g.at] == 0 {
				return false
			}
		}
		for _, bit := range c.known[1:10] {
			useful = useful || bit != 0
		}
	}
	return useful
}

// guess is how a coefficient follows from the means of 5x5 blocks: by weights
// of 1/256. far is used where no AC coefficient is known, near elsewhere; nil
// if there is no guess then.
type guess struct {
	at        int // in natural order
	far, near *[25]int32
}

// guesses are those of libjpeg-turbo (jdcoefct.c), in zigzag order.
var guesses = [10]guess{
	{0, &[25]int32{-2, -6, -8, -6, -2, -6, 6, 42, 6, -6, -8, 42, 152, 42, -8, -6, 6, 42, 6, -6, -2, -6, -8, -6, -2}, nil},
	{1, &[25]int32{-1, -1, 0, 1, 1, -3, 13, 0, -13, 3, -3, 38, 0, -38, 3, -3, 13, 0, -13, 3, -1, -1, 0, 1, 1},
		&[25]int32{10: -7, 11: 50, 13: -50, 14: 7}},
	{8, &[25]int32{-1, -3, -3, -3, -1, -1, 13, 38, 13, -1, 0, 0, 0, 0, 0, 1, -13, -38, -13, 1, 1, 3, 3, 3, 1},
		&[25]int32{2: -7, 7: 50, 17: -50, 22: 7}},
	{16, &[25]int32{2: 1, 6: 2, 7: 7, 8: 2, 11: -5, 12: -14, 13: -5, 16: 2, 17: 7, 18: 2, 22: 1},
		&[25]int32{2: -1, 7: 13, 12: -24, 17: 13, 22: -1}},
	{9, &[25]int32{0: -1, 4: 1, 6: 9, 8: -9, 16: -9, 18: 9, 20: 1, 24: -1},
		&[25]int32{1: -1, 3: 1, 5: -1, 6: 10, 8: -10, 9: 1, 15: 1, 16: -10, 18: 10, 19: -1, 21: 1, 23: -1}},
	{2, &[25]int32{6: 2, 7: -5, 8: 2, 10: 1, 11: 7, 12: -14, 13: 7, 14: 1, 16: 2, 17: -5, 18: 2},
		&[25]int32{10: -1, 11: 13, 12: -24, 13: 13, 14: -1}},
	{3, &[25]int32{6: 1, 8: -1, 11: 2, 13: -2, 16: 1, 18: -1}, nil},
	{10, &[25]int32{6: 1, 7: -3, 8: 1, 16: -1, 17: 3, 18: -1}, nil},
	{17, &[25]int32{6: 1, 8: -1, 11: -3, 13: 3, 16: 1, 18: -1}, nil},
	{24, &[25]int32{6: 1, 7: 2, 8: 1, 16: -1, 17: -2, 18: -1}, nil},
}

// smooth guesses the coefficients of a block that are zero and not known to be.
// The last scan came as far as the row lastRow of MCUs.
func (c *component) smooth(coefs *[64]int16, bx, by, lastRow int) {
	known := &c.known
	if by/c.v > lastRow {
		known = &c.before
	}
	none := true
	for _, bit := range known[1:10] {
		none = none && bit == -1
	}
	means := c.means(bx, by)
	mean := int64(c.quant[0])
	for k, g := range guesses {
		weights := g.near
		if none {
			weights = g.far
		}
		if weights == nil || k > 0 && (known[k] == 0 || coefs[g.at] != 0) {
			continue
		}
		sum := int64(0)
		for i, w := range weights {
			sum += int64(w) * int64(means[i])
		}
		step := int64(c.quant[g.at])
		num := max(mean*sum, -mean*sum)
		v := (step<<7 + num) / (step << 8)
		if bit := known[k]; k > 0 && bit > 0 {
			v = min(v, 1<<bit-1) // else the scans would have brought it
		}
		if mean*sum < 0 {
			v = -v
		}
		coefs[g.at] = int16(v)
	}
}

// means returns the means of the 5x5 blocks around one, those at the edge
// repeated beyond it.
func (c *component) means(bx, by int) (m [25]int16) {
	top, bottom := c.edges(by)
	for dy := -2; dy <= 2; dy++ {
		y := max(top, min(bottom, by+dy))
		for dx := -2; dx <= 2; dx++ {
			x := max(0, min(c.across-1, bx+dx))
			m[5*(dy+2)+dx+2] = c.coefs[64*(y*c.stride/8+x)]
		}
	}
	return m
}

// edges returns the first and the last row of blocks that libjpeg looks at for a
// block in row by: it counts rows as if all MCUs had as many as those of the
// same row of MCUs, which differ in the last one.
func (c *component) edges(by int) (top, bottom int) {
	mcu, last := by/c.v, (c.down-1)/c.v
	if mcu < last {
		return 0, (last+1)*c.v - 1 // beyond the picture, into the last MCUs
	}
	shown := c.down - last*c.v
	if mcu*shown+by-mcu*c.v < 2 {
		top = max(0, by-1)
	}
	return top, c.down - 1
}
