package main

import "fmt"

const (
	// gemmRows is the largest tile's pixels: their 16 sums each fill 24 of 32
	// registers; 6 hold inputs, 2 weights.
	gemmRows = 6

	// inFlight is how many sums keep the units busy: four of them on Neoverse V1
	// and Apple's cores, each done after four cycles.
	inFlight = 16

	// perTurn is how many input channels a turn handles: a register of them.
	perTurn = vector / float
)

// gemm writes the batch-reduce tile of one output block and m pixels. All of C's
// tile stays in registers while the batch streams by; each turn loads 4 input
// channels of every pixel, and their weights two registers at a time.
func gemm(f *file, m int) {
	t := &gemmTile{function: f.begin(fmt.Sprintf("gemmNEON_1x%d", m), "args *GemmArgs",
		fmt.Sprintf("1 output block, %d pixels.", m)), m: m}
	field := t.fields("GemmArgs")
	sets := 1
	for sets*m*perBlock < inFlight {
		sets *= 2
	}
	for range sets {
		t.sums = append(t.sums, t.vectors(m*perBlock))
	}
	for _, set := range t.sums {
		for _, sum := range set {
			t.zero(sum)
		}
	}
	t.scope(func() { t.batch(field) })
	for _, set := range t.sums[1:] {
		for i, sum := range set {
			t.op("fadd", t.sums[0][i], sum, t.sums[0][i])
		}
	}
	t.epilogue(field)
	t.end()
}

type gemmTile struct {
	*function
	m int

	sums            [][]vec // by set, [pixel*perBlock + vector]; with too few, products wait for each other
	inputs, weights []vec
}

func (t *gemmTile) batch(field func(string) gp) {
	aBase, bBase, aPixel := field("A"), field("B"), field("APixel")
	offsets, count := field("Offsets"), field("Count")
	t.inputs = t.vectors(t.m)
	t.weights = t.vectors(min(8, int(vectorEnd-t.free.vector)/2*2))

	t.times("batch", count, func() {
		b := t.general()
		pixels := make([]gp, t.m)
		for i := range pixels {
			pixels[i] = t.general()
		}
		t.loadGP(offsets, 0, pixels[0])
		t.loadGP(offsets, 8, b)
		t.advance(offsets, 16)
		t.add(aBase, pixels[0], pixels[0])
		t.add(bBase, b, b)
		for i := 1; i < t.m; i++ {
			t.add(pixels[i-1], aPixel, pixels[i])
		}
		channel, top := t.general(), t.label("channels") // in bytes
		t.set(0, channel)
		t.place(top)
		t.turn(pixels, channel, b)
		t.advance(channel, vector)
		t.advance(b, perTurn*block)
		t.compare(channel, block)
		t.branchUnequal(top)
	})
}

// turn adds the products of 4 input channels.
func (t *gemmTile) turn(pixels []gp, channel, b gp) {
	for i, pixel := range pixels {
		t.load(indexed(pixel, channel), t.inputs[i])
	}
	next := 0
	for c := range perTurn {
		sums := t.sums[c%len(t.sums)]
		for v := 0; v < perBlock; v += 2 {
			w := t.weights[next : next+2]
			next = (next + 2) % len(t.weights)
			t.loadPair(at(b, c*block+v*vector), w[0], w[1])
			for i, input := range t.inputs {
				t.multiplyAdd(w[0], input, c, sums[i*perBlock+v])
				t.multiplyAdd(w[1], input, c, sums[i*perBlock+v+1])
			}
		}
	}
}

// epilogue adds C's old values and the bias, replaces negative values and stores.
func (t *gemmTile) epilogue(field func(string) gp) {
	sums := t.sums[0]
	c, cPixel := field("C"), field("CPixel")
	t.unless("overwrite", field("Accumulate"), func() {
		from, old := t.general(), t.vectors(perBlock)
		t.move(c, from)
		for i := 0; i < len(sums); i += perBlock {
			t.loadAll(at(from, 0), old)
			for v, o := range old {
				t.op("fadd", sums[i+v], o, sums[i+v])
			}
			t.add(from, cPixel, from)
		}
	})
	bias := field("Bias")
	t.unless("unbiased", bias, func() {
		values := t.vectors(perBlock)
		t.loadAll(at(bias, 0), values)
		for i, sum := range sums {
			t.op("fadd", sum, values[i%perBlock], sum)
		}
	})
	t.unless("linear", field("ReLU"), func() {
		for _, sum := range sums {
			t.positive(sum)
		}
	})
	for i := 0; i < len(sums); i += perBlock {
		t.storeAll(sums[i:i+perBlock], at(c, 0))
		t.add(c, cPixel, c)
	}
}
