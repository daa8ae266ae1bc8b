package train

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/parallel"
	"github.com/inception-go/inception/internal/report"
	"github.com/inception-go/inception/internal/rundir"
	"github.com/inception-go/inception/internal/weights"
)

// long skips a test but in make test-long.
func long(t *testing.T) {
	t.Helper()
	if os.Getenv("INCEPTION_LONG") == "" {
		t.Skip("minutes; make test-long runs it")
	}
}

// A checkpoint with one flipped byte, wherever it stands, is never trained on:
// the run goes back to the one before, says so, and ends with the same bits.
func TestADamagedCheckpointGivesWayToTheOneBefore(t *testing.T) {
	whole := tinyJob(t)
	whole.Train.CheckpointEvery = 2
	if _, err := Run(context.Background(), whole); err != nil {
		t.Fatal(err)
	}
	stopped := whole
	stopped.Dir = filepath.Join(t.TempDir(), "run")
	stopAfter(t, stopped, 7)
	file := read(t, stopped, rundir.Checkpoint)
	places := 5
	if os.Getenv("INCEPTION_LONG") != "" {
		places = 60
	}
	noticed := 0
	for i := range places {
		job := stopped
		job.Dir = filepath.Join(t.TempDir(), "run")
		if err := os.CopyFS(job.Dir, os.DirFS(stopped.Dir)); err != nil {
			t.Fatal(err)
		}
		damaged := bytes.Clone(file)
		damaged[i*(len(damaged)-1)/(places-1)] ^= 1 << (i % 8)
		if err := os.WriteFile(filepath.Join(job.Dir, rundir.Checkpoint), damaged, 0o666); err != nil {
			t.Fatal(err)
		}
		heard := &notes{}
		job.Resume, job.Reporter = true, heard
		if _, err := Run(context.Background(), job); err != nil {
			t.Fatalf("place %d of %d: %v", i, places, err)
		}
		if strings.Contains(heard.text(), "going on with the checkpoint before it") &&
			strings.Count(heard.text(), filepath.Join(job.Dir, rundir.Checkpoint)) == 1 {
			noticed++
		}
		for _, name := range []string{rundir.Last, rundir.LastRaw, rundir.Best} {
			if !bytes.Equal(read(t, whole, name), read(t, job, name)) {
				t.Errorf("place %d of %d: %s differs", i, places, name)
			}
		}
	}
	if noticed != places {
		t.Errorf("%d of %d flipped bytes are said, of a file that is named once", noticed, places)
	}
}

// What is made of the metrics can be made again.
func TestReportsThatCannotBeWrittenEndNoTraining(t *testing.T) {
	for name, warning := range map[string]string{rundir.Report: "report", rundir.TensorBoard: "TensorBoard events",
		rundir.Predictions: "predictions"} {
		job := tinyJob(t)
		heard := &notes{}
		job.Reporter = heard
		path := filepath.Join(job.Dir, name)
		if name != rundir.TensorBoard { // a folder in the file's place, and a file in the folder's
			path = filepath.Join(path, "x")
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o666); err != nil {
			t.Fatal(err)
		}
		result, err := Run(context.Background(), job)
		if err != nil || result.Exit != ExitEpochs || strings.Count(heard.text(), "warning: no ") != 1 ||
			!strings.Contains(heard.text(), "warning: no "+warning+": ") {
			t.Errorf("%s: %+v, %v\n%s", name, result, err, heard.text())
		}
	}
}

// The same seed gives the same bits, whatever works on it.
func TestTheBitsDependOnTheSeedAlone(t *testing.T) {
	long(t)
	defer parallel.SetThreads(parallel.Threads())
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	var want []byte
	for _, processors := range []int{runtime.NumCPU(), 1} {
		for threads := 1; threads <= 3; threads++ {
			for _, workers := range []int{1, 2, 5} {
				for _, resumed := range []bool{false, true} {
					runtime.GOMAXPROCS(processors)
					parallel.SetThreads(threads)
					job := tinyJob(t)
					job.Model.Aux, job.Model.InputSize, job.Data.Workers = model.AuxBatchNorm, 64, workers
					job.Train.Epochs = 2
					job.Data.Augment.HFlip, job.Data.Augment.Mixup, job.Data.Augment.Color = 0.5, 0.3, 0.5
					if resumed {
						stopAfter(t, job, 3)
						job.Resume = true
					}
					if _, err := Run(context.Background(), job); err != nil {
						t.Fatal(err)
					}
					got := read(t, job, rundir.LastRaw)
					if want == nil {
						want = got
					}
					if !bytes.Equal(got, want) {
						t.Errorf("%d processors, %d threads, %d workers, resumed %t: other bits",
							processors, threads, workers, resumed)
					}
				}
			}
		}
	}
}

// soak notes memory and goroutines as a training goes on.
type soak struct {
	Silence
	steps      int
	heap       []uint64
	goroutines []int
}

func (s *soak) Step(Status) {
	if s.steps++; s.steps%10_000 != 0 {
		return
	}
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	s.heap, s.goroutines = append(s.heap, m.HeapAlloc), append(s.goroutines, runtime.NumGoroutine())
}

// 200,000 updates take no more memory and goroutines than 20,000.
func TestALongTrainingStaysAsItIs(t *testing.T) {
	long(t)
	job := tinyJob(t)
	job.Data.Train, job.Train.BatchSize = "shapes:?train=1000&val=10&size=32", 1
	job.Model.Width, job.Train.Epochs, job.Train.LogEvery, job.Optimizer.LR = 0.03, 200, 500, 1e-4
	heard := &soak{}
	job.Reporter = heard
	result, err := Run(context.Background(), job)
	if err != nil || heard.steps != 200_000 {
		t.Fatalf("%+v, %v after %d steps", result, err, heard.steps)
	}
	summary := fmt.Sprintf("heap %d to %d bytes, goroutines %v", heard.heap[1], heard.heap[19], heard.goroutines)
	t.Log(summary)
	if heard.heap[19] > heard.heap[1]+2<<20 || heard.goroutines[19] > heard.goroutines[1]+2 {
		t.Errorf("they grow: %s", summary)
	}
}

// As older versions wrote it: without checksums, and no best weights beside it.
func TestACheckpointOfAnOlderVersionIsResumed(t *testing.T) {
	whole := tinyJob(t)
	if _, err := Run(context.Background(), whole); err != nil {
		t.Fatal(err)
	}
	job := whole
	job.Dir = filepath.Join(t.TempDir(), "run")
	stopAfter(t, job, 7)
	path := filepath.Join(job.Dir, rundir.Checkpoint)
	file, err := weights.ReadTensors(path)
	if err != nil {
		t.Fatal(err)
	}
	var tensors []weights.Tensor
	for _, info := range file.Infos() {
		values, err := file.Floats(info.Name)
		if err != nil {
			t.Fatal(err)
		}
		tensors = append(tensors, weights.Tensor{Name: info.Name, Shape: info.Shape, Values: values})
	}
	old := map[string]string{metaKind: uncheckedKind}
	for _, key := range []string{metaProgress, metaSpec, metaRecipe} {
		old[key] = strings.ReplaceAll(file.Metadata[key], `"step":5,`, "") // of the best validation
	}
	file.Close()
	if err := weights.WriteTensors(path, tensors, old); err != nil {
		t.Fatal(err)
	}
	rundir.KeepBestOf(job.Dir)
	if err := os.Remove(filepath.Join(job.Dir, rundir.Previous)); err != nil {
		t.Fatal(err)
	}
	job.Resume = true
	if _, err := Run(context.Background(), job); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{rundir.Last, rundir.LastRaw, rundir.Best} {
		if !bytes.Equal(read(t, whole, name), read(t, job, name)) {
			t.Errorf("%s differs", name)
		}
	}
}

// A run that goes another way from its checkpoint forgets the best weights of
// the way it left.
func TestTheBestWeightsOfAnAbandonedWayAreForgotten(t *testing.T) {
	job := tinyJob(t)
	stopAfter(t, job, 6) // an epoch has 5
	best := read(t, job, rundir.Best)
	for _, name := range []string{rundir.Best, rundir.BestOf(10)} { // as if killed after the next validation
		path := filepath.Join(job.Dir, name)
		_ = os.Remove(path)
		if err := os.WriteFile(path, []byte("abandoned"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	job.Resume, job.Optimizer.LR = true, 1e-12
	r, err := open(context.Background(), job)
	if err != nil {
		t.Fatal(err)
	}
	r.close()
	if !bytes.Equal(read(t, job, rundir.Best), best) {
		t.Error("the best weights are still those of the way that was left")
	}
	if _, err := os.Stat(filepath.Join(job.Dir, rundir.BestOf(10))); err == nil {
		t.Error("the abandoned ones are kept")
	}
}

// An ablation makes many trainings in one process.
func TestATrainingThatHasEndedLeavesNoMemory(t *testing.T) {
	var heap []uint64
	for range 4 {
		job := tinyJob(t)
		job.Train.Epochs = 1
		if _, err := Run(context.Background(), job); err != nil {
			t.Fatal(err)
		}
		runtime.GC()
		runtime.GC() // the first runs finalizers
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		heap = append(heap, m.HeapAlloc)
	}
	if heap[3] > heap[0]+4<<20 { // the arenas of one take 13 MB
		t.Errorf("after each of 4 trainings %d bytes are in use", heap)
	}
}

// Best weights that are damaged are neither kept nor passed on as whole.
func TestDamagedBestWeightsAreNotTakenBack(t *testing.T) {
	for name, damage := range map[string]func(file []byte) []byte{
		"a bit":   func(file []byte) []byte { file[len(file)*2/3] ^= 4; return file },
		"cut off": func(file []byte) []byte { return file[:len(file)/2] },
	} {
		job := tinyJob(t)
		stopAfter(t, job, 6) // an epoch has 5
		path := filepath.Join(job.Dir, rundir.Best)
		kept := filepath.Join(job.Dir, rundir.BestOf(5))
		file := damage(read(t, job, rundir.Best))
		for _, path := range []string{path, kept} {
			if err := os.WriteFile(path, file, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		heard := &notes{}
		job.Resume, job.Reporter = true, heard
		if _, err := Run(context.Background(), job); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !strings.Contains(heard.text(), "the best weights, of epoch 1, are lost") {
			t.Errorf("%s: nothing is said: %s", name, heard.text())
		}
		if _, _, err := weights.Load(path); err != nil {
			t.Errorf("%s: after the run: %v", name, err)
		}
	}
}

// A clock that goes back leaves files of the future behind, one that was wrong those
// of long ago. Only the names of folders are made of it.
func TestAClockThatGoesBackChangesNothing(t *testing.T) {
	whole := tinyJob(t)
	if _, err := Run(context.Background(), whole); err != nil {
		t.Fatal(err)
	}
	parts := whole
	parts.Dir = filepath.Join(t.TempDir(), "run")
	for i, of := range []time.Time{time.Now().AddDate(30, 0, 0), time.Unix(0, 0)} {
		stopAfter(t, parts, 2+2*i)
		parts.Resume = true
		if err := filepath.WalkDir(parts.Dir, func(path string, _ fs.DirEntry, err error) error {
			return errors.Join(err, os.Chtimes(path, of, of))
		}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Run(context.Background(), parts); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{rundir.Last, rundir.LastRaw, rundir.Best} {
		if !bytes.Equal(read(t, whole, name), read(t, parts, name)) {
			t.Errorf("%s differs", name)
		}
	}
	lines, err := report.ReadMetrics(filepath.Join(parts.Dir, rundir.Metrics))
	if err != nil {
		t.Fatal(err)
	}
	for i := range lines[1:] {
		if is := lines[i+1].ElapsedS; is < lines[i].ElapsedS-0.001 || is > 600 {
			t.Errorf("line %d says %g s after the start, the line before %g", i+1, is, lines[i].ElapsedS)
		}
	}
	sameMetrics(t, whole, parts)
}
