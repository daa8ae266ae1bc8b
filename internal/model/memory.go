package model

// Memory is what a network's activations take.
type Memory struct {
	Bytes    int64 // of their arena
	Unshared int64 // if no buffer's memory were used again
}

// PlannedMemory builds a network for batches of that many images in that mode
// and returns what its activations would take; weights and their gradients come on
// top. It runs nothing.
func PlannedMemory(spec Spec, batch int, mode Mode, precision Precision) (Memory, error) {
	w, err := ZeroWeights(spec)
	if err != nil {
		return Memory{}, err
	}
	net, err := Build(spec, w, batch, mode, Options{Precision: precision})
	if err != nil {
		return Memory{}, err
	}
	defer net.Close()
	return Memory{Bytes: net.Plan.Bytes, Unshared: net.Plan.Unshared}, nil
}
