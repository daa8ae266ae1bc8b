package train

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"sync"

	"github.com/inception-go/inception/internal/cluster"
	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/kernel"
	"github.com/inception-go/inception/internal/settings"
)

// first does what only rank 0 does: all that is written. Its error ends the run
// for all of them, the next time they speak of how the run goes on.
func (r *run) first(do func() error) error {
	if r.cluster.Rank() > 0 || r.failed != nil {
		return nil
	}
	err := do()
	if r.cluster.Size() == 1 {
		return err
	}
	r.failed = err
	return nil
}

// ends returns which limit is reached after so many epochs, for all ranks: their
// clocks differ, and a signal may reach one of them alone.
func (r *run) ends(ctx context.Context, epochs int) (Exit, error) {
	own := r.limit(ctx, epochs)
	if r.cluster.Size() == 1 {
		return own, nil
	}
	state := struct{ Exit, Failed string }{Exit: string(own)}
	if r.failed != nil {
		state.Failed = r.failed.Error()
	}
	data, err := json.Marshal(state)
	if err != nil {
		return "", err
	}
	all, err := r.cluster.AllGather(data)
	if err != nil {
		return "", err
	}
	var exit Exit
	for rank, data := range all {
		if err := json.Unmarshal(data, &state); err != nil {
			return "", fmt.Errorf("%s: %w", r.cluster.Name(rank), err)
		}
		if state.Failed != "" {
			if r.failed != nil {
				return "", r.failed
			}
			return "", fmt.Errorf("%s: %s", r.cluster.Name(rank), state.Failed)
		}
		if e := Exit(state.Exit); exit == "" || e == ExitInterrupted {
			exit = e
		}
	}
	return exit, nil
}

// interrupted reports whether an error came because a rank was to stop.
func (r *run) interrupted(ctx context.Context) bool {
	exit, err := r.ends(ctx, r.at.Epoch)
	return err == nil && exit == ExitInterrupted
}

// errStopped is the error of a rank that another one's signal has stopped.
var errStopped = errors.New("stopped with the other ranks")

// share gives all ranks what rank 0 has read of the run's folder: how far the
// run has come, and its tensors unless it begins.
func (r *run) share(fresh bool) error {
	if r.cluster.Size() == 1 {
		return nil
	}
	type state struct {
		At     progress
		Shards int
		Fresh  bool
	}
	var data bytes.Buffer
	if err := gob.NewEncoder(&data).Encode(state{r.at, r.shards, fresh}); err != nil {
		return err
	}
	text, err := r.cluster.Broadcast(data.Bytes())
	if err != nil {
		return err
	}
	var s state
	if err := gob.NewDecoder(bytes.NewReader(text)).Decode(&s); err != nil {
		return fmt.Errorf("%s: %w", r.cluster.Name(0), err)
	}
	r.at = s.At
	if err := r.divide(s.Shards); err != nil {
		return err
	}
	if s.Fresh && !r.fitsHead() && !r.recipe.Train.Whiten {
		return nil
	}
	for _, t := range r.tensors() {
		if err := r.cluster.BroadcastFloats(t.data); err != nil {
			return err
		}
	}
	return nil
}

// alike returns an error unless all ranks have what makes the same run: the
// program, its kernels, the configuration, the images and the weights.
func (r *run) alike() error {
	if r.cluster.Size() == 1 {
		return nil
	}
	config, err := json.Marshal(r.job.Config)
	if err != nil {
		return err
	}
	own := [][2]string{
		{"the program", ProgramHash()[:12]},
		{"the instruction set (INCEPTION_ISA chooses)", kernel.ISA()},
		{"the run folder", absolute(r.job.Dir)},
		{"the configuration", string(config)},
		{"the training images", r.data.fingerprint},
		{"the validation images", fingerprint(r.data.val)},
		{"the initial weights", r.weightsHash()},
	}
	data, err := json.Marshal(own)
	if err != nil {
		return err
	}
	all, err := r.cluster.AllGather(data)
	if err != nil {
		return err
	}
	ranks := make([][][2]string, len(all))
	for rank := range all {
		if err := json.Unmarshal(all[rank], &ranks[rank]); err != nil || len(ranks[rank]) != len(own) {
			return fmt.Errorf("%s runs another version of the program than %s", r.cluster.Name(rank), r.cluster.Name(0))
		}
	}
	for i := range own {
		for rank := range ranks {
			if a, b := ranks[0][i], ranks[rank][i]; a != b {
				return differ(r.cluster, rank, a[0], a[1], b[1])
			}
		}
	}
	return nil
}

// differ says what differs between rank 0, which has a, and another, which has
// b.
func differ(c *cluster.Cluster, rank int, what, a, b string) error {
	var first, other Config
	if json.Unmarshal([]byte(a), &first) == nil && json.Unmarshal([]byte(b), &other) == nil {
		if key, was, is := settings.Difference(&first, &other); key != "" {
			return settings.Errorf(key, "is %s on %s and %s on %s; all ranks must have the same",
				was, c.Name(0), is, c.Name(rank))
		}
	}
	return fmt.Errorf("%s differs: %s on %s, %s on %s; all ranks must have the same", what, a, c.Name(0), b, c.Name(rank))
}

// unknownProgram stands for the hash of a file that cannot be read.
const unknownProgram = "unknown file"

// ProgramHash returns the SHA-256 of the program's file in hexadecimal.
var ProgramHash = sync.OnceValue(func() string {
	path, err := os.Executable()
	if err != nil {
		return unknownProgram
	}
	f, err := os.Open(path)
	if err != nil {
		return unknownProgram
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return unknownProgram
	}
	return fmt.Sprintf("%x", h.Sum(nil))
})

func absolute(path string) string {
	if full, err := filepath.Abs(path); err == nil {
		return full
	}
	return path
}

func fingerprint(set dataset.Set) string {
	if set == nil {
		return "none"
	}
	return dataset.Fingerprint(set)
}

// weightsHash identifies the values of the weights.
func (r *run) weightsHash() string {
	h := sha256.New()
	var block [4096]byte
	for _, p := range r.weights.Params {
		for values := p.Data; len(values) > 0; {
			n := min(len(values), len(block)/4)
			for i, v := range values[:n] {
				binary.LittleEndian.PutUint32(block[4*i:], math.Float32bits(v))
			}
			h.Write(block[:4*n])
			values = values[n:]
		}
	}
	return fmt.Sprintf("%x", h.Sum(nil)[:6])
}
