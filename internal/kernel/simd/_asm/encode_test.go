package main

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// TestEncodings has LLVM's disassembler read what encode writes.
func TestEncodings(t *testing.T) {
	tool, err := exec.LookPath("llvm-mc")
	if err != nil {
		t.Skip("no llvm-mc")
	}
	zmm := []reg.Register{reg.Z0, reg.Z5, reg.Z9, reg.Z17, reg.Z30}
	bases := []reg.Register{reg.RAX, reg.RBP, reg.R12, reg.R13, reg.R15, reg.RSI}
	var list []*ir.Instruction
	var want []string
	add := func(opcode, text string, operands ...operand.Op) {
		list = append(list, &ir.Instruction{Opcode: opcode, Operands: operands})
		want = append(want, strings.ToLower(text))
	}
	for _, to := range zmm {
		for _, row := range zmm {
			for _, value := range zmm {
				add("VDPBF16PS", fmt.Sprintf("vdpbf16ps %s, %s, %s", name(to), name(row), name(value)), value, row, to)
			}
			add("VCVTNEPS2BF16", fmt.Sprintf("vcvtneps2bf16 y%s, %s", name(to)[1:], name(row)), row, to)
		}
		for _, base := range bases {
			for _, disp := range []int{0, 4, 6, -12, 508, 512, -512, -516} {
				address := map[bool]string{true: fmt.Sprintf(" + %d", disp), false: fmt.Sprintf(" - %d", -disp)}[disp >= 0]
				if disp == 0 {
					address = ""
				}
				text := func(inner string) string {
					return fmt.Sprintf("vdpbf16ps %s, zmm3, dword ptr [%s%s]{1to16}", name(to), inner, address)
				}
				add("VDPBF16PS", text("r"+gp(base)), operand.Mem{Base: base, Disp: disp}, reg.Z3, to)
				for _, scale := range []uint8{1, 2, 4} {
					inner := fmt.Sprintf("r%s + r%s", gp(base), gp(reg.R9))
					if scale > 1 {
						inner = fmt.Sprintf("r%s + %d*r%s", gp(base), scale, gp(reg.R9))
					}
					add("VDPBF16PS", text(inner), operand.Mem{Base: base, Index: reg.R9, Scale: scale, Disp: disp}, reg.Z3, to)
				}
			}
		}
	}
	ymm := []reg.Register{reg.Y0, reg.Y5, reg.Y9, reg.Y15}
	for _, to := range ymm {
		for _, row := range ymm {
			for _, value := range ymm {
				add(vexDotBytes, fmt.Sprintf("{vex} vpdpbusd %s, %s, %s", yname(to), yname(row), yname(value)), value, row, to)
			}
		}
	}
	checkEncodings(t, tool, list, want, encode)
}

// checkEncodings compares what LLVM's disassembler reads of instructions.
func checkEncodings(t *testing.T, tool string, list []*ir.Instruction, want []string, encode func(*ir.Instruction) ([]byte, error)) {
	t.Helper()
	var bytes strings.Builder
	for _, i := range list {
		code, err := encode(i)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range code {
			fmt.Fprintf(&bytes, "0x%02x ", b)
		}
		bytes.WriteByte('\n')
	}
	command := exec.Command(tool, "-disassemble", "-triple=x86_64", "-mattr=+avx512bf16,+avxvnni,+amx-tile,+amx-bf16,+amx-int8",
		"-output-asm-variant=1")
	command.Stdin = strings.NewReader(bytes.String())
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var got []string
	for line := range strings.Lines(string(out)) {
		if line = strings.Join(strings.Fields(line), " "); line != "" && !strings.HasPrefix(line, ".") {
			got = append(got, line)
		}
	}
	if len(got) != len(want) {
		t.Fatalf("%d instructions, want %d: %s", len(got), len(want), out)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%s, want %s", got[i], want[i])
		}
	}
}

// TestTileEncodings has LLVM's disassembler read what encodeTiles writes.
func TestTileEncodings(t *testing.T) {
	tool, err := exec.LookPath("llvm-mc")
	if err != nil {
		t.Skip("no llvm-mc")
	}
	var list []*ir.Instruction
	var want []string
	add := func(opcode, text string, operands ...operand.Op) {
		list = append(list, &ir.Instruction{Opcode: opcode, Operands: operands})
		want = append(want, strings.TrimSpace(strings.ToLower(opcode)+" "+text))
	}
	for i := range operand.U8(8) {
		add("TILEZERO", fmt.Sprintf("tmm%d", i), i)
		a, b := (i+3)%8, (i+5)%8
		for _, product := range []string{"TDPBF16PS", "TDPBUSD"} {
			add(product, fmt.Sprintf("tmm%d, tmm%d, tmm%d", i, a, b), b, a, i)
		}
		for _, base := range []reg.Register{reg.RAX, reg.RBP, reg.R12, reg.R13, reg.R15, reg.RSI} {
			for _, index := range []reg.Register{reg.RCX, reg.RBP, reg.R9} {
				address := fmt.Sprintf("[r%s + r%s]", gp(base), gp(index))
				at := operand.Mem{Base: base, Index: index, Scale: 1}
				add("TILELOADD", fmt.Sprintf("tmm%d, %s", i, address), at, i)
				add("TILESTORED", fmt.Sprintf("%s, tmm%d", address, i), i, at)
			}
			for _, shape := range []string{"LDTILECFG", "STTILECFG"} {
				add(shape, fmt.Sprintf("[r%s]", gp(base)), operand.Mem{Base: base})
			}
		}
	}
	checkEncodings(t, tool, list, want, encodeTiles)
}

// name and gp spell registers as LLVM does.
func name(r reg.Register) string { return strings.Replace(strings.ToLower(r.Asm()), "z", "zmm", 1) }

func yname(r reg.Register) string { return strings.Replace(strings.ToLower(r.Asm()), "y", "ymm", 1) }

func gp(r reg.Register) string { return strings.TrimPrefix(strings.ToLower(r.Asm()), "r") }
