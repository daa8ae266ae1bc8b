package convert

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// kerasName finds the layers in the names of Keras' files, numbered in the
// order of their making: conv2d_3/conv2d_3/kernel:0 in the older format,
// layers/conv2d_3/vars/0 in Keras 3's. The first may have no number.
var kerasName = regexp.MustCompile(`(?:^|/)(conv2d|batch_normalization|predictions|dense)(?:_v1)?(?:_(\d+))?/` +
	`(?:.*/)?(kernel|beta|gamma|moving_mean|moving_variance|bias|vars/\d+)(?::0)?$`)

// kerasAside are parts of paths under which no layer's weights lie.
var kerasAside = regexp.MustCompile(
	`(?:^|/)(optimizer|optimizer_weights|seed_generator|metrics|compile_metrics|top_level_model_weights)/`)

// The kinds of Keras' layers that hold weights.
const (
	kerasConv  = "conv2d"
	kerasNorm  = "batch_normalization"
	kerasDense = "dense"
)

// kerasVars names the variables that Keras 3 only numbers, by kind of layer
// and how many it has.
var kerasVars = map[string]map[int][]string{
	kerasConv:  {1: {"kernel"}, 2: {"kernel", "bias"}},
	kerasNorm:  {3: {"beta", "moving_mean", "moving_variance"}, 4: {"gamma", "beta", "moving_mean", "moving_variance"}},
	kerasDense: {1: {"kernel"}, 2: {"kernel", "bias"}},
}

// kerasParams are our names of a layer's variables.
var kerasParams = map[string]map[string]string{
	kerasConv: {"kernel": "conv.weight", "bias": "conv.bias"},
	kerasNorm: {
		"gamma": "bn.weight", "beta": "bn.bias",
		"moving_mean": "bn.running_mean", "moving_variance": "bn.running_var",
	},
	kerasDense: {"kernel": "weight", "bias": "bias"},
}

// kerasLayer is a layer that holds weights.
type kerasLayer struct {
	path   string // of its group in the file
	kind   string
	number int
	vars   map[string]source
}

// kerasFeatures is what the classifier of Keras' InceptionV3 sees.
const kerasFeatures = 2048

// fromKeras names the tensors of keras.applications' InceptionV3, alone or
// inside of a larger model. Its layers are made in the order in which
// torchvision declares them, without auxiliary head; its batch norm has no
// gamma.
func fromKeras(all map[string]source) (t translation, err error) {
	layers, strange, numbered := kerasLayers(all)
	convs, err := plainConvs()
	if err != nil {
		return t, err
	}
	network := kerasNetwork(layers)
	if err := enoughLayers(network, len(convs)); err != nil {
		return t, err
	}
	if numbered {
		convs = asListed(convs)
	}
	t.tensors = map[string]source{}
	paths := map[string]string{}
	taken := map[string]bool{}
	take := func(layer string, l kerasLayer) {
		taken[l.path] = true
		for name, s := range l.named() {
			ours, ok := kerasParams[l.kind][name]
			switch {
			case !ok:
				t.tensors[s.name] = s // for the comparison with the network to say
				continue
			case l.kind == kerasConv && name == "kernel":
				s = hwio(s)
			case l.kind == kerasDense && name == "kernel":
				s = swapped(s)
			}
			t.tensors[layer+"."+ours] = s
		}
		for name, ours := range kerasParams[l.kind] {
			paths[layer+"."+ours] = l.path + " " + name
		}
	}
	for i, layer := range convs {
		take(layer, network[kerasConv][i])
		take(layer, network[kerasNorm][i])
	}
	if head := slices.DeleteFunc(layers, func(l kerasLayer) bool { return taken[l.path] }); len(head)+len(strange) > 0 {
		if len(strange) == 0 && len(head) == 1 && head[0].isClassifier() {
			take("fc", head[0])
		} else {
			t.noHead = true
			left := strings.Join(pathsOf(head, strange), ", ")
			t.notes = append(t.notes, "left out a classifier that is not Keras' own: "+left)
		}
	}
	t.theirs = func(name string) string { return cmp.Or(paths[name], "predictions") }
	t.notes = append(t.notes, addGammas(t.tensors)...)
	return t, nil
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

// kerasLayers sorts the tensors by layer, the layers by path and number.
// strange are the names of what belongs to layers of other kinds. numbered is
// set for Keras 3's format, which counts the layers of a kind anew as
// model.layers lists them; else their own numbers are kept.
func kerasLayers(all map[string]source) (layers []kerasLayer, strange []string, numbered bool) {
	byPath := map[string]kerasLayer{}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if kerasAside.MatchString(name) {
			continue
		}
		at := kerasName.FindStringSubmatchIndex(name)
		if at == nil {
			strange = append(strange, name)
			continue
		}
		l := kerasLayer{kind: name[at[2]:at[3]], path: name[:at[3]], vars: map[string]source{}}
		if at[4] >= 0 {
			l.path = name[:at[5]]
			l.number, _ = strconv.Atoi(name[at[4]:at[5]])
		}
		if l.kind == "predictions" {
			l.kind = kerasDense
		}
		if known, ok := byPath[l.path]; ok {
			l = known
		}
		variable := name[at[6]:at[7]]
		numbered = numbered || strings.HasPrefix(variable, "vars/")
		l.vars[variable] = all[name]
		byPath[l.path] = l
	}
	layers = slices.SortedFunc(maps.Values(byPath), func(a, b kerasLayer) int {
		return cmp.Or(cmp.Compare(a.parent(), b.parent()), cmp.Compare(a.number, b.number), cmp.Compare(a.path, b.path))
	})
	return layers, strange, numbered
}

// parent returns the path of the model that a layer is in.
func (l kerasLayer) parent() string { return l.path[:strings.LastIndex(l.path, "/")+1] }

// named returns the variables by name.
func (l kerasLayer) named() map[string]source {
	named := map[string]source{}
	names := kerasVars[l.kind][len(l.vars)]
	for _, key := range slices.Sorted(maps.Keys(l.vars)) {
		s := l.vars[key]
		if number, ok := strings.CutPrefix(key, "vars/"); ok {
			if n, err := strconv.Atoi(number); err == nil && n < len(names) {
				key = names[n]
			}
		}
		named[key] = s
	}
	return named
}

// isClassifier reports whether a layer takes the place of Keras' predictions.
func (l kerasLayer) isClassifier() bool {
	vars := l.named()
	kernel, ok1 := vars["kernel"]
	_, ok2 := vars["bias"]
	return l.kind == kerasDense && ok1 && ok2 && len(kernel.shape) == 2 && kernel.shape[0] == kerasFeatures
}

// kerasNetwork returns the layers, by kind, of the model that has the most
// convolutions: what stands beside and around it is others' work.
func kerasNetwork(layers []kerasLayer) map[string][]kerasLayer {
	var most map[string][]kerasLayer
	models := map[string]map[string][]kerasLayer{}
	for _, l := range layers {
		model := models[l.parent()]
		if model == nil {
			model = map[string][]kerasLayer{}
			models[l.parent()] = model
		}
		model[l.kind] = append(model[l.kind], l)
		if most == nil || len(model[kerasConv]) > len(most[kerasConv]) {
			most = model
		}
	}
	return most
}

// enoughLayers returns an error if a network has too few layers of a kind, and says which
// are missing where their numbers tell.
func enoughLayers(network map[string][]kerasLayer, want int) error {
	var errs []error
	for _, kind := range []string{kerasConv, kerasNorm} {
		layers := network[kind]
		if len(layers) >= want {
			continue
		}
		text := fmt.Sprintf("has %d of the %d %s layers of Keras' InceptionV3", len(layers), want, kind)
		if missing := gaps(layers, want); len(missing) > 0 {
			text += "; missing: " + strings.Join(missing, ", ")
		}
		errs = append(errs, errors.New(text))
	}
	return errors.Join(errs...)
}

// gaps names the layers that are missing between the first and the last.
func gaps(layers []kerasLayer, want int) (missing []string) {
	if len(layers) == 0 {
		return nil
	}
	first, last := layers[0].number, layers[len(layers)-1].number
	if last-first > 2*want { // numbers of more than one model
		return nil
	}
	has := map[int]bool{}
	for _, l := range layers {
		has[l.number] = true
	}
	for n := first; n < last; n++ {
		if !has[n] {
			missing = append(missing, fmt.Sprintf("%s_%d", layers[0].kind, n))
		}
	}
	return missing
}

// pathsOf lists layers and other tensors for people.
func pathsOf(layers []kerasLayer, names []string) (paths []string) {
	for _, l := range layers {
		paths = append(paths, l.path)
	}
	return append(paths, names...)
}
