package rundir

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// touch writes an empty file below dir that was last changed at a time.
func touch(t *testing.T, dir, name string, at time.Time) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

func TestAFolderIsForOneRunAndOneProcess(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	if HoldsRun(dir) || Busy(dir) {
		t.Error("a folder that is not there holds a run, or is busy")
	}
	fresh, release, err := Open(dir, false)
	if err != nil || !fresh {
		t.Fatalf("a new folder is fresh: %t, %v", fresh, err)
	}
	if _, _, err := Open(dir, true); !errors.Is(err, ErrBusy) || !Busy(dir) {
		t.Errorf("while another works there the error is %v", err)
	}
	release()
	touch(t, dir, Config, time.Now())
	if _, _, err := Open(dir, false); err == nil || Busy(dir) {
		t.Errorf("a folder that holds a run is opened for another, or stays locked: %v", err)
	}
	fresh, release, err = Open(dir, true)
	if err != nil || fresh {
		t.Fatalf("for resuming it is fresh: %t, %v", fresh, err)
	}
	release()
}

func TestARunsConfigurationIsFoundFromItsFolderAndItsWeights(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	own, best := filepath.Join(dir, Config), filepath.Join(dir, Best)
	touch(t, dir, Best, time.Now())
	if _, err := OwnConfig(dir); !errors.Is(err, ErrNoConfig) || ConfigOf(dir) != "" || ConfigOf(best) != "" {
		t.Errorf("without a configuration the error is %v", err)
	}
	touch(t, dir, Config, time.Now())
	if _, err := OwnConfig(dir); !errors.Is(err, ErrNoConfig) {
		t.Errorf("of an empty one the error is %v", err)
	}
	if err := os.WriteFile(own, []byte("model: {}\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if path, err := OwnConfig(dir); path != own || err != nil {
		t.Errorf("it is %s, %v, want %s", path, err, own)
	}
	if ConfigOf(dir) != own || ConfigOf(best) != own {
		t.Errorf("of the folder it is %q, of its weights %q", ConfigOf(dir), ConfigOf(best))
	}
}

func TestWhatIsWrittenIsThere(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{Config, Last, Report + "/in-its-place", TensorBoard} {
		touch(t, dir, name, time.Now())
	}
	if got := Written(dir); !slices.Equal(got, []string{Last, Config}) {
		t.Errorf("written are %q", got)
	}
}

func TestWhatBeginsInOneSecondGetsFoldersOfItsOwn(t *testing.T) {
	t.Chdir(t.TempDir())
	const each = 8
	made := make(chan string, 2*each)
	for range 2 {
		go func() {
			for range each {
				dir, err := New("tiny")
				if err != nil {
					t.Error(err)
				}
				made <- dir
			}
		}()
	}
	seen := map[string]bool{}
	for range 2 * each {
		dir := <-made
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			t.Errorf("%s is not made: %v", dir, err)
		}
		if seen[dir] {
			t.Errorf("%s is two runs'", dir)
		}
		seen[dir] = true
	}
	kept := ""
	for dir := range seen {
		if kept == "" {
			kept = dir
			touch(t, dir, Config, time.Now())
		}
		Abandon(dir)
	}
	if dirs, err := filepath.Glob(filepath.Join(Root, "*")); err != nil || !slices.Equal(dirs, []string{kept}) {
		t.Errorf("%q are left, %v; want the one that is a run, %s", dirs, err, kept)
	}
	if err := os.RemoveAll(kept); err != nil {
		t.Fatal(err)
	}
	dir, err := New("tiny")
	if err != nil {
		t.Fatal(err)
	}
	if Abandon(dir); exists(Root, ".") {
		t.Errorf("%s stays although nothing is in it", Root)
	}
}

func TestAFolderThatCannotBeMadeIsAnError(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile(Root, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if dir, err := New("tiny"); err == nil {
		t.Errorf("made %s below a file", dir)
	}
	if err := os.Remove(Root); err != nil {
		t.Fatal(err)
	}
	if dir, err := New("no/such/parent"); err == nil {
		t.Errorf("made %s", dir)
	}
}

func TestBestWeightsComeBeforeLastOnes(t *testing.T) {
	dir := t.TempDir()
	if path, ok := Weights(dir); ok {
		t.Errorf("an empty folder has weights %s", path)
	}
	for _, name := range []string{Last, Best} {
		touch(t, dir, name, time.Now())
		if path, ok := Weights(dir); !ok || path != filepath.Join(dir, name) {
			t.Errorf("with %s the weights are %s", name, path)
		}
	}
}

func TestWeightsAndCheckpointsBelongToTheirRun(t *testing.T) {
	run, other := t.TempDir(), t.TempDir()
	touch(t, run, Metrics, time.Now())
	touch(t, other, Best, time.Now())
	for _, name := range []string{Best, Last, LastRaw, Checkpoint, Previous, BestOf(7)} {
		if dir, ok := Owner(filepath.Join(run, name)); dir != run || !ok {
			t.Errorf("%s is of %q, %v, want %s", name, dir, ok, run)
		}
		if dir, ok := Owner(filepath.Join(other, name)); ok {
			t.Errorf("%s of a folder that holds no run is of %s", name, dir)
		}
	}
	if dir, ok := Owner(filepath.Join(run, "int8.safetensors")); ok {
		t.Errorf("a file that runs do not write is of %s", dir)
	}
	t.Chdir(run)
	if _, ok := Owner(Best); !ok {
		t.Error("a file of the run that is the working folder is of no run")
	}
}

// The checkpoint's time counts, the configuration's where there is none.
func TestRunsAreListedNewestFirst(t *testing.T) {
	root, now := t.TempDir(), time.Now()
	touch(t, filepath.Join(root, "old"), Config, now)
	touch(t, filepath.Join(root, "old"), Checkpoint, now.Add(-3*time.Hour))
	touch(t, filepath.Join(root, "new"), Config, now.Add(-5*time.Hour))
	touch(t, filepath.Join(root, "new"), Checkpoint, now.Add(-time.Hour))
	touch(t, filepath.Join(root, "begun"), Config, now.Add(-2*time.Hour))
	touch(t, filepath.Join(root, "other"), "notes.txt", now)
	dirs, err := NewestFirst(root)
	want := []string{filepath.Join(root, "new"), filepath.Join(root, "begun"), filepath.Join(root, "old")}
	if err != nil || !slices.Equal(dirs, want) {
		t.Errorf("listed are %q, %v; want %q", dirs, err, want)
	}
}

func TestOnlyTheBestWeightsOfTheNamedStepsAreKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run [1]*") // no pattern
	if err := os.MkdirAll(filepath.Join(dir, "checkpoint"), 0o777); err != nil {
		t.Fatal(err)
	}
	others := []string{Checkpoint, KeptBest, "checkpoint/best-5x.safetensors", "checkpoint/best-05.safetensors"}
	for _, name := range append([]string{BestOf(5), BestOf(10), BestOf(15)}, others...) {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	KeepBestOf(dir, 5, 15)
	for _, name := range append([]string{BestOf(5), BestOf(15)}, others...) {
		if !exists(dir, name) {
			t.Errorf("%s is removed", name)
		}
	}
	if exists(dir, BestOf(10)) {
		t.Errorf("%s is kept", BestOf(10))
	}
}
