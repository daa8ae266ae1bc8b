package main

// outerPasses says which of the 16 input channels are summed together: the pixels
// are walked once per pass, because all 16 channels' sums do not fit the registers.
var outerPasses = []int{6, 5, 5}

// outer writes the outer-product tile of one output block.
func outer(file *file) {
	f := file.begin("outerNEON_1", "args *OuterArgs", "1 output block.")
	field := f.fields("OuterArgs")
	dw, xBase, dyBase := field("DW"), field("X"), field("DY")
	xPixel, dyPixel := field("XPixel"), field("DYPixel")
	first := 0
	for _, channels := range outerPasses {
		f.scope(func() {
			sums := f.vectors(channels * perBlock)
			for _, sum := range sums {
				f.zero(sum)
			}
			rows, count := field("Rows"), field("Count")
			f.times("rows", count, func() {
				x, dy, pixels := f.general(), f.general(), f.general()
				f.loadGP(rows, 0, x)
				f.loadGP(rows, 8, dy)
				f.loadGP(rows, 16, pixels)
				f.advance(rows, 24)
				f.add(xBase, x, x)
				f.add(dyBase, dy, dy)
				f.times("pixels", pixels, func() {
					outerPixel(f, sums, first, x, dy)
					f.add(x, xPixel, x)
					f.add(dy, dyPixel, dy)
				})
			})
			outerStore(f, sums, at(dw, first*block), field("Accumulate"))
		})
		first += channels
	}
	f.end()
}

// outerPixel adds one pixel's products; sums begin at input channel first.
func outerPixel(f *function, sums []vec, first int, x, dy gp) {
	row, channels := f.vectors(perBlock), len(sums)/perBlock
	f.loadAll(at(dy, 0), row)
	inputs := f.vectors((channels + perTurn - 1) / perTurn)
	for i, input := range inputs {
		part := map[int]width{1: single, 2: double}[channels-i*perTurn]
		if part.bytes == 0 {
			part = quadruple
		}
		f.loadPart(part, at(x, (first+i*perTurn)*float), input)
	}
	for c := range channels {
		for v, r := range row {
			f.multiplyAdd(r, inputs[c/perTurn], c%perTurn, sums[c*perBlock+v])
		}
	}
}

func outerStore(f *function, sums []vec, to address, accumulate gp) {
	f.unless("overwrite", accumulate, func() {
		old := f.vectors(perBlock)
		for i := 0; i < len(sums); i += perBlock {
			f.loadAll(to.plus(i*vector), old)
			for v, o := range old {
				f.op("fadd", sums[i+v], o, sums[i+v])
			}
		}
	})
	f.storeAll(sums, to)
}
