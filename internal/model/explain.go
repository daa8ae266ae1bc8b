package model

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/inception-go/inception/internal/ops"
	"github.com/inception-go/inception/internal/spelling"
	"gorgonia.org/gorgonia"
)

// AnyAux as Options.Head stands for the only or the later auxiliary head.
const AnyAux = "aux"

// errNoAux says that weights lack what Options.Head asks for.
var errNoAux = errors.New("the network has no auxiliary head")

// differentiateScore makes the chosen head's logits those of the network, and
// adds the gradients of their score by the layers of o.Keep.
func (n *Network) differentiateScore(o Options) error {
	if err := n.answerBy(o.Head); err != nil {
		return err
	}
	if len(o.Keep) == 0 {
		return nil
	}
	score, err := ops.Score("explain", n.out.logits, n.Spec.Classes, &n.choose)
	if err != nil {
		return err
	}
	n.losses = gorgonia.Nodes{score}
	var wrt gorgonia.Nodes
	for _, name := range o.Keep {
		node, err := n.point(name)
		if err != nil {
			return err
		}
		if !ops.DependsOn(n.out.logits, node) {
			return fmt.Errorf("%s: the answer of this head does not depend on it; the last module that it sees is %s",
				name, n.lastPoint())
		}
		if len(node.Shape()) != 5 || node == n.out.logits {
			return fmt.Errorf("%s: is not a map of the picture", name)
		}
		wrt = append(wrt, node)
	}
	grads, err := ops.Gradients(n.losses, []float32{1}, wrt)
	if err != nil {
		return err
	}
	n.points = map[string]*gorgonia.Node{}
	for i, name := range o.Keep {
		n.points[name] = grads[i]
	}
	return nil
}

// answerBy replaces the logits by those of an auxiliary head; of the main head
// they stay.
func (n *Network) answerBy(head string) error {
	if head == "" {
		return nil
	}
	if len(n.out.aux) == 0 {
		return NameError{errNoAux}
	}
	var names []string
	for _, logits := range n.out.aux {
		name := ops.PlaceOf(logits).Module
		if head == AnyAux || head == name {
			n.out.logits = logits
			return nil
		}
		names = append(names, name)
	}
	return NameError{fmt.Errorf("no auxiliary head is called %q; there is %s%s", head, strings.Join(names, " and "),
		spelling.Suggest(head, append(names, AnyAux)))}
}

// lastPoint returns the last module on the way to the logits that ends in a map
// of several pixels: the last grid.
func (n *Network) lastPoint() string { return n.LastGrid(1) }

// LastGrid returns the last module on the way to the logits whose grid has at least so
// many pixels a side; where there is none, the last of those with the largest.
func (n *Network) LastGrid(side int) (name string) {
	largest := 0
	for _, module := range slices.Backward(n.out.order) {
		node := n.out.points[module]
		if !ops.DependsOn(n.out.logits, node) {
			continue
		}
		pixels := min(node.Shape()[2], node.Shape()[3])
		if pixels >= side {
			return module
		}
		if pixels > largest {
			name, largest = module, pixels
		}
	}
	return name
}

// Score runs a network of mode Explain on images, as Forward does.
// choose says for each image which direction of its logits PointGradient is of.
func (n *Network) Score(images []float32, choose ops.Direction) error {
	n.choose = choose
	return n.Forward(images)
}

// PointGradient returns the derivatives of each image's score in the last run by
// the output of a module or layer of Options.Keep, in the shape of Point.
func (n *Network) PointGradient(name string) []float32 {
	return ops.Planar(n.points[name])
}
