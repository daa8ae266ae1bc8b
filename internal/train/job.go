package train

import (
	"github.com/inception-go/inception/internal/cluster"
	"github.com/inception-go/inception/internal/memory"
)

// Job says what to train, on what, how and where.
type Job struct {
	Config
	Dir     string // the run folder, made if need be
	Version string // of the program, kept with the weights
	Command string // that began or resumed it, for the report; may be empty

	Resume   bool         // go on with the run in Dir; if it holds none, begin one
	Init     Init         // weights to begin with
	Emulate  bool         // compute in a precision that the processor has no instructions for, slowly
	Reporter Reporter     // hears how it goes; nil for silence
	Memory   memory.Limit // what there is for this process, if others share the machine; zero for all of it

	Cluster *cluster.Cluster // the processes that train together, each of which runs the job; nil for one
	Shards  int              // batches of an update, of all processes; 0 for grad_accum_steps of each
}

// memory returns what there is for this process.
func (j Job) memory() memory.Limit {
	if j.Memory != (memory.Limit{}) {
		return j.Memory
	}
	return memory.Available()
}

// Result is how a run ended.
type Result struct {
	Run       string  `json:"run"` // the folder
	BestTop1  float64 `json:"best_top1"`
	BestEpoch int     `json:"best_epoch"` // counted from 1; 0 without validation
	Steps     int     `json:"steps"`
	Exit      Exit    `json:"exit"`
	ValPart   string  `json:"-"` // what the best weights were chosen by, as dataset.Training has it
}

// Exit says why a run ended.
type Exit string

// The reasons for an end.
const (
	ExitEpochs      Exit = "epochs"      // train.epochs are done
	ExitMaxSteps    Exit = "max_steps"   // train.max_steps are done
	ExitMaxTime     Exit = "max_time"    // train.max_time is over
	ExitPatience    Exit = "patience"    // validation has not become better for train.patience epochs
	ExitInterrupted Exit = "interrupted" // from outside, by Ctrl-C
)

// Finished reports whether the run ended by its own limits.
func (e Exit) Finished() bool { return e != "" && e != ExitInterrupted }
