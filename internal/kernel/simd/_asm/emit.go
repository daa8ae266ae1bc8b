package main

import (
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/gotypes"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	"github.com/mmcloughlin/avo/x86"
)

// emitter is avo's context plus the types of the arguments.
type emitter struct {
	*build.Context
	types *types.Package
	label int
}

// readTypes returns the types that a Go file declares. Names from other files
// stay unresolved, which is not an error here.
func readTypes(path string) (*types.Package, error) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, nil, 0)
	if err != nil {
		return nil, err
	}
	config := types.Config{Importer: importer.Default(), Error: func(error) {}}
	pkg, _ := config.Check("simd", set, []*ast.File{file}, nil)
	return pkg, nil
}

// begin starts a function of the given parameters, e.g. "args *GemmArgs".
func (e *emitter) begin(name, params, doc string) {
	e.label = 0
	e.Function(name)
	e.Attributes(attr.NOSPLIT)
	value, err := types.Eval(token.NewFileSet(), e.types, token.NoPos, "func("+params+")")
	if err != nil {
		panic(fmt.Sprintf("%s: %v", name, err))
	}
	e.Signature(gotypes.NewSignature(e.types, value.Type.(*types.Signature)))
	e.Pragma("noescape")
	e.Doc(doc)
}

// end returns from a function that used vector registers.
func (e *emitter) end() {
	e.VZEROUPPER()
	e.RET()
}

// fields reads fields of the struct that parameter args points to.
func (e *emitter) fields(structName string) func(name string) reg.GPVirtual {
	args := e.Load(e.Param("args"), e.GP64())
	return func(name string) reg.GPVirtual {
		r := e.GP64()
		e.MOVQ(operand.Mem{Base: args, Disp: e.offset(structName, name)}, r)
		return r
	}
}

// offset returns where a struct of package simd has a field.
func (e *emitter) offset(structName, name string) int {
	fields := e.types.Scope().Lookup(structName).Type().Underlying().(*types.Struct)
	var before []*types.Var
	for field := range fields.Fields() {
		before = append(before, field)
		if field.Name() == name {
			return int(gotypes.Sizes.Offsetsof(before)[len(before)-1])
		}
	}
	panic(fmt.Sprintf("%s has no field %s", structName, name))
}

// name returns a label that is new in this function.
func (e *emitter) name(hint string) string {
	e.label++
	return fmt.Sprintf("%s%d", hint, e.label)
}

// times emits a body that runs count times, count being a register that the
// loop counts down; zero times if count is zero at the start.
func (e *emitter) times(hint string, count reg.GPVirtual, body func()) {
	top, done := e.name(hint), e.name(hint+"Done")
	e.TESTQ(count, count)
	e.JZ(operand.LabelRef(done))
	e.Label(top)
	body()
	e.DECQ(count)
	e.JNZ(operand.LabelRef(top))
	e.Label(done)
}

// unless emits a body that is skipped when r is zero.
func (e *emitter) unless(hint string, r reg.GPVirtual, body func()) {
	skip := e.name(hint)
	e.TESTQ(r, r)
	e.JZ(operand.LabelRef(skip))
	body()
	e.Label(skip)
}

// simd is one vector extension: the width of its registers and how many.
type simd struct {
	name      string // as part of function names
	bytes     int
	registers int
	register  func(*emitter) reg.VecVirtual
}

var (
	avx512 = &simd{"AVX512", 64, 32, func(e *emitter) reg.VecVirtual { return e.ZMM() }}
	avx2   = &simd{"AVX2", 32, 16, func(e *emitter) reg.VecVirtual { return e.YMM() }}
)

// block is a channel block in bytes: 16 float32.
const block = 64

// perBlock returns how many registers hold a channel block.
func (s *simd) perBlock() int { return block / s.bytes }

func (s *simd) registerList(e *emitter, count int) []reg.VecVirtual {
	list := make([]reg.VecVirtual, count)
	for i := range list {
		list[i] = s.register(e)
	}
	return list
}

// zero clears a register.
func (s *simd) zero(e *emitter, r reg.VecVirtual) {
	if s == avx512 {
		clear, err := x86.VPXORD(r, r, r)
		if err != nil {
			panic(err)
		}
		clear.CancellingInputs = true // avo cannot tell that the register gets its first value here
		e.Instruction(clear)
	} else {
		e.VXORPS(r, r, r)
	}
}

// multiply adds the products of the float at value and a row of registers.
func (s *simd) multiply(e *emitter, value operand.Mem, row, sums []reg.VecVirtual) {
	if s == avx512 && len(row) == 1 {
		// A separate broadcast takes a third longer if it is used once.
		e.VFMADD231PS_BCST(value, row[0], sums[0])
		return
	}
	all := s.register(e)
	e.VBROADCASTSS(value, all)
	for i, r := range row {
		e.VFMADD231PS(r, all, sums[i])
	}
}
