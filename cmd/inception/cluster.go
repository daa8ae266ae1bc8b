package main

import (
	"errors"
	"fmt"
	"io"
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
