package train

import (
	"errors"
	"time"

	"github.com/inception-go/inception/internal/cluster"
	"github.com/inception-go/inception/internal/kernel"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/ops"
	"github.com/inception-go/inception/internal/optimize"
)

// reduction adds up the gradients and batch-norm statistics of an update's
// shards by one tree: over this rank's shards as its passes go, then over the
// ranks, whose messages travel in buckets while the rest of the last backward
// pass is computed.
type reduction struct {
	cluster *cluster.Cluster
	net     *model.Network
	parts   map[*ops.Param]*part
	buckets []*bucket // in the order in which a pass fills them; none for one process

	// Of the update under way:
	shards  int  // of all ranks
	present int  // ranks that have any of them
	last    bool // the pass under way is this rank's last
	counted bool // the statistics of that pass have been taken
	started int  // buckets that are on their way

	spent Communication
}

// part is the sum of one gradient or statistic.
type part struct {
	tree   optimize.Tree
	sum    []float32
	bucket *bucket // nil for one process
	at     int     // in the bucket
}

// bucket is what the ranks add up by one sum.
type bucket struct {
	flat []float32
	of   int // parts
	left int // of those the last pass has yet to compute
	sum  *cluster.Sum
}

// bucketFloats is the size of a full bucket: large enough that a message's
// latency is little beside the time it takes, small enough that the first one
// leaves early.
const bucketFloats = 1 << 20

// Communication is the time that sums over ranks have taken.
type Communication struct {
	Busy    time.Duration // in which buckets were under way
	Exposed time.Duration // of it, after the backward passes had ended
	Updates int
}

// newReduction prepares the sums of net's updates.
func newReduction(c *cluster.Cluster, net *model.Network) *reduction {
	r := &reduction{cluster: c, net: net, parts: map[*ops.Param]*part{}}
	for _, s := range net.Statistics() { // the forward pass comes first
		r.add(s.Param)
	}
	for _, p := range net.Trained() {
		r.add(p)
	}
	net.Watch(r.take)
	return r
}

func (r *reduction) add(p *ops.Param) {
	one := &part{}
	r.parts[p] = one
	if r.cluster.Size() == 1 {
		return
	}
	if n := len(r.buckets); n == 0 || len(r.buckets[n-1].flat) >= bucketFloats {
		r.buckets = append(r.buckets, &bucket{})
	}
	one.bucket = r.buckets[len(r.buckets)-1]
	one.at = len(one.bucket.flat)
	one.bucket.of++
	one.bucket.flat = append(one.bucket.flat, make([]float32, p.Floats())...)
}

// begin begins an update of so many shards, of which the first present ranks
// have some.
func (r *reduction) begin(shards, present int) {
	r.shards, r.present, r.started = shards, present, 0
	for _, one := range r.parts {
		one.tree.Restart()
	}
	for _, b := range r.buckets {
		b.left = b.of
	}
}

// pass begins the next pass of this rank.
func (r *reduction) pass(last bool) { r.last, r.counted = last, false }

// take takes a gradient as soon as it has been computed. The first one also
// shows that the forward pass is over.
func (r *reduction) take(g model.Gradient) {
	if !r.counted {
		r.counted = true
		for _, s := range r.net.Statistics() {
			r.put(s.Param, s.Data)
		}
	}
	r.put(g.Param, g.Data)
}

func (r *reduction) put(p *ops.Param, values []float32) {
	one := r.parts[p]
	one.tree.Add(values, r.last)
	if !r.last {
		return
	}
	b := one.bucket
	if b == nil {
		one.sum = values
		return
	}
	one.sum = b.flat[one.at : one.at+len(values)]
	copy(one.sum, values)
	// Every rank starts the buckets in the same order.
	for b.left--; r.started < len(r.buckets) && r.buckets[r.started].left == 0; r.started++ {
		r.start(r.buckets[r.started])
	}
}

func (r *reduction) start(b *bucket) { b.sum = r.cluster.StartSum(b.flat, r.present) }

// wait starts what this rank has nothing to give to, because it has no shard or
// a pass has failed, and waits for all sums.
func (r *reduction) wait() error {
	ended := time.Now()
	for ; r.started < len(r.buckets); r.started++ {
		r.start(r.buckets[r.started])
	}
	var errs []error
	for _, b := range r.buckets {
		errs = append(errs, b.sum.Wait())
	}
	r.spent.Updates++
	reached := time.Time{} // up to here time is counted
	for _, b := range r.buckets {
		from := b.sum.Began
		if from.Before(reached) {
			from = reached
		}
		if b.sum.Ended.After(from) {
			r.spent.Busy += b.sum.Ended.Sub(from)
			if from.Before(ended) {
				from = ended
			}
			r.spent.Exposed += max(0, b.sum.Ended.Sub(from))
			reached = b.sum.Ended
		}
	}
	return errors.Join(errs...)
}

// means returns the mean gradients of the update's shards, in the order of
// model.Network.Gradients, and the mean statistics. The next pass overwrites
// them.
func (r *reduction) means() (gradients []model.Gradient, statistics []ops.Statistic) {
	for _, p := range r.net.GradientParams() {
		gradients = append(gradients, model.Gradient{Param: p, Data: r.mean(p)})
	}
	for _, s := range r.net.Statistics() {
		statistics = append(statistics, ops.Statistic{Param: s.Param, Data: r.mean(s.Param)})
	}
	return gradients, statistics
}

func (r *reduction) mean(p *ops.Param) []float32 {
	one := r.parts[p]
	if one.sum == nil { // a rank that had no shard yet
		one.sum = one.bucket.flat[one.at : one.at+p.Floats()]
	}
	if r.shards > 1 {
		kernel.Scale(one.sum, 1/float32(r.shards))
	}
	return one.sum
}
