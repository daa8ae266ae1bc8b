// Command armgen writes the assembly of package simd for 64-bit Arm. Each family
// becomes ../FAMILY_arm64.s with its stubs in ../FAMILY_arm64.go.
//
// It is the counterpart of the generator in ../_asm, whose library knows x86
// only. Go's assembler has few of Arm's vector instructions, so all of them are
// written as WORDs with their text beside them; the test has LLVM read every one.
package main

import (
	"fmt"
	"log"
	"os"
	"path/filepath"
)

// families lists what is written, in the order of the functions in a file.
var families = []struct {
	name  string
	write func(*file)
}{
	{"tiles", func(f *file) {
		for m := 1; m <= gemmRows; m++ {
			gemm(f, m)
		}
		outer(f)
	}},
	{"winograd", func(f *file) {
		winogradIn(f)
		winogradOut(f)
		winogradWeights(f)
		winogradOutBack(f)
		winogradWeightsBack(f)
	}},
	{"runs", func(f *file) {
		transpose(f)
		evens(f)
		moments(f)
		normalise(f)
		gradientSums(f)
		gradientApply(f)
		poolSum(f)
		poolMax(f)
		poolMaxBack(f)
		axpy(f)
		scale(f)
		lerp(f)
		momentum(f)
		rmsProp(f)
		adam(f)
	}},
	{"peak", peak},
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("armgen: ")
	files, err := generate("..")
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range files {
		base := filepath.Join("..", f.name+"_arm64")
		for extension, text := range map[string]string{".s": f.assembly(), ".go": f.stubs()} {
			if err := os.WriteFile(base+extension, []byte(text), 0o644); err != nil {
				log.Fatal(err)
			}
		}
	}
}

// generate emits all families; simd is the folder of package simd, whose args.go
// says where arguments are.
func generate(simd string) ([]*file, error) {
	types, err := readTypes(filepath.Join(simd, "args.go"))
	if err != nil {
		return nil, fmt.Errorf("reading the arguments' types: %w", err)
	}
	var files []*file
	for _, family := range families {
		f := &file{name: family.name, types: types}
		family.write(f)
		files = append(files, f)
	}
	return files, nil
}
