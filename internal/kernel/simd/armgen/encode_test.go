package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestEncodings has LLVM's disassembler read every word of every function, and
// compares what it says with the text beside the word.
func TestEncodings(t *testing.T) {
	tool, err := exec.LookPath("llvm-mc")
	if err != nil {
		t.Skip("no llvm-mc")
	}
	want := words(t)
	var codes []uint32
	var bytes strings.Builder
	for code := range want {
		codes = append(codes, code)
		fmt.Fprintf(&bytes, "0x%02x 0x%02x 0x%02x 0x%02x\n", byte(code), byte(code>>8), byte(code>>16), byte(code>>24))
	}
	command := exec.Command(tool, "-disassemble", "-triple=aarch64")
	command.Stdin = strings.NewReader(bytes.String())
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var got []string
	for line := range strings.Lines(string(out)) {
		if line = strings.Join(strings.Fields(line), " "); line != "" && line != ".text" {
			got = append(got, line)
		}
	}
	if len(got) != len(codes) {
		t.Fatalf("LLVM reads %d instructions, want %d: %s", len(got), len(codes), out)
	}
	for i, code := range codes {
		if got[i] != want[code] {
			t.Errorf("%#08x is %q to LLVM, want %q", code, got[i], want[code])
		}
	}
	t.Logf("%d different words", len(codes))
}

// words returns the text of each word that the functions contain.
func words(t *testing.T) map[uint32]string {
	files, err := generate("..")
	if err != nil {
		t.Fatal(err)
	}
	list := map[uint32]string{}
	for _, f := range files {
		for _, fn := range f.functions {
			for _, l := range fn.lines {
				var code uint32
				if _, err := fmt.Sscanf(l.text, "WORD $0x%x", &code); err != nil {
					continue
				}
				if before, ok := list[code]; ok && before != l.llvm {
					t.Errorf("%#08x stands for %q and %q", code, before, l.llvm)
				}
				list[code] = l.llvm
			}
		}
	}
	return list
}

// TestEveryInstructionIsUsed: the tables hold nothing that LLVM has not checked.
func TestEveryInstructionIsUsed(t *testing.T) {
	used := map[string]bool{}
	for _, text := range words(t) {
		used[shape(text)] = true
	}
	for key, i := range three {
		if text := fmt.Sprintf("%s v0.%s, v0.%s, v0.%s", mnemonic(key), i.shapes[0], i.shapes[1], i.shapes[1]); !used[shape(text)] {
			t.Errorf("no function uses %q", text)
		}
	}
	for key, i := range two {
		if text := fmt.Sprintf("%s v0.%s, v0.%s%s", mnemonic(key), i.shapes[0], i.shapes[1], i.rest); !used[shape(text)] {
			t.Errorf("no function uses %q", text)
		}
	}
}

// shape is an instruction without the numbers of its registers.
func shape(text string) string {
	fields := strings.Fields(text)
	for i, field := range fields {
		if strings.HasPrefix(field, "v") {
			_, fields[i], _ = strings.Cut(field, ".")
		}
	}
	return strings.Join(fields, " ")
}

// TestCommittedFilesAreTheGenerators needs no tool.
func TestCommittedFilesAreTheGenerators(t *testing.T) {
	files, err := generate("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		for extension, want := range map[string]string{".s": f.assembly(), ".go": f.stubs()} {
			path := filepath.Join("..", f.name+"_arm64"+extension)
			if got, err := os.ReadFile(path); err != nil || string(got) != want {
				t.Errorf("%s is not what the generator writes (%v); run `go generate ./internal/kernel/simd` for arm64", path, err)
			}
		}
	}
}
