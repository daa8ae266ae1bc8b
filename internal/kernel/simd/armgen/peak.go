package main

// peakChains is how many independent chains a turn of the peak loop holds;
// neonISA's peak counts with the same number. Four units that take four cycles
// each need 16.
const peakChains = 24

// peak writes a loop of nothing but fused multiply-adds on registers.
func peak(file *file) {
	f := file.begin("peakNEON", "turns int", "24 independent chains of fused multiply-adds.")
	turns := f.argument("turns")
	half, chains := f.vector(), f.vectors(peakChains)
	f.half(half)
	for _, chain := range chains {
		f.zero(chain)
	}
	f.times("turn", turns, func() {
		for _, chain := range chains {
			f.op("fmla", half, half, chain) // grows until a quarter no longer counts
		}
	})
	f.end()
}
