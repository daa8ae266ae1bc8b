package cluster

import (
	"errors"
	"os"
	"strconv"
)

// launchers name the variables by which those who start several processes tell
// each how many there are, and which of them it is.
var launchers = []struct{ size, rank, name string }{
	{"OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "mpirun"}, // Open MPI
	{"PMI_SIZE", "PMI_RANK", "mpirun"},                         // MPICH and Intel MPI
	{"SLURM_STEP_NUM_TASKS", "SLURM_PROCID", "srun"},
}

// Launch is what a launcher has started.
type Launch struct {
	Size int    // processes; 1 if this one is alone
	Rank int    // this one's number
	By   string // name of the launcher
}

// ErrAlone is wrapped by Join's error in a build without MPI, which all ranks
// have.
var ErrAlone = errors.New("this build of inception works alone; make build-mpi builds the one that works together")

// Launched returns what this process was started together with.
func Launched() Launch {
	for _, l := range launchers {
		if n, err := strconv.Atoi(os.Getenv(l.size)); err == nil && n > 1 {
			rank, _ := strconv.Atoi(os.Getenv(l.rank)) // without a number each is the first
			return Launch{n, rank, l.name}
		}
	}
	return Launch{Size: 1}
}
