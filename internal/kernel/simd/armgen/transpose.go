package main

// transpose writes a 16x16 block with rows and columns exchanged, 4x4 values at a
// time.
func transpose(file *file) {
	f := file.begin("transposeNEON", "to, from *[256]float32", "to = from with rows and columns exchanged.")
	to, from := f.argument("to"), f.argument("from")
	rows, pairs, columns := f.vectors(4), f.vectors(4), f.vectors(4)
	for row := 0; row < 16; row += 4 {
		for column := 0; column < 16; column += 4 {
			for i, r := range rows {
				f.load(at(from, (row+i)*block+column*float), r)
			}
			for i := 0; i < 4; i += 2 {
				f.op("trn1", rows[i], rows[i+1], pairs[i])
				f.op("trn2", rows[i], rows[i+1], pairs[i+1])
			}
			for i := range 2 {
				f.op("trn1.d", pairs[i], pairs[i+2], columns[i])
				f.op("trn2.d", pairs[i], pairs[i+2], columns[i+2])
			}
			for i, c := range columns {
				f.store(c, at(to, (column+i)*block+row*float))
			}
		}
	}
	f.end()
}
