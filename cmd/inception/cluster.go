package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/inception-go/inception/internal/cluster"
	"github.com/spf13/cobra"
)

// worksTogether annotates commands that several processes under MPI share.
const worksTogether = "works together"

func together(c *cobra.Command) *cobra.Command {
	annotate(c, worksTogether, "true")
	return c
}

// join makes this process one of those that a launcher has started together. All
// but rank 0 are silent from then on.
func (s *session) join(c *cobra.Command) (err error) {
	launch := cluster.Launched()
	if launch.Size == 1 || c.Name() == "doctor" {
		return nil
	}
	if c.Annotations[worksTogether] == "" {
		s.apart = launch
		return usageError{fmt.Errorf("%s works in one process; start it without %s", c.CommandPath(), launch.By)}
	}
	if s.cluster, err = cluster.Join(); err != nil {
		s.apart = launch
		return err
	}
	if s.cluster.Rank() > 0 {
		s.stdout, s.stderr, s.quiet = io.Discard, io.Discard, true
	}
	return nil
}

// leaveLimit is how long a rank that has failed waits for the others to fail for
// the same reason.
const leaveLimit = 5 * time.Second

// sayLimit is how long the others let rank 0 say what is wrong with all of them.
const sayLimit = 2 * time.Second

// end ends this process's part and returns its exit status. An error that all
// ranks have is printed by rank 0; one that others do not know of ends them.
func (s *session) end(err error, stderr io.Writer) int {
	if s.apart.Rank > 0 {
		time.Sleep(sayLimit) // the launcher ends all when the first one ends, which should be rank 0
		var usage usageError
		if errors.As(err, &usage) || errors.Is(err, cluster.ErrAlone) {
			return status(err, io.Discard) // rank 0 has said it
		}
		return status(fmt.Errorf("rank %d: %w", s.apart.Rank, err), stderr)
	}
	if s.cluster.Size() == 1 {
		return status(err, stderr)
	}
	rank := s.cluster.Rank()
	var stall *cluster.StallError
	if errors.As(err, &stall) {
		time.Sleep(time.Duration(rank) * time.Second) // one is enough to say it
		own := status(err, stderr)
		s.cluster.Abort(own)
		return own
	}
	silent := io.Discard
	if rank == 0 {
		silent = stderr
	}
	own := status(err, silent)
	if err != nil {
		s.cluster.SetTimeout(leaveLimit)
	}
	if leaving := s.cluster.Leave(own); leaving != nil {
		if err == nil {
			err = leaving
		}
		if rank > 0 {
			time.Sleep(time.Second) // if rank 0 has an error too, it has said so and ends all now
		}
		if rank > 0 || own == 0 {
			own = status(fmt.Errorf("%s: %w", s.cluster.Name(rank), err), stderr)
		}
		s.cluster.Abort(own)
	}
	return own
}

// byFirst returns what rank 0 finds, on all ranks; v points to it.
func (s *session) byFirst(v any, find func() error) error {
	if s.cluster.Size() == 1 {
		return find()
	}
	var err error
	if s.cluster.Rank() == 0 {
		err = find()
	}
	if err := s.cluster.Agree(err); err != nil {
		return err
	}
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if text, err = s.cluster.Broadcast(text); err != nil {
		return err
	}
	return json.Unmarshal(text, v)
}

// visible waits until this rank sees a file that rank 0 sees: file systems that
// several machines share may lag.
func (s *session) visible(path string) error {
	if path == "" || s.cluster.Size() == 1 {
		return nil
	}
	var exists bool
	err := s.byFirst(&exists, func() error {
		_, err := os.Stat(path)
		exists = err == nil
		return nil
	})
	const patience = time.Minute
	for begin := time.Now(); err == nil && exists; time.Sleep(100 * time.Millisecond) {
		if _, failed := os.Stat(path); failed == nil {
			return nil
		} else if time.Since(begin) > patience {
			return fmt.Errorf("%s sees %s, and %s still does not after %s; do they share the folder? %w",
				s.cluster.Name(0), path, s.cluster.Name(s.cluster.Rank()), patience, failed)
		}
	}
	return err
}
