package weights

import (
	"fmt"
	"strings"

	"github.com/inception-go/inception/internal/model"
)

// slimNetwork is what one of slim's networks is called in checkpoints.
type slimNetwork struct {
	scope    string
	variant  string                       // ours
	branches map[string]map[string]string // slim's names of the layers of each kind of module, by torchvision's
	quirks   map[string]string            // layers whose names follow no rule
}

// slimV3 has the names of the released code, nets/inception_v3.py.
var slimV3 = slimNetwork{scope: "InceptionV3/", variant: model.V3, branches: slimBranches, quirks: slimQuirks}

var slimBranches = map[string]map[string]string{
	"Mixed_5": {
		"branch1x1": "Branch_0/Conv2d_0a_1x1", "branch5x5_1": "Branch_1/Conv2d_0a_1x1", "branch5x5_2": "Branch_1/Conv2d_0b_5x5",
		"branch3x3dbl_1": "Branch_2/Conv2d_0a_1x1", "branch3x3dbl_2": "Branch_2/Conv2d_0b_3x3", "branch3x3dbl_3": "Branch_2/Conv2d_0c_3x3",
		"branch_pool": "Branch_3/Conv2d_0b_1x1",
	},
	"Mixed_6a": {
		"branch3x3": "Branch_0/Conv2d_1a_1x1", "branch3x3dbl_1": "Branch_1/Conv2d_0a_1x1",
		"branch3x3dbl_2": "Branch_1/Conv2d_0b_3x3", "branch3x3dbl_3": "Branch_1/Conv2d_1a_1x1",
	},
	"Mixed_6": {
		"branch1x1": "Branch_0/Conv2d_0a_1x1", "branch7x7_1": "Branch_1/Conv2d_0a_1x1",
		"branch7x7_2": "Branch_1/Conv2d_0b_1x7", "branch7x7_3": "Branch_1/Conv2d_0c_7x1",
		"branch7x7dbl_1": "Branch_2/Conv2d_0a_1x1", "branch7x7dbl_2": "Branch_2/Conv2d_0b_7x1", "branch7x7dbl_3": "Branch_2/Conv2d_0c_1x7",
		"branch7x7dbl_4": "Branch_2/Conv2d_0d_7x1", "branch7x7dbl_5": "Branch_2/Conv2d_0e_1x7", "branch_pool": "Branch_3/Conv2d_0b_1x1",
	},
	"Mixed_7a": {
		"branch3x3_1": "Branch_0/Conv2d_0a_1x1", "branch3x3_2": "Branch_0/Conv2d_1a_3x3", "branch7x7x3_1": "Branch_1/Conv2d_0a_1x1",
		"branch7x7x3_2": "Branch_1/Conv2d_0b_1x7", "branch7x7x3_3": "Branch_1/Conv2d_0c_7x1", "branch7x7x3_4": "Branch_1/Conv2d_1a_3x3",
	},
	"Mixed_7": {
		"branch1x1": "Branch_0/Conv2d_0a_1x1", "branch3x3_1": "Branch_1/Conv2d_0a_1x1",
		"branch3x3_2a": "Branch_1/Conv2d_0b_1x3", "branch3x3_2b": "Branch_1/Conv2d_0c_3x1",
		"branch3x3dbl_1": "Branch_2/Conv2d_0a_1x1", "branch3x3dbl_2": "Branch_2/Conv2d_0b_3x3",
		"branch3x3dbl_3a": "Branch_2/Conv2d_0c_1x3", "branch3x3dbl_3b": "Branch_2/Conv2d_0d_3x1", "branch_pool": "Branch_3/Conv2d_0b_1x1",
	},
	"AuxLogits": {"conv0": "Conv2d_1b_1x1", "conv1": "Conv2d_2a_5x5", "fc": "Conv2d_2b_1x1"},
}

var slimQuirks = map[string]string{
	"Mixed_5c.branch5x5_1":  "Mixed_5c/Branch_1/Conv2d_0b_1x1",
	"Mixed_5c.branch5x5_2":  "Mixed_5c/Branch_1/Conv_1_0c_5x5",
	"Mixed_7b.branch3x3_2b": "Mixed_7b/Branch_1/Conv2d_0b_3x1",
	"fc":                    "Logits/Conv2d_1c_1x1",
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
	"depthwise.weight": "depthwise_weights", "pointwise.weight": "pointwise_weights", "pointwise.bias": "biases", // of separable convolutions
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
	return source{s.name, shape, func() ([]float32, error) {
		values, err := s.read()
		if err != nil {
			return nil, err
		}
		return values[len(values)/withBackground:], nil
	}}, true
}
