package weights

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// kerasName finds the layers in the names of Keras' files, numbered in the
// order of their making: conv2d_3/conv2d_3/kernel:0 in the older format,
// layers/conv2d_3/vars/0 in Keras 3's. The first may have no number.
var kerasName = regexp.MustCompile(`(?:^|/)(conv2d|batch_normalization|predictions|dense)(?:_v1)?(?:_(\d+))?/(?:.*/)?(kernel|beta|gamma|moving_mean|moving_variance|bias|vars/\d+)(?::0)?$`)

// kerasVars names the variables that Keras 3 only numbers, by kind of layer
// and how many it has.
var kerasVars = map[string]map[int][]string{
	kerasConv:  {1: {"kernel"}, 2: {"kernel", "bias"}},
	kerasNorm:  {3: {"beta", "moving_mean", "moving_variance"}, 4: {"gamma", "beta", "moving_mean", "moving_variance"}},
	kerasDense: {2: {"kernel", "bias"}},
}

// The kinds of Keras' layers that hold weights.
const (
	kerasConv  = "conv2d"
	kerasNorm  = "batch_normalization"
	kerasDense = "dense"
)

// kerasFile is the layers of each kind in order, each its variables.
type kerasFile struct {
	layers map[string][]map[string]source
	// numbered is set for Keras 3's format, which counts the layers of a kind
	// anew as model.layers lists them; else their own numbers are kept.
	numbered bool
}

// fromKeras names the tensors of keras.applications' InceptionV3. Its layers
// are made in the order in which torchvision declares them, without auxiliary
// head; its batch norm has no gamma.
func fromKeras(all map[string]source) (map[string]source, []string, error) {
	file, err := readKeras(all)
	if err != nil {
		return nil, nil, err
	}
	convs, err := plainConvs()
	if err != nil {
		return nil, nil, err
	}
	for _, kind := range []string{kerasConv, kerasNorm} {
		if len(file.layers[kind]) != len(convs) {
			return nil, nil, fmt.Errorf("has %d %s layers, Keras' InceptionV3 has %d", len(file.layers[kind]), kind, len(convs))
		}
	}
	if len(file.layers[kerasDense]) > 1 {
		return nil, nil, fmt.Errorf("has %d dense layers, of which none is sure to be the classifier; save the model without those added", len(file.layers[kerasDense]))
	}
	if file.numbered {
		convs = asListed(convs)
	}
	mapped := map[string]source{}
	for i, layer := range convs {
		conv, norm := file.layers[kerasConv][i], file.layers[kerasNorm][i]
		mapped[layer+".conv.weight"] = hwio(conv["kernel"])
		for name, variable := range map[string]string{".bn.weight": "gamma", ".bn.bias": "beta", ".bn.running_mean": "moving_mean", ".bn.running_var": "moving_variance"} {
			if s, ok := norm[variable]; ok {
				mapped[layer+name] = s
			}
		}
	}
	for _, dense := range file.layers[kerasDense] {
		mapped["fc.weight"], mapped["fc.bias"] = swapped(dense["kernel"]), dense["bias"]
	}
	return mapped, addGammas(mapped), nil
}

// asListed returns the layers as model.layers lists them.
func asListed(layers []string) []string {
	var names []string
	for _, e := range kerasOrder(layers) {
		if !e.norm {
			names = append(names, layers[e.number])
		}
	}
	return names
}

// readKeras sorts the tensors by layer.
func readKeras(all map[string]source) (file kerasFile, err error) {
	layers := map[string]map[int]map[string]source{}
	for name, s := range all {
		parts := kerasName.FindStringSubmatch(name)
		if parts == nil || strings.Contains(name, "optimizer") {
			continue
		}
		kind, number := parts[1], -1
		file.numbered = file.numbered || strings.HasPrefix(parts[3], "vars/")
		if kind == "predictions" {
			kind = kerasDense
		}
		if parts[2] != "" {
			number, _ = strconv.Atoi(parts[2])
		}
		if layers[kind] == nil {
			layers[kind] = map[int]map[string]source{}
		}
		if layers[kind][number] == nil {
			layers[kind][number] = map[string]source{}
		}
		layers[kind][number][parts[3]] = s
	}
	file.layers = map[string][]map[string]source{}
	for kind, numbered := range layers {
		var numbers []int
		for n := range numbered {
			numbers = append(numbers, n)
		}
		slices.Sort(numbers)
		for _, n := range numbers {
			variables, err := namedVars(kind, numbered[n])
			if err != nil {
				return file, fmt.Errorf("%s layer %d: %w", kind, n, err)
			}
			file.layers[kind] = append(file.layers[kind], variables)
		}
	}
	return file, nil
}

// namedVars returns the variables of a layer by name, and makes sure of those
// that each kind must have.
func namedVars(kind string, variables map[string]source) (map[string]source, error) {
	named := map[string]source{}
	names := kerasVars[kind][len(variables)]
	for key, s := range variables {
		if number, ok := strings.CutPrefix(key, "vars/"); ok {
			n, err := strconv.Atoi(number)
			if err != nil || n >= len(names) {
				return nil, fmt.Errorf("has %d variables, which is no number for it", len(variables))
			}
			key = names[n]
		}
		named[key] = s
	}
	for _, needed := range map[string][]string{kerasConv: {"kernel"}, kerasNorm: {"beta", "moving_mean", "moving_variance"}, kerasDense: {"kernel", "bias"}}[kind] {
		if _, ok := named[needed]; !ok {
			return nil, fmt.Errorf("has no %s", needed)
		}
	}
	return named, nil
}
