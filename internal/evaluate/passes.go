package evaluate

import (
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/inception-go/inception/internal/cluster"
	"github.com/inception-go/inception/internal/dataset"
)

// passes are what a network gives for the batches of a set, in order. The ranks
// of a cluster share the work: batch n is that of rank n modulo their number,
// which sends what the network gives to rank 0. So rank 0 has the results of one
// process, to the last bit; the others have the labels alone.
type passes struct {
	cluster *cluster.Cluster
	batches *dataset.Batches // this rank's
	run     func(*dataset.Batch) (results, error)
	left    int    // batches that no rank has run
	round   []pass // those that all ranks have run together and nobody has asked for
}

// pass is one batch and what the network gives for it.
type pass struct {
	labels, indices []int
	skipped         []error
	damaged         []error // that were used as far as they go
	results         results // without rows on other ranks than 0
}

// startPasses begins to read the images of set.
func startPasses(
	ctx context.Context, set dataset.Set, o RunOptions, run func(*dataset.Batch) (results, error),
) *passes {
	loader, ranks := o.loader(set), o.Cluster.Size()
	p := &passes{cluster: o.Cluster, run: run, left: loader.BatchesPerEpoch()}
	if ranks > 1 {
		loader = loader.Of(func(batch int) bool { return batch%ranks == o.Cluster.Rank() })
	}
	p.batches = loader.Epoch(ctx, 0, 0)
	return p
}

func (p *passes) close() { p.batches.Close() }

// next returns the next pass, or io.EOF after the last.
func (p *passes) next() (pass, error) {
	if p.cluster.Size() == 1 {
		return p.own()
	}
	if len(p.round) == 0 {
		if p.left == 0 {
			return pass{}, io.EOF
		}
		if err := p.together(); err != nil {
			return pass{}, err
		}
	}
	next := p.round[0]
	p.round = p.round[1:]
	return next, nil
}

// own runs this rank's next batch.
func (p *passes) own() (pass, error) {
	b, err := p.batches.Next()
	if err != nil {
		return pass{}, err
	}
	r, err := p.run(b)
	return pass{b.Labels, b.Indices, b.Skipped, b.Damaged, r}, err
}

// header is what all ranks learn of a pass.
type header struct {
	Labels, Indices        []int
	Skipped, Damaged       []dataset.Harm
	Failed                 string
	Rows, Logits, Features int
	Shape                  []int
}

// together makes each rank run a batch, as far as there are any. An error of one
// is one for all.
func (p *passes) together() error {
	ranks := min(p.left, p.cluster.Size())
	p.left -= ranks
	var one pass
	var failed error
	if p.cluster.Rank() < ranks {
		one, failed = p.own()
	}
	headers, err := exchange(p.cluster, one, failed)
	if err != nil {
		return err
	}
	p.round = nil
	for rank, h := range headers[:ranks] {
		other := one
		if rank != p.cluster.Rank() {
			other = h.pass()
		}
		if rank > 0 {
			if err := p.deliver(rank, h, &other.results); err != nil {
				return err
			}
		}
		if p.cluster.Rank() > 0 {
			other.results = results{}
		}
		p.round = append(p.round, other)
	}
	return nil
}

// deliver moves the results of a rank to rank 0.
func (p *passes) deliver(rank int, h header, r *results) error {
	switch p.cluster.Rank() {
	case rank:
		return p.cluster.SendFloats(0, slices.Concat(r.logits, r.features))
	case 0:
		values := make([]float32, h.Logits+h.Features)
		if err := p.cluster.ReceiveFloats(rank, values); err != nil {
			return err
		}
		*r = results{rows: h.Rows, shape: h.Shape, logits: values[:h.Logits], features: values[h.Logits:]}
	}
	return nil
}

// exchange gives every rank the headers of all.
func exchange(c *cluster.Cluster, own pass, failed error) ([]header, error) {
	h := header{
		Labels: own.labels, Indices: own.indices, Skipped: dataset.Harms(own.skipped), Damaged: dataset.Harms(own.damaged),
		Rows:   own.results.rows,
		Logits: len(own.results.logits), Features: len(own.results.features), Shape: own.results.shape,
	}
	if failed != nil {
		h.Failed = failed.Error()
	}
	var data bytes.Buffer
	if err := gob.NewEncoder(&data).Encode(h); err != nil {
		return nil, err
	}
	all, err := c.AllGather(data.Bytes())
	if err != nil {
		return nil, err
	}
	headers := make([]header, len(all))
	for rank, data := range all {
		if err := gob.NewDecoder(bytes.NewReader(data)).Decode(&headers[rank]); err != nil {
			return nil, fmt.Errorf("%s: %w", c.Name(rank), err)
		}
		if text := headers[rank].Failed; text != "" && failed == nil {
			failed = fmt.Errorf("%s: %s", c.Name(rank), text)
		}
	}
	return headers, failed
}

// pass returns a header as a pass without results.
func (h header) pass() pass {
	return pass{
		labels: h.Labels, indices: h.Indices,
		skipped: dataset.ImageErrors(h.Skipped), damaged: dataset.ImageErrors(h.Damaged),
	}
}

// tell gives the figures of rank 0's result to all ranks, and its error.
func tell(c *cluster.Cluster, r Result, failed error) (Result, error) {
	if c.Size() == 1 {
		return r, failed
	}
	type figures struct {
		Images                       int
		Top1, Top5, Loss, ImagesPerS float64
		Failed                       string
	}
	f := figures{Images: r.Images, Top1: r.Top1, Top5: r.Top5, Loss: r.Loss, ImagesPerS: r.ImagesPerS}
	if failed != nil {
		f.Failed = failed.Error()
	}
	var data bytes.Buffer
	if err := gob.NewEncoder(&data).Encode(f); err != nil {
		return r, err
	}
	text, err := c.Broadcast(data.Bytes())
	if err != nil || c.Rank() == 0 {
		return r, errors.Join(failed, err)
	}
	if err := gob.NewDecoder(bytes.NewReader(text)).Decode(&f); err != nil {
		return r, fmt.Errorf("%s: %w", c.Name(0), err)
	}
	if f.Failed != "" {
		return r, fmt.Errorf("%s: %s", c.Name(0), f.Failed)
	}
	r.Images, r.Top1, r.Top5, r.Loss, r.ImagesPerS = f.Images, f.Top1, f.Top5, f.Loss, f.ImagesPerS
	return r, nil
}
