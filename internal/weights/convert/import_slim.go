package convert

import (
	"fmt"
	"strings"
)

// slimNetwork is what one of slim's networks is called in checkpoints.
type slimNetwork struct {
	scope    string
	variant  string                       // ours
	branches map[string]map[string]string // slim's names of the layers of each kind of module, by torchvision's
	quirks   map[string]string            // layers whose names follow no rule
}

// slimNetworkOf tells the network by the scope of a checkpoint's variables.
func slimNetworkOf(all map[string]source) *slimNetwork {
	for name := range all {
		if strings.HasPrefix(name, slimV2.scope) {
			return &slimV2
		}
	}
	return &slimV3
}

// layer returns slim's name of a layer of ours.
func (n *slimNetwork) layer(layer string) (string, error) {
	if quirk, ok := n.quirks[layer]; ok {
		return n.scope + quirk, nil
	}
	module, branch, inModule := strings.Cut(layer, ".")
	if !inModule {
		return n.scope + layer, nil // the stem's
	}
	for _, kind := range []string{module, module[:len(module)-1]} {
		if name, ok := n.branches[kind][branch]; ok {
			return n.scope + module + "/" + name, nil
		}
	}
	return "", fmt.Errorf("slim has no layer like %s", layer)
}

// slimVariables are slim's names of a layer's variables, by torchvision's.
var slimVariables = map[string]string{
	"conv.weight": "weights", "bn.weight": "BatchNorm/gamma", "bn.bias": "BatchNorm/beta",
	"bn.running_mean": "BatchNorm/moving_mean", "bn.running_var": "BatchNorm/moving_variance",
	"weight": "weights", "bias": "biases", // of classifiers, which are 1x1 convolutions
	// of separable convolutions
	"depthwise.weight": "depthwise_weights", "pointwise.weight": "pointwise_weights", "pointwise.bias": "biases",
}

// param returns slim's name of a parameter of ours.
func (n *slimNetwork) param(name string) string {
	for ours, theirs := range slimVariables {
		layer, ok := strings.CutSuffix(name, "."+ours)
		if scope, err := n.layer(layer); ok && err == nil {
			return scope + "/" + theirs
		}
	}
	return name
}

// fromSlim names the tensors of a checkpoint of TensorFlow's slim. The
// variables of optimizers and averages hang beneath those that they belong
// to, and stay aside like all outside of the network's scope. Slim's class 0
// of 1001 is background and is dropped.
func fromSlim(all map[string]source) (t translation, err error) {
	network := slimNetworkOf(all)
	layers, err := network.layers(all)
	if err != nil {
		return t, err
	}
	t = translation{tensors: map[string]source{}, theirs: network.param}
	used := map[string]bool{}
	background := false
	for _, layer := range layers {
		scope, err := network.layer(layer.name)
		if err != nil {
			return t, err
		}
		for ours, theirs := range slimVariables {
			s, ok := all[scope+"/"+theirs]
			if !ok || layer.head == strings.Contains(ours, ".") {
				continue
			}
			used[s.name] = true
			switch {
			case ours == "conv.weight" || ours == "pointwise.weight":
				s = hwio(s)
			case ours == "depthwise.weight":
				s = depthwise(s)
			case layer.head:
				var dropped bool
				s, dropped = withoutBackground(flat(hwio(s)))
				background = background || dropped
			}
			t.tensors[layer.name+"."+ours] = s
		}
	}
	for name, s := range all {
		if strings.HasPrefix(name, network.scope) && !used[name] && !used[name[:strings.LastIndex(name, "/")]] {
			t.tensors[name] = s // for the comparison with the network to say
		}
	}
	t.notes = settleGammas(network.variant, t.tensors)
	if background {
		t.notes = append(t.notes, "of 1001 classes the first, background, is dropped")
	}
	return t, nil
}

// layers lists the network's layers, with the auxiliary head if the file has
// one.
func (n *slimNetwork) layers(all map[string]source) ([]namedLayer, error) {
	_, aux := all[n.scope+"AuxLogits/Conv2d_1b_1x1/weights"]
	return layersOf(n.variant, aux)
}

// withoutBackground drops the first of 1001 rows.
func withoutBackground(s source) (_ source, dropped bool) {
	const withBackground = 1001
	if len(s.shape) == 0 || s.shape[0] != withBackground {
		return s, false
	}
	shape := append([]int{withBackground - 1}, s.shape[1:]...)
	return source{name: s.name, shape: shape, read: func() ([]float32, error) {
		values, err := s.read()
		if err != nil {
			return nil, err
		}
		return values[len(values)/withBackground:], nil
	}}, true
}
