package main

import (
	"runtime"

	"github.com/inception-go/inception/internal/cluster"
	"github.com/inception-go/inception/internal/kernel"
	"github.com/inception-go/inception/internal/memory"
	"github.com/inception-go/inception/internal/parallel"
	"github.com/spf13/cobra"
)

// doctorReport is what `doctor --json` prints.
type doctorReport struct {
	Version    string   `json:"version"`
	Go         string   `json:"go"`
	Platform   string   `json:"platform"`
	ISA        string   `json:"isa"`  // in use
	ISAs       []string `json:"isas"` // those that this machine can run
	Processors int      `json:"processors"`
	Threads    int      `json:"threads"`
	PeakGFLOPS float64  `json:"peak_gflops"`
	BF16       bool     `json:"bf16"` // the instruction set in use has it
	BF16GFLOPS float64  `json:"peak_bf16_gflops"`
	Int8       string   `json:"int8"` // its instructions
	Int8GOPS   float64  `json:"peak_int8_gops"`
	L2KiB      int      `json:"l2_kib"`     // of cache that a thread has to itself; 0 where the system does not tell
	MemoryMiB  float64  `json:"memory_mib"` // 0 where the system does not tell
	MPI        string   `json:"mpi"`        // the library; empty if there is none or this build works alone
}

func newDoctor(s *session) *cobra.Command {
	return &cobra.Command{
		Use:     "doctor",
		Short:   "Show the instruction set, threads and memory that inception uses on this machine",
		Example: "  inception doctor\n  INCEPTION_ISA=avx2 inception doctor",
		Args:    noArgs,
		RunE: func(*cobra.Command, []string) error {
			r := doctorReport{
				Version: version(), Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
				ISA: kernel.ISA(), ISAs: kernel.ISAs(), Processors: runtime.NumCPU(), Threads: parallel.Threads(),
				PeakGFLOPS: kernel.PeakGFLOPS(parallel.Threads()), MemoryMiB: float64(memory.Machine()) / (1 << 20),
				BF16: kernel.HasBF16(), BF16GFLOPS: kernel.PeakBF16GFLOPS(parallel.Threads()),
				Int8: kernel.Int8(), Int8GOPS: kernel.PeakInt8GOPS(parallel.Threads()),
				L2KiB: kernel.L2Bytes() >> 10,
			}
			mpi, mpiErr := cluster.Library()
			r.MPI = mpi
			if s.json {
				return s.printJSON(r)
			}
			s.print("inception      %s (%s, %s)\n", r.Version, r.Go, r.Platform)
			s.print("kernels        %s; this machine can run %v, INCEPTION_ISA chooses\n", r.ISA, r.ISAs)
			s.print("threads        %d of %d processors, --threads or INCEPTION_THREADS chooses\n", r.Threads, r.Processors)
			s.print("peak           %.0f GFLOP/s measured on multiply-adds in registers\n", r.PeakGFLOPS)
			if r.BF16 {
				s.print("peak in bf16   %.0f GFLOP/s\n", r.BF16GFLOPS)
			} else {
				s.print("peak in bf16   %.1f GFLOP/s in plain Go: %s has no instructions for it here\n", r.BF16GFLOPS, r.ISA)
			}
			s.print("peak in int8   %.0f GOP/s by %s\n", r.Int8GOPS, r.Int8)
			if r.L2KiB > 0 {
				s.print("L2 cache       %d KiB for a thread\n", r.L2KiB)
			}
			if r.MemoryMiB > 0 {
				s.print("memory         %.0f MiB\n", r.MemoryMiB)
			}
			if mpiErr != nil {
				mpi = "none: " + mpiErr.Error()
			}
			s.print("MPI            %s\n", mpi)
			if r.ISA == kernel.PlainGo {
				s.print("advice         %s\n", r.adviceOnPlainGo())
			}
			return nil
		},
	}
}

// adviceOnPlainGo says what plain Go costs, and how to do better.
func (r doctorReport) adviceOnPlainGo() string {
	const cost = "plain Go trains some 6 times slower than AVX2 does"
	if r.ISAs[0] != r.ISA {
		return cost + "; INCEPTION_ISA chooses it, without it " + r.ISAs[0] + " runs"
	}
	return cost + "; fast kernels exist for 64-bit x86 with AVX2 or AVX-512, and for 64-bit Arm"
}
