package train

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/inception-go/inception/internal/atomicfile"
	"github.com/inception-go/inception/internal/weights"
)

// The files of a run folder, besides TensorBoard's.
const (
	configFile     = "config.yaml"
	metricsFile    = "metrics.jsonl"
	reportFile     = "report.html"
	lastFile       = "last.safetensors"
	lastRawFile    = "last-raw.safetensors"
	bestFile       = "best.safetensors"
	checkpointFile = "checkpoint/state.safetensors"
	keptBestFile   = "checkpoint/best.safetensors" // of the checkpoint, from before a last validation inside an epoch
	lockFile       = "checkpoint/lock"
)

// HoldsRun reports whether dir is the folder of a run, finished or not.
func HoldsRun(dir string) bool {
	for _, name := range []string{configFile, metricsFile, checkpointFile} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return true
		}
	}
	return false
}

// NewestUnfinished returns the folder under root of the run that was stopped
// last, has steps left to make and is not at work.
func NewestUnfinished(root string) (string, error) {
	configs, err := filepath.Glob(filepath.Join(root, "*", configFile))
	if err != nil {
		return "", err
	}
	newest, when := "", int64(0)
	for _, config := range configs {
		dir := filepath.Dir(config)
		p, changed, err := readProgress(dir)
		if err != nil || p.Exit.Finished() || Busy(dir) {
			continue
		}
		if newest == "" || changed > when {
			newest, when = dir, changed
		}
	}
	if newest == "" {
		return "", fmt.Errorf("%s: holds no unfinished run; name the run's folder", root)
	}
	return newest, nil
}

// readProgress returns how far the run in dir has come and when it was saved,
// in nanoseconds; the beginning if it has no checkpoint yet.
func readProgress(dir string) (progress, int64, error) {
	path := filepath.Join(dir, checkpointFile)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		info, err = os.Stat(filepath.Join(dir, configFile))
		if err != nil {
			return progress{}, 0, err
		}
		return progress{}, info.ModTime().UnixNano(), nil
	}
	if err != nil {
		return progress{}, 0, err
	}
	t, err := weights.ReadTensors(path)
	if err != nil {
		return progress{}, 0, err
	}
	defer t.Close()
	p, err := decodeProgress(t.Metadata)
	return p, info.ModTime().UnixNano(), err
}

// openFolder makes dir ready for a run, and its own: no other process may
// train there until the returned function is called.
func openFolder(dir string, resume bool) (fresh bool, release func(), err error) {
	if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(checkpointFile)), 0o777); err != nil {
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
	if fresh = !HoldsRun(dir); !fresh && !resume {
		release()
		return false, nil, errHoldsRun(dir)
	}
	return fresh, release, nil
}

// ErrBusy is returned by Run if another process trains in the folder.
var ErrBusy = errors.New("another training is at work in this folder")

// Busy reports whether another process trains in dir.
func Busy(dir string) bool {
	path := filepath.Join(dir, lockFile)
	if _, err := os.Stat(path); err != nil {
		return false
	}
	release, err := lock(path)
	if err == nil {
		release()
	}
	return errors.Is(err, errLocked)
}

func errHoldsRun(dir string) error {
	return fmt.Errorf("%s: holds a run already; go on with it by --resume, or choose another folder", dir)
}

// errLocked is returned by lock if another process has the lock.
var errLocked = errors.New("locked by another process")

// saveConfig writes the configuration that the run uses.
func saveConfig(dir string, text []byte) error {
	return atomicfile.Write(filepath.Join(dir, configFile), func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
}
