// Package rundir knows the folder of a run: what its files are called, whether
// a folder is one, which training works in it. What stands in the files is
// their writers' matter.
package rundir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/inception-go/inception/internal/atomicfile"
)

// The files of a run folder.
const (
	Config      = "config.yaml"
	Metrics     = "metrics.jsonl"
	Report      = "report.html"
	Predictions = "predictions.json" // of the last validation, image by image
	TensorBoard = "tensorboard"      // a folder
	Last        = "last.safetensors"
	LastRaw     = "last-raw.safetensors" // beside an average
	Best        = "best.safetensors"
	Checkpoint  = "checkpoint/state.safetensors"
	Previous    = "checkpoint/previous.safetensors" // the checkpoint before
	KeptBest    = "checkpoint/best.safetensors"     // best as older versions set it aside

	lockFile = "checkpoint/lock"
)

// Root is the folder of runs that are given no other.
const Root = "runs"

// New makes the folder of what begins now, below Root, called by name and
// time. What begins there in the same second gets another one. If nothing comes
// of it, call Abandon.
func New(name string) (string, error) {
	first := filepath.Join(Root, name+"-"+time.Now().Format("20060102-150405"))
	for dir, n := first, 2; ; n++ {
		// Again each time: another process may have abandoned it.
		if err := os.MkdirAll(Root, 0o777); err != nil {
			return "", fmt.Errorf("run folder: %w", err)
		}
		err := os.Mkdir(dir, 0o777)
		if err == nil {
			return dir, nil
		}
		if _, statErr := os.Stat(Root); statErr == nil && !errors.Is(err, fs.ErrExist) || n > 1000 {
			return "", fmt.Errorf("run folder: %w", err)
		}
		dir = fmt.Sprintf("%s-%d", first, n)
	}
}

// Abandon removes a folder that New has made if nothing is in it, and Root if
// that leaves it empty.
func Abandon(dir string) {
	if os.Remove(dir) == nil {
		_ = os.Remove(Root) // fails where other runs are
	}
}

// Written lists what people look at in the finished run in dir, in their order.
func Written(dir string) (names []string) {
	for _, name := range []string{Best, Last, Metrics, Report, TensorBoard, Config} {
		// What stands in the place of a file that could not be written is not that file.
		info, err := os.Stat(filepath.Join(dir, name))
		if err == nil && info.IsDir() == (name == TensorBoard) {
			names = append(names, name)
		}
	}
	return names
}

// BestOf names the best weights of the checkpoints whose best validation came
// after so many steps.
func BestOf(step int) string { return fmt.Sprintf(bestOf, step) }

const bestOf = "checkpoint/best-%d.safetensors"

// KeepBestOf removes all best weights that were set aside, those of these
// steps excepted.
func KeepBestOf(dir string, steps ...int) {
	entries, _ := os.ReadDir(filepath.Join(dir, "checkpoint"))
	for _, e := range entries {
		name := "checkpoint/" + e.Name()
		var step int
		if _, err := fmt.Sscanf(name, bestOf, &step); err == nil && name == BestOf(step) && !slices.Contains(steps, step) {
			_ = os.Remove(filepath.Join(dir, name)) // a file more than needed harms nothing
		}
	}
}

// HoldsRun reports whether dir is the folder of a run, finished or not. A first
// checkpoint alone is not one: the run was ended before it had a configuration
// and had trained.
func HoldsRun(dir string) bool {
	return slices.ContainsFunc([]string{Config, Metrics, Best, Last}, func(name string) bool { return exists(dir, name) })
}

func exists(dir, name string) bool {
	_, err := os.Stat(filepath.Join(dir, name))
	return err == nil
}

// OwnConfig returns the configuration of the run in dir, by which it can go on.
func OwnConfig(dir string) (path string, err error) {
	path = filepath.Join(dir, Config)
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && info.Size() == 0:
		return "", fmt.Errorf("%s: %w", path, ErrNoConfig)
	case err != nil:
		return "", fmt.Errorf("resume: %w", err)
	}
	return path, nil
}

// ErrNoConfig is wrapped by OwnConfig's error if the run has lost its configuration.
var ErrNoConfig = errors.New("is missing or empty")

// ConfigOf returns the configuration of the run that weights are of, which are those
// of a run folder or a file in it; "" if they lie in none.
func ConfigOf(weights string) string {
	dir := weights
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		dir = filepath.Dir(dir)
	}
	if !exists(dir, Config) {
		return ""
	}
	return filepath.Join(dir, Config)
}

// Weights returns the best weights of the run in dir, its last ones if there
// are no best; ok is false if it has neither.
func Weights(dir string) (path string, ok bool) {
	for _, name := range []string{Best, Last} {
		if exists(dir, name) {
			return filepath.Join(dir, name), true
		}
	}
	return "", false
}

// Owner returns the folder of the run that a path is weights or a checkpoint of, by
// its name and whether it is there or not; ok is false of any other path.
func Owner(path string) (dir string, ok bool) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", false
	}
	dir, name := filepath.Split(path)
	dir = filepath.Clean(dir)
	if checkpoints := filepath.Dir(Checkpoint); filepath.Base(dir) == checkpoints {
		dir = filepath.Dir(dir)
	} else if !slices.Contains([]string{Last, LastRaw, Best}, name) {
		return "", false
	}
	// Best and Last are also what people call files in folders of no run.
	return dir, exists(dir, Metrics)
}

// NewestFirst lists the run folders right under root, that first whose
// progress was saved last.
func NewestFirst(root string) ([]string, error) {
	configs, err := filepath.Glob(filepath.Join(root, "*", Config))
	if err != nil {
		return nil, err
	}
	saved := map[string]time.Time{}
	var dirs []string
	for _, config := range configs {
		dir := filepath.Dir(config)
		info, err := os.Stat(filepath.Join(dir, Checkpoint))
		if err != nil {
			info, err = os.Stat(config)
		}
		if err == nil {
			dirs, saved[dir] = append(dirs, dir), info.ModTime()
		}
	}
	slices.SortStableFunc(dirs, func(a, b string) int { return saved[b].Compare(saved[a]) })
	return dirs, nil
}

// Open makes dir ready for a run, and its own: no other process may train
// there until the returned function is called. fresh says that it holds no run
// yet; that of another time is refused without resume.
func Open(dir string, resume bool) (fresh bool, release func(), err error) {
	if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(lockFile)), 0o777); err != nil {
		return false, nil, fmt.Errorf("run folder: %w", err)
	}
	release, err = lock(filepath.Join(dir, lockFile))
	if errors.Is(err, errLocked) {
		return false, nil, fmt.Errorf("%s: %w; wait for it, or choose another folder", dir, ErrBusy)
	}
	if err != nil {
		return false, nil, fmt.Errorf("run folder: %w", err)
	}
	// Only now, when no other process can begin one any more.
	if err := Refuse(dir, resume); err != nil {
		release()
		return false, nil, err
	}
	sweep(dir)
	fresh = !HoldsRun(dir)
	if fresh {
		for _, name := range []string{Checkpoint, Previous} {
			if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				release()
				return false, nil, fmt.Errorf("run folder: %w", err)
			}
		}
		KeepBestOf(dir)
	}
	return fresh, release, nil
}

// sweep removes what killed processes were writing. The lock is held, so
// nobody writes now.
func sweep(dir string) {
	for _, folder := range []string{"", "checkpoint", TensorBoard + "/train", TensorBoard + "/val"} {
		for _, path := range atomicfile.Leftovers(filepath.Join(dir, folder)) {
			_ = os.Remove(path) // costs room and nothing else
		}
	}
}

// Refuse returns an error if dir holds a run and that is not to be resumed.
func Refuse(dir string, resume bool) error {
	if HoldsRun(dir) && !resume {
		return fmt.Errorf("%s: %w; go on with it by --resume, or choose another folder", dir, ErrHoldsRun)
	}
	return nil
}

// ErrHoldsRun is wrapped by the error of a folder that is not to be resumed.
var ErrHoldsRun = errors.New("holds a run already")

// ErrBusy is wrapped by Open's error if another process trains in the folder.
var ErrBusy = errors.New("another training is at work in this folder")

// Busy reports whether another process trains in dir.
func Busy(dir string) bool {
	if !exists(dir, lockFile) {
		return false
	}
	release, err := lock(filepath.Join(dir, lockFile))
	if err == nil {
		release()
	}
	return errors.Is(err, errLocked)
}

// errLocked is returned by lock if another process has the lock.
var errLocked = errors.New("locked by another process")
