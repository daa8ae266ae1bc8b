package train

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/report"
)

// Outline is what is known of a job before it runs.
type Outline struct {
	Spec        model.Spec // with the classes of the data
	TrainImages int
	ValImages   int // 0 without validation
	Updates     int // at most
	Batches     int // of an epoch
}

// Check finds whatever may be wrong with a job without running it: its
// options, its data and its network. Its folder is not looked at.
func Check(job Job) (Outline, error) {
	job.Reporter = nil
	r, err := prepare(job)
	if err != nil {
		return Outline{}, err
	}
	defer r.net.Close()
	o := Outline{Spec: r.weights.Spec, TrainImages: r.data.train.Len(), Updates: r.updates(), Batches: r.data.batches}
	if r.data.val != nil {
		o.ValImages = r.data.val.Len()
	}
	return o, nil
}

// Final returns the last validation of the run in dir if that run has ended
// by its own limits; ok is false if it has steps left to make, or never began.
func Final(dir string) (lines []report.Line, ok bool, err error) {
	if _, err := os.Stat(filepath.Join(dir, checkpointFile)); err != nil {
		return nil, false, nil
	}
	p, _, err := readProgress(dir)
	if err != nil {
		return nil, false, fmt.Errorf("run %s: %w", dir, err)
	}
	if !p.Exit.Finished() { // a training at work may be in the middle of a line
		return nil, false, nil
	}
	lines, err = report.ReadMetrics(filepath.Join(dir, metricsFile))
	if err != nil || len(lines) == 0 {
		return nil, false, err
	}
	last := lines[len(lines)-1]
	return lines, last.Split == "val" && last.Step == p.Step, nil
}
