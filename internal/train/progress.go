package train

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/inception-go/inception/internal/evaluate"
	"github.com/inception-go/inception/internal/report"
	"github.com/inception-go/inception/internal/rundir"
	"github.com/inception-go/inception/internal/weights"
)

// progress is how far a run has come, apart from its tensors.
type progress struct {
	Step        int           `json:"step"`        // updates made
	Epoch       int           `json:"epoch"`       // epochs done, counted from 0
	Batch       int           `json:"batch"`       // batches done of the epoch under way
	Validated   int           `json:"validated"`   // step of the last validation
	Images      int           `json:"images"`      // that an epoch is made of
	Fingerprint string        `json:"fingerprint"` // of those, dataset.Fingerprint's
	Classes     []string      `json:"classes"`     // in the order of the outputs; none in older checkpoints
	HeldOut     *heldOut      `json:"held_out"`    // nil if nothing is, and in older checkpoints
	Shards      int           `json:"shards"`      // of an update; 0 in older checkpoints
	Best        best          `json:"best"`
	Waiting     int           `json:"waiting"` // epochs from the best one to the last that was validated
	Elapsed     time.Duration `json:"elapsed"`
	Metrics     int64         `json:"metrics"` // bytes of metrics.jsonl
	Window      window        `json:"window"`  // since the last training line
	SoFar       window        `json:"so_far"`  // of the epoch under way
	Exit        Exit          `json:"exit"`    // why the run ended; empty while it has not
}

// heldOut says which of the training images are for validation.
type heldOut struct {
	Fraction float64  `json:"fraction"` // data.val_fraction
	Seed     uint64   `json:"seed"`     // data.val_seed
	Cuts     []uint64 `json:"cuts"`     // dataset.Training's; none in older checkpoints
}

// epoch returns the epoch under way, counted from 1; between two the one that
// has ended.
func (p *progress) epoch() int {
	if p.Batch == 0 && p.Step > 0 {
		return p.Epoch
	}
	return p.Epoch + 1
}

// best is the best validation so far.
type best struct {
	Epoch int     `json:"epoch"` // counted from 1; 0 before the first
	Step  int     `json:"step"`  // of the validation; 0 in older checkpoints
	Top1  float64 `json:"top1"`
	Loss  float64 `json:"loss"`
}

// improves reports whether a validation beats the best.
func (b best) improves(top1, loss float64) bool {
	return b.Epoch == 0 || evaluate.Better(top1, loss, b.Top1, b.Loss)
}

// NewestUnfinished returns the folder under root of the run that was stopped
// last, has steps left to make and is not at work.
func NewestUnfinished(root string) (string, error) {
	dirs, err := rundir.NewestFirst(root)
	if err != nil {
		return "", err
	}
	for _, dir := range dirs {
		if p, err := readProgress(dir); err == nil && !p.Exit.Finished() && !rundir.Busy(dir) {
			return dir, nil
		}
	}
	return "", fmt.Errorf("%s: holds no unfinished run; name the run's folder", root)
}

// Final returns the metrics of the run in dir if that run has ended by its own
// limits and they end in a validation; ok is false if it has steps left to
// make, or never began.
func Final(dir string) (lines []report.Line, ok bool, err error) {
	p, err := readProgress(dir)
	if err != nil {
		return nil, false, fmt.Errorf("run %s: %w", dir, err)
	}
	if !p.Exit.Finished() { // a training at work may be in the middle of a line
		return nil, false, nil
	}
	lines, err = report.ReadMetrics(filepath.Join(dir, rundir.Metrics))
	if err != nil || len(lines) == 0 {
		return nil, false, err
	}
	last := lines[len(lines)-1]
	return lines, last.Split == "val" && last.Step == p.Step, nil
}

// readProgress returns how far the run in dir has come by its newest whole
// checkpoint; the beginning if it has none yet.
func readProgress(dir string) (progress, error) {
	t, _, err := openCheckpoint(dir, (*weights.Tensors).VerifyMetadata)
	if errors.Is(err, fs.ErrNotExist) {
		return progress{}, nil
	}
	if err != nil {
		return progress{}, err
	}
	return t.at, t.Close()
}
