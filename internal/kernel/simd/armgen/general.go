package main

import "fmt"

// The instructions on general registers, which Go's assembler knows. Its operands
// are in the opposite order of LLVM's.

func (f *function) loadGP(base gp, offset int, to gp) {
	f.line(fmt.Sprintf("MOVD %d(R%d), R%d", offset, base, to), fmt.Sprintf("ldr x%d, [x%d, #%d]", to, base, offset))
}

func (f *function) move(from, to gp) {
	f.line(fmt.Sprintf("MOVD R%d, R%d", from, to), fmt.Sprintf("mov x%d, x%d", to, from))
}

func (f *function) set(value int, to gp) {
	f.line(fmt.Sprintf("MOVD $%d, R%d", value, to), fmt.Sprintf("mov x%d, #%d", to, value))
}

func (f *function) add(a, b, to gp) {
	f.line(fmt.Sprintf("ADD R%d, R%d, R%d", b, a, to), fmt.Sprintf("add x%d, x%d, x%d", to, a, b))
}

// addScaled is to = a + b*2^shift.
func (f *function) addScaled(a, b gp, shift int, to gp) {
	f.line(fmt.Sprintf("ADD R%d<<%d, R%d, R%d", b, shift, a, to),
		fmt.Sprintf("add x%d, x%d, x%d, lsl #%d", to, a, b, shift))
}

func (f *function) subtract(a, b, to gp) {
	f.line(fmt.Sprintf("SUB R%d, R%d, R%d", b, a, to), fmt.Sprintf("sub x%d, x%d, x%d", to, a, b))
}

func (f *function) advance(r gp, by int) {
	f.line(fmt.Sprintf("ADD $%d, R%d, R%[2]d", by, r), fmt.Sprintf("add x%d, x%[1]d, #%d", r, by))
}

func (f *function) shiftRight(from gp, bits int, to gp) {
	f.line(fmt.Sprintf("LSR $%d, R%d, R%d", bits, from, to), fmt.Sprintf("lsr x%d, x%d, #%d", to, from, bits))
}

func (f *function) mask(from gp, bits int, to gp) {
	f.line(fmt.Sprintf("AND $%d, R%d, R%d", bits, from, to), fmt.Sprintf("and x%d, x%d, #%d", to, from, bits))
}

func (f *function) countDown(r gp) {
	f.line(fmt.Sprintf("SUBS $1, R%d, R%[1]d", r), fmt.Sprintf("subs x%d, x%[1]d, #1", r))
}

func (f *function) compare(r gp, with int) {
	f.line(fmt.Sprintf("CMP $%d, R%d", with, r), fmt.Sprintf("cmp x%d, #%d", r, with))
}

func (f *function) branchUnequal(label string) { f.line("BNE "+label, "b.ne "+label) }

func (f *function) branchZero(r gp, label string) {
	f.line(fmt.Sprintf("CBZ R%d, %s", r, label), fmt.Sprintf("cbz x%d, %s", r, label))
}
