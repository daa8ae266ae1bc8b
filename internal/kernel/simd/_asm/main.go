// Command _asm writes the assembly of package simd. Each family becomes
// ../FAMILY_amd64.s with its stubs in ../FAMILY_amd64.go.
//
// The argument structs are read from ../args.go, so that a field's offset in
// assembly cannot differ from the one in Go.
package main

import (
	"log"
	"os"
	"path/filepath"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/pass"
	"github.com/mmcloughlin/avo/printer"
)

// families lists what is written, in the order of the functions in a file.
var families = []struct {
	name  string
	write func(*emitter)
}{
	{"tiles", func(e *emitter) {
		for _, s := range []*simd{avx512, avx2} {
			gemmTiles(e, s, float32s)
			outerTiles(e, s, float32s)
		}
	}},
	{"winograd", func(e *emitter) {
		for _, s := range []*simd{avx512, avx2} {
			winogradIn(e, s, floatWinograd)
			winogradOut(e, s, floatWinograd)
			winogradWeights(e, s, floatWinograd)
			winogradOutBack(e, s, floatWinograd)
			winogradWeightsBack(e, s)
		}
	}},
	{"runs", func(e *emitter) {
		transpose(e) // gains nothing in 512 bits
		for _, s := range []*simd{avx512, avx2} {
			moments(e, s)
			normalise(e, s)
			gradientSums(e, s)
			gradientApply(e, s)
			poolSum(e, s)
			poolMax(e, s)
			poolMaxBack(e, s)
			evens(e, s)
			axpy(e, s)
			scale(e, s)
			lerp(e, s)
			momentum(e, s)
			rmsProp(e, s)
			adam(e, s)
		}
	}},
	{"bf16", func(e *emitter) {
		gemmTiles(e, avx512, bf16s)
		outerTiles(e, avx512, bf16s)
		roundRun(e)
		widenRun(e)
		addRun(e)
		pairRun(e)
		packPairs(e)
		packTransposed(e)
		winogradIn(e, avx512, bf16Winograd)
		winogradOut(e, avx512, bf16Winograd)
		winogradWeights(e, avx512, bf16Winograd)
		winogradIn(e, avx512, widenedWinograd)
		winogradOutBack(e, avx512, widenedWinograd)
		poolSumBF16(e)
		poolSum3BF16(e)
		poolMaxBF16(e)
		poolMaxPositiveBF16(e)
		poolArgmaxBF16(e)
		poolMaxBackBF16(e)
		momentsBF16(e)
		normaliseBF16(e)
		gradientSumsBF16(e)
		gradientApplyBF16(e)
	}},
	{"int8", int8Family},
	{"amx", amxFamily},
	{"peak", func(e *emitter) {
		peak(e, avx512)
		peakBF16(e)
		peak(e, avx2)
	}},
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("_asm: ")
	types, err := readTypes(filepath.Join("..", "args.go"))
	if err != nil {
		log.Fatal(err)
	}
	for _, family := range families {
		e := &emitter{Context: build.NewContext(), types: types}
		e.ConstraintExpr("!purego")
		family.write(e)
		if err := e.save(filepath.Join("..", family.name+"_amd64")); err != nil {
			log.Fatalf("%s: %v", family.name, err)
		}
	}
}

// save compiles what was emitted and writes base.s and base.go.
func (e *emitter) save(base string) error {
	file, err := e.Result()
	if err != nil {
		return err
	}
	if err := pass.Compile.Execute(file); err != nil {
		return err
	}
	if err := encodeAll(file); err != nil {
		return err
	}
	config := printer.Config{Name: "internal/kernel/simd/_asm", Pkg: "simd"}
	for extension, p := range map[string]printer.Printer{
		".s":  printer.NewGoAsm(config),
		".go": printer.NewStubs(config),
	} {
		text, err := p.Print(file)
		if err != nil {
			return err
		}
		if err := os.WriteFile(base+extension, text, 0o644); err != nil {
			return err
		}
	}
	return nil
}
