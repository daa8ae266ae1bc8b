package main

import (
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// analysed are the cores whose cycles LLVM counts, and how many multiply-adds of 4
// floats each can begin in a cycle. LLVM's model of apple-m1 is an older Apple
// core's, of three units where an M1 has four.
var analysed = []struct {
	name     string
	units    float64
	required bool // the largest tiles must reach 90%
}{
	{"cortex-a55", 1, false},
	{"cortex-a72", 1, false},
	{"neoverse-n1", 2, true},
	{"neoverse-n2", 2, false},
	{"neoverse-v1", 4, true},
	{"neoverse-v2", 4, false},
	{"apple-m1", 3, true},
}

// TestCycles counts the cycles of the tiles' inner loops with llvm-mca, loads and
// branches included, and compares multiply-adds per cycle with the number of units
// for them. The table in docs/performance.md is its output:
//
//	go test -run Cycles -v ./internal/kernel/simd/armgen
func TestCycles(t *testing.T) {
	tool := analyser(t)
	loops := innerLoops(t)
	for _, core := range analysed {
		for _, name := range []string{
			"gemmNEON_1x6 channels", "gemmNEON_1x4 channels", "gemmNEON_1x1 channels", "outerNEON_1 pixels",
		} {
			rate := perCycle(t, tool, core.name, loops[name])
			share := rate / core.units
			t.Logf("%-12s %-22s %.2f multiply-adds a cycle, %3.0f%%", core.name, name, rate, 100*share)
			largest := strings.HasPrefix(name, "gemmNEON_1x6") || strings.HasPrefix(name, "outer")
			if core.required && largest && share < 0.9 {
				t.Errorf("%s reaches %.0f%% of the peak on %s", name, 100*share, core.name)
			}
		}
	}
}

// analyser returns an llvm-mca that knows these cores; older versions take other
// cores' models for them.
func analyser(t *testing.T) string {
	const least = 17
	for _, name := range []string{"llvm-mca", "llvm-mca-21", "llvm-mca-20", "llvm-mca-19", "llvm-mca-18", "llvm-mca-17"} {
		out, err := exec.Command(name, "--version").Output()
		if err != nil {
			continue
		}
		_, version, _ := strings.Cut(string(out), "LLVM version ")
		major, _, _ := strings.Cut(version, ".")
		if n, err := strconv.Atoi(major); err == nil && n >= least {
			return name
		}
	}
	t.Skipf("no llvm-mca of version %d or later", least)
	return ""
}

// innerLoops returns the text of the loops without loops in them, by function and
// label without its number. Those of one name follow each other.
func innerLoops(t *testing.T) map[string]string {
	files, err := generate("..")
	if err != nil {
		t.Fatal(err)
	}
	loops := map[string]string{}
	for _, f := range files {
		for _, fn := range f.functions {
			var label string
			var body strings.Builder
			for _, l := range fn.lines {
				switch target, branches := strings.CutPrefix(l.llvm, "b.ne "); {
				case l.label:
					label = strings.TrimSuffix(l.llvm, ":")
					body.Reset()
				case branches && target == label:
					body.WriteString("b.ne 0\n")
					loops[fn.name+" "+strings.TrimRight(label, "0123456789")] += body.String()
				default:
					body.WriteString(l.llvm + "\n")
				}
			}
		}
	}
	return loops
}

// perCycle returns how many multiply-adds of 4 floats a core begins in a cycle.
func perCycle(t *testing.T, tool, core, loop string) float64 {
	const turns = 100
	command := exec.Command(tool, "-march=aarch64", "-mcpu="+core, fmt.Sprintf("-iterations=%d", turns))
	command.Stdin = strings.NewReader(loop)
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", core, err, out)
	}
	_, rest, _ := strings.Cut(string(out), "Total Cycles:")
	cycles, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return float64(strings.Count(loop, "fmla")*turns) / float64(cycles)
}
