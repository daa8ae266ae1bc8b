package cluster

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// AllGather gives every rank the data of all, by rank.
func (c *Cluster) AllGather(data []byte) ([][]byte, error) {
	all := make([][]byte, c.Size())
	all[c.Rank()] = data
	if c.Size() == 1 {
		return all, nil
	}
	tag := c.nextTag()
	first, rest := frame(data)
	var sent, got []*request
	frames := make([][]byte, c.Size())
	for i := range c.ranks {
		if i == c.rank {
			continue
		}
		frames[i] = make([]byte, frameBytes)
		got = append(got, c.receive(i, tag, message{bytes: frames[i]}))
		sent = append(sent, c.send(i, tag, message{bytes: first}))
		for piece := range slices.Chunk(rest, most) {
			sent = append(sent, c.send(i, tag+1, message{bytes: piece}))
		}
	}
	if err := c.wait(got...); err != nil {
		return nil, err
	}
	got = nil
	for i := range c.ranks {
		if i == c.rank {
			continue
		}
		var more []byte
		all[i], more = unframe(frames[i])
		for piece := range slices.Chunk(more, most) {
			got = append(got, c.receive(i, tag+1, message{bytes: piece}))
		}
	}
	return all, c.wait(append(got, sent...)...)
}

// AllGatherFloats gives every rank the values of all, by rank: as many of each.
func (c *Cluster) AllGatherFloats(values []float32) ([][]float32, error) {
	all := make([][]float32, c.Size())
	all[c.Rank()] = values
	if c.Size() == 1 {
		return all, nil
	}
	tag := c.nextTag()
	var requests []*request
	for i := range c.ranks {
		if i != c.rank {
			all[i] = make([]float32, len(values))
			requests = append(requests, c.receive(i, tag, message{floats: all[i]}), c.send(i, tag, message{floats: values}))
		}
	}
	return all, c.wait(requests...)
}

// Broadcast gives every rank the data of rank 0.
func (c *Cluster) Broadcast(data []byte) ([]byte, error) {
	if c.Size() == 1 {
		return data, nil
	}
	first, rest := frame(data)
	if err := c.spread(message{bytes: first}); err != nil {
		return nil, err
	}
	if c.rank > 0 {
		data, rest = unframe(first)
	}
	for piece := range slices.Chunk(rest, most) {
		if err := c.spread(message{bytes: piece}); err != nil {
			return nil, err
		}
	}
	return data, nil
}

// spread passes rank 0's message on by a binomial tree.
func (c *Cluster) spread(m message) error {
	tag := c.nextTag()
	if c.rank > 0 {
		if err := c.wait(c.receive(c.rank&(c.rank-1), tag, m)); err != nil {
			return err
		}
	}
	reach := 1
	for reach < c.Size() && c.rank&reach == 0 {
		reach *= 2
	}
	var sent []*request
	for reach /= 2; reach > 0; reach /= 2 {
		if to := c.rank + reach; to < c.Size() {
			sent = append(sent, c.send(to, tag, m))
		}
	}
	return c.wait(sent...)
}

// SendFloats sends values to a rank, which must ReceiveFloats as many.
func (c *Cluster) SendFloats(to int, values []float32) error {
	return c.wait(c.send(to, streamTag, message{floats: values}))
}

// ReceiveFloats overwrites values with the next ones that a rank has sent here.
func (c *Cluster) ReceiveFloats(from int, values []float32) error {
	return c.wait(c.receive(from, streamTag, message{floats: values}))
}

// BroadcastFloats overwrites every rank's values with those of rank 0.
func (c *Cluster) BroadcastFloats(values []float32) error {
	if c.Size() == 1 {
		return nil
	}
	return c.spread(message{floats: values})
}

// Agree returns nil if no rank has an error; else this rank's own or, if it has
// none, that of the first rank that has one, in words.
func (c *Cluster) Agree(own error) error {
	if c.Size() == 1 {
		return own
	}
	var text []byte
	if own != nil {
		text = []byte(own.Error())
	}
	all, err := c.AllGather(text)
	if err != nil {
		return err
	}
	if own != nil {
		return own
	}
	if i := slices.IndexFunc(all, func(text []byte) bool { return len(text) > 0 }); i >= 0 {
		return fmt.Errorf("%s: %s", c.Name(i), all[i])
	}
	return nil
}

func frame(data []byte) (first, rest []byte) {
	first = make([]byte, frameBytes)
	binary.LittleEndian.PutUint64(first, uint64(len(data)))
	if n := copy(first[8:], data); n < len(data) {
		rest = data[n:]
	}
	return first, rest
}

// unframe returns the data of a first message, and what of its memory a second
// one fills.
func unframe(first []byte) (data, rest []byte) {
	n := binary.LittleEndian.Uint64(first)
	if n <= frameBytes-8 {
		return first[8 : 8+n], nil
	}
	data = make([]byte, n)
	return data, data[copy(data, first[8:]):]
}
