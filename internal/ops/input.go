package ops

import (
	"fmt"
	"slices"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// imageName is the name of the node that Image makes.
const imageName = "image"

// Image makes the input node of a batch, [N][3][H][W], which Feed gives its memory.
func Image(g *gorgonia.ExprGraph, n, h, w int) *gorgonia.Node {
	return inputNode(g, imageName, tensor.Shape{n, 3, h, w}, nil)
}

// Feed makes images the memory of a node that Image made, without a copy: runs read them
// there until the next Feed.
func Feed(node *gorgonia.Node, images []float32) error {
	if want := node.Shape().TotalSize(); len(images) != want {
		return fmt.Errorf("images: %d values, the network takes %d", len(images), want)
	}
	return gorgonia.Let(node, backed(node.Shape(), images))
}

// ParamNode makes the input node of a parameter. It reads p.Data, so the next run
// sees what an optimizer writes there.
func ParamNode(g *gorgonia.ExprGraph, p *Param) *gorgonia.Node {
	return inputNode(g, p.Name, tensor.Shape{p.Floats()}, p.Data)
}

// ParamsNode makes one input node of several conv weights over the same input
// that are adjacent in memory: together they are the weights of one convolution
// with all their output channels.
func ParamsNode(g *gorgonia.ExprGraph, ps []*Param) (*gorgonia.Node, error) {
	if len(ps) == 1 {
		return ParamNode(g, ps[0]), nil
	}
	floats, name := 0, ""
	for _, p := range ps {
		floats += p.Floats()
		name += p.Name + " "
	}
	data := ps[0].Data
	if data != nil {
		if cap(data) < floats {
			return nil, fmt.Errorf("%s: weights are not adjacent in memory; allocate them as one group", name)
		}
		data = data[:floats]
		for i, at := 0, 0; i < len(ps); at, i = at+ps[i].Floats(), i+1 {
			if &data[at] != &ps[i].Data[0] {
				return nil, fmt.Errorf("%s: weights are not adjacent in memory; allocate them as one group", name)
			}
		}
	}
	return inputNode(g, name, tensor.Shape{floats}, data), nil
}

// AllocGroup gives the parameters adjacent, zeroed memory.
func AllocGroup(ps []*Param) {
	floats := 0
	for _, p := range ps {
		floats += p.Floats()
	}
	data := make([]float32, floats)
	for _, p := range ps {
		p.Data = data[:p.Floats()]
		data = data[p.Floats():]
	}
}

func inputNode(g *gorgonia.ExprGraph, name string, shape tensor.Shape, data []float32) *gorgonia.Node {
	options := []gorgonia.NodeConsOpt{gorgonia.WithShape(slices.Clone(shape)...), gorgonia.WithName(name)}
	if data != nil {
		options = append(options, gorgonia.WithValue(backed(shape, data)))
	}
	return gorgonia.NewTensor(g, tensor.Float32, shape.Dims(), options...)
}

func backed(shape tensor.Shape, data []float32) *tensor.Dense {
	return tensor.New(tensor.WithShape(shape.Clone()...), tensor.WithBacking(data))
}
