// Package cluster is the processes that work on one task together: who they
// are, sums over them in an order of this package's own, and messages. The
// engine below is MPI, if the program is built with the tag mpi; without it
// there is one process, whose sums and messages cost nothing.
//
// Of MPI only messages between two ranks are used. Whatever is added is added
// here, by a balanced binary tree over the ranks, so the bits of a sum depend
// neither on the library nor on its choice of an algorithm.
package cluster

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/inception-go/inception/internal/settings"
)

// Options are the cluster.* keys of a configuration.
type Options struct {
	Timeout time.Duration `yaml:"timeout" json:"timeout" help:"of several processes under MPI: end all if one lets the others wait that long, such as 90s; it must cover the reading of the first batch, the writing of a checkpoint and the fitting of train.head probe; 0 for no limit"`
}

// DefaultOptions returns a limit of ten minutes.
func DefaultOptions() Options { return Options{Timeout: 10 * time.Minute} }

// Validate returns the first thing wrong with the cluster.* keys.
func (o Options) Validate() error {
	if o.Timeout < 0 {
		return settings.Errorf("cluster.timeout", "must not be negative, is %s", o.Timeout)
	}
	return nil
}

// Cluster is this process among all of them. Its methods that take part in
// something common must be called by all ranks in the same order, each by one
// goroutine. A nil Cluster is one process.
type Cluster struct {
	transport transport
	ranks     []int // of the transport, by rank
	rank      int
	hosts     []string // by rank
	timeout   time.Duration
	calls     int // of what all do together, which numbers the messages
	firstTag  int
	firsts    map[int]*Cluster // what First has returned
}

// transport carries messages between pairs of ranks. Messages with one tag
// between one pair arrive in order.
type transport interface {
	send(to, tag int, m message) *request
	receive(from, tag int, m message) *request
	abort(status int)
	leave(status int) error
}

// message is the memory of one message: of either kind.
type message struct {
	bytes  []byte
	floats []float32
}

// request is a message under way.
type request struct {
	peer int           // rank of the transport
	done chan struct{} // closed when the memory may be used again
}

// newCluster makes the ranks of a transport acquainted.
func newCluster(t transport, rank, size int, host string) (*Cluster, error) {
	c := &Cluster{transport: t, rank: rank, ranks: make([]int, size), hosts: make([]string, size)}
	for i := range c.ranks {
		c.ranks[i] = i
	}
	hosts, err := c.AllGather([]byte(host))
	if err != nil {
		return nil, err
	}
	for i, h := range hosts {
		c.hosts[i] = string(h)
	}
	return c, nil
}

// Rank returns this process's number, from 0.
func (c *Cluster) Rank() int {
	if c == nil {
		return 0
	}
	return c.rank
}

// Size returns the number of processes.
func (c *Cluster) Size() int {
	if c == nil {
		return 1
	}
	return len(c.ranks)
}

// Name returns words for a rank: its number among all processes, and its host.
func (c *Cluster) Name(rank int) string {
	if c == nil {
		return fmt.Sprintf("rank %d", rank)
	}
	if c.hosts[rank] == "" {
		return fmt.Sprintf("rank %d", c.ranks[rank])
	}
	return fmt.Sprintf("rank %d on %s", c.ranks[rank], c.hosts[rank])
}

// SetTimeout limits every wait for another rank from now on; 0 is no limit.
func (c *Cluster) SetTimeout(limit time.Duration) {
	if c != nil {
		c.timeout = limit
	}
}

// Sharing returns how many ranks of this host, this one included, use each of
// the things that this one uses. All ranks name their own.
func (c *Cluster) Sharing(things []string) ([]int, error) {
	counts := make([]int, len(things))
	mine, err := json.Marshal(things)
	if err != nil {
		return nil, err
	}
	all, err := c.AllGather(mine)
	if err != nil {
		return nil, err
	}
	for rank, text := range all {
		if c != nil && c.hosts[rank] != c.hosts[c.rank] {
			continue
		}
		var others []string
		if err := json.Unmarshal(text, &others); err != nil {
			return nil, fmt.Errorf("%s: %w", c.Name(rank), err)
		}
		for i, thing := range things {
			if slices.Contains(others, thing) {
				counts[i]++
			}
		}
	}
	return counts, nil
}

// Processors names those that this process may run on: launchers may bind each
// rank to some of its own.
func Processors() string {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return ""
	}
	_, list, _ := strings.Cut(string(text), "\nCpus_allowed_list:")
	list, _, _ = strings.Cut(list, "\n")
	return strings.TrimSpace(list)
}

// First returns the cluster of the first n ranks, nil on others. Its messages do
// not meet those of the whole, so that both may be under way.
func (c *Cluster) First(n int) *Cluster {
	if c.Rank() >= n || c.Size() == 1 {
		return nil
	}
	if c.firsts == nil {
		c.firsts = map[int]*Cluster{}
	}
	if c.firsts[n] == nil {
		c.firsts[n] = &Cluster{
			transport: c.transport, ranks: c.ranks[:n], rank: c.rank, hosts: c.hosts[:n], timeout: c.timeout,
			firstTag: tagsOfOne,
		}
	}
	return c.firsts[n]
}

// Group returns the cluster of this rank's group, if groups are of so many ranks
// that follow each other. Its messages do not meet those of other groups, nor
// links to them; what the whole does together must not be under way beside it.
func (c *Cluster) Group(ranks int) *Cluster {
	if c.Size() == 1 || ranks == 1 {
		return nil
	}
	first := c.rank / ranks * ranks
	end := min(first+ranks, len(c.ranks))
	return &Cluster{
		transport: c.transport, ranks: c.ranks[first:end], rank: c.rank - first, hosts: c.hosts[first:end],
		timeout: c.timeout,
	}
}

// Abort ends the processes of all ranks.
func (c *Cluster) Abort(status int) {
	if c != nil {
		c.transport.abort(status)
	}
}

// Leave ends the common work once every rank has come to its end. Under MPI it
// ends the process with an exit status, and returns only if that fails.
func (c *Cluster) Leave(status int) error {
	if c == nil {
		return nil
	}
	if err := c.barrier(); err != nil {
		return err
	}
	return c.transport.leave(status)
}

// barrier waits until all ranks have come here.
func (c *Cluster) barrier() error {
	_, err := c.AllGather(nil)
	return err
}

// frameBytes is the size of the first message of data whose length the receiver
// does not know: the length, and as much as fits. Most data fits.
const frameBytes = 1024

// most is the size of the largest message: MPI counts in 32 bits.
const most = 1 << 30

// The tags of messages: MPI promises 32768.
const (
	streamTag = 0     // of messages between two
	tagsEach  = 2     // of what all ranks do together
	tagsOfOne = 16384 // tags that a cluster has to itself
)

func (c *Cluster) nextTag() int {
	c.calls++
	return c.firstTag + tagsEach*(1+c.calls%(tagsOfOne/tagsEach-1))
}

func (c *Cluster) send(to, tag int, m message) *request {
	return c.transport.send(c.ranks[to], tag, m)
}

func (c *Cluster) receive(from, tag int, m message) *request {
	return c.transport.receive(c.ranks[from], tag, m)
}

// StallError says that a rank has let the others wait for too long.
type StallError struct {
	Rank  string // and its host
	Limit time.Duration
}

// Error returns the rank, its host and the limit.
func (e *StallError) Error() string {
	return fmt.Sprintf("%s has not answered for %s (cluster.timeout)", e.Rank, e.Limit)
}

// wait waits for messages.
func (c *Cluster) wait(requests ...*request) error { return c.within(c.timeout, requests...) }

// within waits for messages, but no longer than a limit, if that is not 0.
func (c *Cluster) within(limit time.Duration, requests ...*request) error {
	var over <-chan time.Time
	if limit > 0 {
		timer := time.NewTimer(limit)
		defer timer.Stop()
		over = timer.C
	}
	for i, r := range requests {
		select {
		case <-r.done:
		case <-over:
			return &StallError{c.Name(c.firstMissing(requests[i:])), limit}
		}
	}
	return nil
}

// firstMissing returns the rank of the first message that is still under way.
func (c *Cluster) firstMissing(requests []*request) int {
	for _, r := range requests {
		select {
		case <-r.done:
		default:
			return slices.Index(c.ranks, r.peer)
		}
	}
	return slices.Index(c.ranks, requests[0].peer)
}
