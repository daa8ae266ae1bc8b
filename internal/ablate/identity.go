package ablate

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/kernel"
	"github.com/inception-go/inception/internal/train"
)

// identityFile is a file in the folder of each run of an ablation.
const identityFile = "identity.json"

// Identity is what a run's bits follow from: the same identity gives the same
// bits.
type Identity struct {
	Config  string `json:"config"`  // SHA-256 of all settings, the paths of the images aside
	Data    string `json:"data"`    // of the training and validation images: dataset.Contents
	Program string `json:"program"` // its revision or the SHA-256 of its file, and the instruction set
}

// Hash is one word for the identity.
func (i Identity) Hash() string {
	return hash(i.Config + "\n" + i.Data + "\n" + i.Program)[:16]
}

// identify returns the identity that a run with this configuration has now.
// images remembers what images have been looked at.
func identify(c train.Config, images map[string]string) (Identity, error) {
	key, err := json.Marshal(struct {
		Data dataset.Options
		Most int
	}{c.Data, c.Eval.MaxImages})
	if err != nil {
		return Identity{}, fmt.Errorf("identity: %w", err)
	}
	data, known := images[string(key)]
	if !known {
		opened, err := dataset.OpenTraining(c.Data)
		if err != nil {
			return Identity{}, err
		}
		data = dataset.Contents(opened.Train)
		if opened.Val != nil {
			data = hash(data + dataset.Contents(dataset.Sample(opened.Val, c.Eval.MaxImages)))[:32]
		}
		images[string(key)] = data
	}
	c.Data.Train, c.Data.Val = "", ""
	text, err := json.Marshal(c)
	if err != nil {
		return Identity{}, fmt.Errorf("identity: %w", err)
	}
	return Identity{Config: hash(string(text)), Data: data, Program: program()}, nil
}

func hash(text string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(text))) }

// program names what computes: the revision of the program's source if it was
// built from exactly that, else its file; the compiler; and the instruction set,
// on which the order of sums depends.
var program = sync.OnceValue(func() string {
	revision, modified := "", false
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				revision = s.Value
			case "vcs.modified":
				modified = s.Value == "true"
			}
		}
	}
	if revision == "" || modified {
		revision = "file " + train.ProgramHash()
	} else {
		revision = "revision " + revision
	}
	return strings.Join([]string{revision, runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH, kernel.ISA()}, ", ")
})

// write records the identity in a run's folder.
func (i Identity) write(dir string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("run folder: %w", err)
	}
	return writeJSON(filepath.Join(dir, identityFile), i)
}

// readIdentity returns the identity of the run in dir.
func readIdentity(dir string) (Identity, error) {
	i, ok, err := readJSON[Identity](filepath.Join(dir, identityFile))
	if err == nil && !ok {
		err = fmt.Errorf("%s: has no %s, so nothing tells what the run was made of: an earlier version or train "+
			"made it; choose another --out, or remove the run", dir, identityFile)
	}
	return i, err
}

// differs says in which way the run in dir was made of something else than now;
// nil if it was not.
func (i Identity) differs(dir string, now Identity) error {
	const advice = "choose another --out, or remove the run"
	switch {
	case i.Config != now.Config:
		return fmt.Errorf("%s: was made with other settings; %s", dir, advice)
	case i.Data != now.Data:
		return fmt.Errorf("%s: was made with other images than are there now; %s", dir, advice)
	case i.Program != now.Program:
		return fmt.Errorf("%s: was made by another program (%s) than this (%s), whose bits may differ; go on with "+
			"that one, or %s",
			dir, i.Program, now.Program, advice)
	}
	return nil
}
