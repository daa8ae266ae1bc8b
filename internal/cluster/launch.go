package cluster

import (
	"os"
	"strconv"
)

// launchers name the variables by which those who start several processes tell
// each how many there are.
var launchers = []struct{ variable, name string }{
	{"OMPI_COMM_WORLD_SIZE", "mpirun"}, // Open MPI
	{"PMI_SIZE", "mpirun"},             // MPICH and Intel MPI
	{"SLURM_STEP_NUM_TASKS", "srun"},
}

// Launched returns how many processes this one was started together with, 1 if
// it is alone, and by what.
func Launched() (size int, launcher string) {
	for _, l := range launchers {
		if n, err := strconv.Atoi(os.Getenv(l.variable)); err == nil && n > 1 {
			return n, l.name
		}
	}
	return 1, ""
}
