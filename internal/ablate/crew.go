package ablate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/inception-go/inception/internal/cluster"
	"github.com/inception-go/inception/internal/memory"
	"github.com/inception-go/inception/internal/rundir"
	"github.com/inception-go/inception/internal/train"
)

// Under MPI an ablation is the work of crews: groups of ranks that follow each
// other, each of which makes one run at a time. Rank 0 has the plan, hands out
// the runs and writes the tables, besides leading the first crew. A crew gets
// whole orders and knows nothing of the plan.

// order is a run to make, with all that it follows from.
type order struct {
	Config  train.Config
	Dir     string
	Version string
	Emulate bool
	Resume  bool     // the run has begun
	Train   bool     // make it, or go on with it
	Test    bool     // then measure it on the test images
	Made    Identity // what its bits follow from
}

// Crew is a group of ranks as one of them sees it.
type Crew struct {
	Cluster *cluster.Cluster // all ranks; nil for one process
	Size    int              // ranks of a crew
	Memory  memory.Limit     // train.Job's

	group *cluster.Cluster // this rank's crew
}

// check returns an error if the ranks cannot be divided into crews.
func (c *Crew) check() error {
	ranks := c.Cluster.Size()
	switch {
	case c.Size < 1:
		return fmt.Errorf("--ranks-per-run: must be at least 1, is %d", c.Size)
	case ranks == 1 && c.Size > 1:
		return fmt.Errorf("--ranks-per-run: is %d, but this is one process; start it by mpirun -n %d", c.Size, c.Size)
	case ranks%c.Size != 0:
		return fmt.Errorf("--ranks-per-run: %d ranks cannot be divided into groups of %d", ranks, c.Size)
	}
	return nil
}

// crews returns how many there are.
func (c *Crew) crews() int {
	if c == nil {
		return 1
	}
	return c.Cluster.Size() / c.Size
}

// ranks returns how many ranks make a run.
func (c *Crew) ranks() int {
	if c == nil {
		return 1
	}
	return c.Size
}

// meet makes sure that all ranks run the same program, and forms the crews.
func (c *Crew) meet(o cluster.Options) error {
	if c.Cluster.Size() == 1 {
		return nil
	}
	text, err := json.Marshal(o)
	if err != nil {
		return err
	}
	if text, err = c.Cluster.Broadcast(text); err != nil {
		return err
	}
	if err := json.Unmarshal(text, &o); err != nil {
		return fmt.Errorf("%s: %w", c.Cluster.Name(0), err)
	}
	programs, err := c.Cluster.AllGather([]byte(program()))
	if err != nil {
		return err
	}
	for rank, other := range programs {
		if !bytes.Equal(other, programs[0]) {
			return fmt.Errorf("the program differs: %s on %s, %s on %s; all ranks must have the same (INCEPTION_ISA "+
				"chooses the instruction set)", programs[0], c.Cluster.Name(0), other, c.Cluster.Name(rank))
		}
	}
	c.Cluster.SetTimeout(o.Timeout)
	c.group = c.Cluster.Group(c.Size)
	return nil
}

// Work makes the runs that rank 0 hands out, on all other ranks, until it has no
// more. It returns rank 0's error, or that of a lost connection.
func (c *Crew) Work(ctx context.Context) error {
	if err := c.meet(cluster.Options{}); err != nil {
		return err
	}
	if c.group.Rank() > 0 {
		return c.follow(ctx)
	}
	link := c.Cluster.Link(0)
	images := map[string]string{}
	for {
		data, ok := <-link.Received
		if !ok {
			return c.lost(link)
		}
		var m instruction
		if err := json.Unmarshal(data, &m); err != nil {
			return fmt.Errorf("%s: %w", c.Cluster.Name(0), err)
		}
		switch {
		case m.End:
			return errors.Join(c.dismiss(m.Failed), link.Close())
		case m.Order == nil:
			continue // to stop what has ended by itself
		}
		a, err := c.obey(ctx, link, *m.Order, images)
		if err == nil {
			err = send(link, a)
		}
		if err != nil {
			return err
		}
	}
}

// instruction is what rank 0 tells the leader of a crew: to make a run, to stop
// the one under way, or that there are no more.
type instruction struct {
	Order  *order
	Stop   bool
	End    bool
	Failed string // with End: the error that ends all
}

// answer is how an order has ended.
type answer struct {
	Busy    bool // another process is at the run
	Stopped bool // as rank 0 wished, or by a signal
	Failed  string
}

// obey carries out an order, unless rank 0 stops it. An error is one of the
// connection.
func (c *Crew) obey(ctx context.Context, link *cluster.Link, o order, images map[string]string) (answer, error) {
	within, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	type end struct {
		busy bool
		err  error
	}
	ended := make(chan end)
	go func() {
		var e end
		if e.err = c.same(o, images); e.err == nil {
			e.busy, e.err = c.carryOut(within, o, nil)
		}
		ended <- e
	}()
	for received := link.Received; ; {
		select {
		case _, ok := <-received: // to stop; or rank 0 does not answer
			if stop(errStopped); !ok {
				received = nil
			}
		case e := <-ended:
			switch {
			case received == nil:
				return answer{}, c.lost(link)
			case within.Err() != nil && errors.Is(e.err, context.Cause(within)):
				return answer{Stopped: true}, nil
			case e.err != nil:
				return answer{Failed: e.err.Error()}, nil
			}
			return answer{Busy: e.busy}, nil
		}
	}
}

// lost returns why a link has ended without rank 0's word.
func (c *Crew) lost(link *cluster.Link) error {
	if err := link.Err(); err != nil {
		return err
	}
	return fmt.Errorf("%s has gone", c.Cluster.Name(0))
}

// errStopped ends runs when another one has failed, or the ablation is stopped.
var errStopped = errors.New("stopped with the other ranks")

// same returns an error if this rank would make another run of the order than
// rank 0: with other images.
func (c *Crew) same(o order, images map[string]string) error {
	if !o.Train {
		return nil
	}
	own, err := identify(o.Config, images)
	if err != nil {
		return err
	}
	if own.Data != o.Made.Data {
		return fmt.Errorf("the images of %s differ from those that %s has; all ranks must have the same",
			o.Config.Data.Train, c.Cluster.Name(0))
	}
	if own != o.Made {
		return fmt.Errorf("%s: the configuration differs from what %s has", o.Dir, c.Cluster.Name(0))
	}
	return nil
}

// carryOut does what an order says, with the whole crew; busy if another process
// is at the run.
func (c *Crew) carryOut(ctx context.Context, o order, reporter train.Reporter) (busy bool, err error) {
	if o.Train {
		if !o.Resume {
			if err := o.Made.write(o.Dir); err != nil {
				return false, err
			}
		}
		if err := c.tell(instruction{Order: &o}); err != nil {
			return false, err
		}
		err = makeRun(ctx, c.job(o, reporter))
		if errors.Is(err, rundir.ErrBusy) {
			return true, nil
		}
	}
	if err == nil && o.Test {
		err = test(ctx, c.job(o, nil))
	}
	return false, err
}

func (c *Crew) job(o order, reporter train.Reporter) train.Job {
	return train.Job{
		Config: o.Config, Dir: o.Dir, Version: o.Version, Emulate: o.Emulate, Resume: o.Resume, Reporter: reporter,
		Memory: c.Memory, Cluster: c.group, Shards: o.Config.Train.GradAccumSteps,
	}
}

// tell gives the ranks of the crew an instruction.
func (c *Crew) tell(m instruction) error {
	if c.group.Size() == 1 {
		return nil
	}
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	_, err = c.group.Broadcast(text)
	return err
}

// dismiss ends the crew's work and returns the error that ends all.
func (c *Crew) dismiss(failed string) error {
	err := c.tell(instruction{End: true, Failed: failed})
	if failed != "" {
		err = errors.Join(errors.New(failed), err)
	}
	return err
}

// follow takes part in the runs of the crew's leader.
func (c *Crew) follow(ctx context.Context) error {
	for {
		c.group.SetTimeout(0) // the leader may have nothing to do for hours
		text, err := c.group.Broadcast(nil)
		if err != nil {
			return err
		}
		var m instruction
		if err := json.Unmarshal(text, &m); err != nil {
			return fmt.Errorf("%s: %w", c.group.Name(0), err)
		}
		if m.End {
			if m.Failed != "" {
				return errors.New(m.Failed)
			}
			return nil
		}
		// What else goes wrong the leader knows too.
		var stall *cluster.StallError
		if _, err := train.Run(ctx, c.job(*m.Order, nil)); errors.As(err, &stall) {
			// Who ends first ends all. Unless the leader is the one that stalls,
			// rank 0 hears of it and has the other crews save their runs before.
			select {
			case <-ctx.Done():
			case <-time.After(stall.Limit):
			}
			return err
		}
	}
}

func send(link *cluster.Link, m any) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return link.Send(text)
}
