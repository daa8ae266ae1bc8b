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
type kerasFile map[string][]map[string]source

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
		if len(file[kind]) != len(convs) {
			return nil, nil, fmt.Errorf("has %d %s layers, Keras' InceptionV3 has %d", len(file[kind]), kind, len(convs))
		}
	}
	if len(file[kerasDense]) > 1 {
		return nil, nil, fmt.Errorf("has %d dense layers, of which none is sure to be the classifier; save the model without those added", len(file[kerasDense]))
	}
	mapped := map[string]source{}
	for i, layer := range convs {
		conv, norm := file[kerasConv][i], file[kerasNorm][i]
		mapped[layer+".conv.weight"] = hwio(conv["kernel"])
		for name, variable := range map[string]string{".bn.weight": "gamma", ".bn.bias": "beta", ".bn.running_mean": "moving_mean", ".bn.running_var": "moving_variance"} {
			if s, ok := norm[variable]; ok {
				mapped[layer+name] = s
			}
		}
	}
	for _, dense := range file[kerasDense] {
		mapped["fc.weight"], mapped["fc.bias"] = swapped(dense["kernel"]), dense["bias"]
	}
	return mapped, addGammas(mapped), nil
}

// readKeras sorts the tensors by layer.
func readKeras(all map[string]source) (kerasFile, error) {
	layers := map[string]map[int]map[string]source{}
	for name, s := range all {
		parts := kerasName.FindStringSubmatch(name)
		if parts == nil || strings.Contains(name, "optimizer") {
			continue
		}
		kind, number := parts[1], -1
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
	file := kerasFile{}
	for kind, numbered := range layers {
		var numbers []int
		for n := range numbered {
			numbers = append(numbers, n)
		}
		slices.Sort(numbers)
		for _, n := range numbers {
			variables, err := namedVars(kind, numbered[n])
			if err != nil {
				return nil, fmt.Errorf("%s layer %d: %w", kind, n, err)
			}
			file[kind] = append(file[kind], variables)
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
