package jpeg

import "slices"

// scan reads a scan: its header, T.81, B.2.3, and its MCUs.
func (d *decoder) scan() error {
	body, err := d.segment()
	if err != nil {
		return err
	}
	inScan, err := d.scanHeader(body)
	if err != nil {
		return err
	}
	if d.visited > 100*d.claimed()+1<<20 {
		return formatError("has more scans than a picture needs")
	}
	d.scans++
	for _, c := range inScan {
		if c.quant == nil {
			if c.quant = d.quant[c.table]; c.quant == nil {
				return formatError("has no quantisation table %d", c.table)
			}
		}
	}
	if err := d.checkTables(inScan); err != nil {
		return err
	}
	d.in.reset()
	d.resetScan(inScan)
	d.lastRow = 0
	if len(inScan) == 1 {
		c := inScan[0]
		d.mcus(inScan, c.across, c.down, 1)
	} else {
		d.mcus(inScan, d.mcusAcross, d.mcusDown, 0)
	}
	return nil
}

// scanHeader returns the components of a scan.
func (d *decoder) scanHeader(body []byte) ([]*component, error) {
	if len(body) < 1 {
		return nil, formatError("has an empty scan header")
	}
	n := int(body[0])
	if n < 1 || n > len(d.components) || len(body) < 4+2*n {
		return nil, formatError("has a scan of %d components", n)
	}
	var inScan []*component
	for i := range n {
		id, tables := body[1+2*i], body[2+2*i]
		at := slices.IndexFunc(d.components, func(c component) bool { return c.id == id })
		if at < 0 || slices.Contains(inScan, &d.components[at]) {
			// Some encoders number the scan's components otherwise; the order is right.
			if at = i; n != len(d.components) {
				return nil, formatError("has a scan of the unknown component %d", id)
			}
		}
		c := &d.components[at]
		c.dc, c.ac = tables>>4, tables&15
		if c.dc > 3 || c.ac > 3 {
			return nil, formatError("has a scan with the table %d", max(c.dc, c.ac))
		}
		inScan = append(inScan, c)
	}
	spectral := body[1+2*n:]
	d.ss, d.se, d.ah, d.al = 0, 63, 0, 0
	if d.progressive {
		d.ss, d.se, d.ah, d.al = int(spectral[0]), int(spectral[1]), int(spectral[2]>>4), int(spectral[2]&15)
		if d.ss == 0 && d.se != 0 || d.ss > d.se || d.se > 63 || d.ss > 0 && n > 1 || d.al > 13 ||
			d.ah != 0 && d.ah-1 != d.al {
			return nil, formatError("has a scan of coefficients %d to %d, bits %d to %d", d.ss, d.se, d.ah, d.al)
		}
		for _, c := range inScan {
			c.before = [64]int8{} // of the first scan libjpeg says that all was known
			if d.scans > 0 {
				c.before = c.known
			}
			for k := d.ss; k <= d.se; k++ {
				c.known[k] = int8(d.al)
			}
		}
	}
	return inScan, nil
}

// checkTables gives the scan the standard tables where the picture has none.
func (d *decoder) checkTables(inScan []*component) error {
	if d.arithmetic {
		return nil
	}
	for _, c := range inScan {
		for class, n := range [2]byte{c.dc, c.ac} {
			if d.huffman[class][n] != nil {
				continue
			}
			if n > 1 {
				return formatError("has no Huffman table %d", n)
			}
			d.huffman[class][n] = standard[class][n]
		}
	}
	return nil
}

// mcus reads so many MCUs. single is 1 if they are blocks of one component,
// T.81, A.2.2.
func (d *decoder) mcus(inScan []*component, across, down, single int) {
	total := across * down
	restart := d.restartInterval
	if restart == 0 {
		restart = total
	}
	broken := false // nothing more can be read up to the next restart
	next := byte(0) // restart marker
	for first := 0; first < total; first += restart {
		if first > 0 {
			// Data that are missing are zeros for the first MCU without any, as
			// for libjpeg.
			broken = !d.restart(inScan, next) && broken
			next = (next + 1) & 7
		}
		for i := first; i < min(first+restart, total) && !broken; i++ {
			d.lastRow = i / across
			broken = !d.mcu(inScan, i%across, i/across, single)
		}
		if broken && d.in.pos >= len(d.in.data) {
			break
		}
	}
	if single == 1 {
		d.lastRow /= inScan[0].v
	}
}

// mcu reads the blocks of an MCU, and says whether they were all there.
func (d *decoder) mcu(inScan []*component, mx, my, single int) bool {
	for _, c := range inScan {
		h, v := c.h, c.v
		if single == 1 {
			h, v = 1, 1
		}
		d.visited += h * v
		for by := my * v; by < my*v+v; by++ {
			for bx := mx * h; bx < mx*h+h; bx++ {
				d.block(c, bx, by)
			}
		}
	}
	if d.arithmetic {
		switch {
		case d.arith.failed:
			d.damage(Damaged)
		case d.arith.ended > 0 && len(d.in.data)-d.in.pos < 2: // not before a marker, where zeros may be left out
			d.arith.failed = d.arith.ended > 2 // two bytes are read ahead
			d.damage(EndsEarly)
		}
		return !d.arith.failed
	}
	if !d.in.overrun() {
		return true
	}
	d.damage(d.endOfSegment())
	return false
}

// endOfSegment says why entropy-coded data that were expected are not there.
func (d *decoder) endOfSegment() string {
	rest := d.in.data[d.in.pos:]
	if len(rest) < 2 || rest[0] == 0xff && rest[1] == markerEOI {
		return EndsEarly
	}
	return Damaged
}

// block reads one block into its place.
func (d *decoder) block(c *component, bx, by int) {
	if d.progressive {
		at := 64 * (by*c.stride/8 + bx)
		coefs := (*[64]int16)(c.coefs[at : at+64])
		switch {
		case d.arithmetic:
			d.arith.progressive(d, c, coefs)
		case d.ss == 0 && d.ah == 0:
			d.firstDC(c, coefs)
		case d.ss == 0:
			coefs[0] |= int16(d.in.take(1) << d.al)
		case d.ah == 0:
			d.firstAC(c, coefs)
		default:
			d.refineAC(c, coefs)
		}
		return
	}
	var b block
	var nonzero uint64
	if d.arithmetic {
		nonzero = d.arith.sequential(d, c, &b)
	} else {
		nonzero = d.sequential(c, &b)
	}
	idct(&b, nonzero, c.plane[8*by*c.stride+8*bx:], c.stride)
}

// resetScan is what happens at the beginning of a scan and at its restarts.
func (d *decoder) resetScan(inScan []*component) {
	d.eobRun = 0
	for _, c := range inScan {
		c.last, c.dcContext = 0, 0
	}
	if d.arithmetic {
		if d.arith == nil {
			d.arith = new(arithmetic)
		}
		d.arith.reset()
	}
}

// restart goes to the restart marker that is due, T.81, F.2.2.5. If another
// one is there, it does as libjpeg (jdmarker.c): false means that the data of
// this interval are lost.
func (d *decoder) restart(inScan []*component, due byte) bool {
	d.in.reset()
	d.resetScan(inScan)
	for {
		marker := d.nextMarker()
		switch {
		case marker == 0:
			d.damage(EndsEarly)
			return false
		case marker == markerRST0+due:
			return true
		case marker < markerSOF0:
			d.damage(Damaged)
			continue // not a marker that can be
		case marker < markerRST0 || marker > markerRST0+7:
			d.in.pos -= 2
			d.damage(d.markerMissing(marker))
			return false
		}
		d.damage(Damaged)
		switch n := marker - markerRST0; n {
		case (due + 1) & 7, (due + 2) & 7:
			d.in.pos -= 2 // this interval is missing
			return false
		case (due - 1) & 7, (due - 2) & 7:
			continue // one that was missed
		default:
			return true
		}
	}
}

func (d *decoder) markerMissing(found byte) string {
	if found == markerEOI {
		return EndsEarly
	}
	return Damaged
}
