package convert

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/ops"
	"github.com/inception-go/inception/internal/weights"
)

// counters are tensors that thop leaves in every layer.
var counters = regexp.MustCompile(`(^|\.)total_(ops|params)$`)

// besideHead is in the names of tensors that do not belong to a classifier.
var besideHead = regexp.MustCompile(`(?i)^[^.]*(criterion|loss|metric|optim)|(^|\.)(n_averaged|class_weights?)$`)

// fromTorchvision takes the names as they are, less the prefix of the
// network's. What stands outside of the network is left out, except a
// classifier.
func fromTorchvision(n network) (t translation, err error) {
	t.tensors = map[string]source{}
	outside := map[string]source{}
	for name, s := range n.tensors {
		if ours, ok := strings.CutPrefix(name, n.prefix); !ok {
			outside[name] = s
		} else if !counters.MatchString(ours) {
			t.tensors[ours] = s
		}
	}
	m, err := weights.Guess(t.shapes())
	if err != nil {
		return t, err
	}
	m.Spec.Classes = 1
	params, err := model.Parameters(m.Spec)
	if err != nil {
		return t, err
	}
	modules := map[string]bool{}
	for _, p := range params {
		modules[kindOf(p.Name)] = true
	}
	for name, s := range t.tensors {
		if !modules[kindOf(name)] {
			outside[n.prefix+name] = s
			delete(t.tensors, name)
		}
	}
	if err := t.refuse(params); err != nil {
		return t, err
	}
	t.settleHead(params, outside)
	if len(outside) > 0 {
		t.notes = append(t.notes, fmt.Sprintf("left out what is outside of the network: %s", someNames(outside)))
	}
	return t, nil
}

// kindOf is what modules of a kind are called alike: Mixed_ for Mixed_5b.
func kindOf(name string) string {
	module, _, _ := strings.Cut(name, ".")
	if at := strings.IndexAny(module, "0123456789"); at > 0 {
		return module[:at]
	}
	return module
}

// refuse returns an error if a tensor of the network is of a kind that is not
// read, and leaves out what is not of the network.
func (t *translation) refuse(params []*ops.Param) error {
	for _, p := range params {
		if s := t.tensors[p.Name]; s.refused != nil {
			return fmt.Errorf("tensor %q: %w", s.name, s.refused)
		}
	}
	for name, s := range t.tensors {
		if s.refused != nil {
			delete(t.tensors, name)
		}
	}
	return nil
}

// settleHead gives the network its classifier: its own, or a single linear
// layer under another name, which leaves outside then. If the file's is none
// of these, it is left out.
func (t *translation) settleHead(params []*ops.Param, outside map[string]source) {
	i := slices.IndexFunc(params, func(p *ops.Param) bool { return p.Head && !p.Aux && len(p.Shape) == 2 })
	layer, features := params[i].Layer, params[i].Shape[1]
	own := map[string]source{} // the tensors of the classifier by its own name
	for name, s := range t.tensors {
		if strings.HasPrefix(name, layer+".") {
			own[name] = s
			delete(t.tensors, name)
		}
	}
	from := own
	if len(own) == 0 {
		from = map[string]source{}
		for name, s := range outside {
			if !besideHead.MatchString(name) && !counters.MatchString(name) && s.refused == nil {
				from[name] = s
			}
		}
	}
	head := linearHead(from, features)
	if _, ok := own[layer+".bias"]; ok && len(own) == 2 && own[layer+".weight"].shape != nil {
		head = layer // whatever the shapes, which are for the comparison with the network to say
	}
	if s, ok := from[head+".weight"]; ok && len(s.shape) > 0 && follows(outside, s.shape[0], features) {
		head = ""
	}
	if head == "" {
		if left := related(from, own, features); len(left) > 0 {
			t.noHead = true
			t.notes = append(t.notes, "left out a classifier that is not torchvision's: "+someNames(left))
			for name := range left {
				delete(outside, name)
			}
		}
		return
	}
	if head != layer {
		t.notes = append(t.notes, fmt.Sprintf("the classifier is the linear layer %q", head))
	}
	for _, part := range []string{".weight", ".bias"} {
		t.tensors[layer+part] = flat(from[head+part])
		delete(outside, head+part)
	}
}

// linearHead returns the one layer of a classifier that is a matrix over the
// features with a bias; empty if there is none, or more than it.
func linearHead(from map[string]source, features int) (head string) {
	for name, s := range from {
		s = flat(s)
		layer, ok := strings.CutSuffix(name, ".weight")
		matrix := ok && len(s.shape) == 2 && s.shape[1] == features && s.shape[0] > 0
		switch bias := from[layer+".bias"].shape; {
		case matrix && head == "" && len(bias) == 1 && bias[0] == s.shape[0]:
			head = layer
		case matrix || strings.HasSuffix(name, ".weight") && slices.Contains(s.shape, features):
			return ""
		}
	}
	if head == "" {
		return ""
	}
	parent := head[:strings.LastIndex(head, ".")+1]
	for name, s := range from {
		// Another layer beside it in one Sequential, or after it.
		another := name != head+".weight" && name != head+".bias" && len(s.shape) > 0
		if another && parent != "" && strings.HasPrefix(name, parent) && sequential(head) {
			return ""
		}
	}
	return head
}

// sequential reports whether a layer is a numbered one of a Sequential.
func sequential(layer string) bool {
	last := layer[strings.LastIndex(layer, ".")+1:]
	return strings.Trim(last, "0123456789") == ""
}

// follows reports whether a matrix outside takes what a classifier gives.
func follows(outside map[string]source, classes, features int) bool {
	for name, s := range outside {
		if strings.HasSuffix(name, ".weight") && len(s.shape) == 2 && s.shape[1] == classes && classes != features &&
			!besideHead.MatchString(name) {
			return true
		}
	}
	return false
}

// related returns the tensors of a classifier that is left out: the network's
// own if there is one, else the matrices over the features and what is beside
// them.
func related(from, own map[string]source, features int) map[string]source {
	if len(own) > 0 {
		return own
	}
	left := map[string]source{}
	for name, s := range from {
		if !slices.Contains(s.shape, features) {
			continue
		}
		module, _, _ := strings.Cut(name, ".")
		for other, s := range from {
			if strings.HasPrefix(other, module+".") {
				left[other] = s
			}
		}
	}
	return left
}

// someNames lists names for people, of many the first.
func someNames(all map[string]source) string {
	const most = 8
	names := sortedKeys(all)
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}

func sortedKeys(all map[string]source) (names []string) {
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
