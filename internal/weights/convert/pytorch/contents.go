package pytorch

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/inception-go/inception/internal/weights/element"
)

// Contents is what a file holds.
type Contents struct {
	Dicts []StateDict // in the order of the file, outer ones first
	Model string      // the class of a whole pickled model; empty if there is none
	Keys  []string    // of the outermost dict
	Notes []string
	About []byte // what Write put beside the state dict
}

// StateDict is a dict that has tensors, anywhere in a file.
type StateDict struct {
	Path    []string // the keys that lead to it
	Tensors []element.Tensor
	Inside  string // the class of an object that it is an attribute of, and that is not known here
}

// contents looks for state dicts in what was saved.
func contents(root any) (*Contents, error) {
	s := &search{left: maxSteps, seen: map[any]bool{}}
	s.walk(root, nil, "")
	if d, ok := root.(*dict); ok {
		for _, p := range d.pairs {
			s.found.Keys = append(s.found.Keys, keyText(p.key))
		}
	}
	switch found := s.found; {
	case s.left < 0:
		return nil, fmt.Errorf("holds more than %d values; save the state dict alone", maxSteps)
	case slices.ContainsFunc(found.Dicts, func(d StateDict) bool { return d.Inside == "" }):
		return &found, nil
	case found.Model != "":
		return nil, WholeModel(found.Model)
	case len(found.Dicts) > 0:
		return &found, nil
	}
	d, ok := root.(*dict)
	if !ok {
		return nil, fmt.Errorf("holds %s, not a state dict", describe(root))
	}
	var keys []string
	for _, p := range d.pairs[:min(len(d.pairs), 10)] {
		keys = append(keys, describe(p.key))
	}
	return nil, fmt.Errorf("holds no state dict; its keys: %s", strings.Join(keys, ", "))
}

// WholeModel says what to do with a file in which a model was pickled.
func WholeModel(class string) error {
	return fmt.Errorf("names the class %s: this is a whole pickled model, not a state dict; in Python, save "+
		"torch.save(model.state_dict(), ...) and import that", class)
}

// maxPath bounds how deep state dicts are looked for.
const maxPath = 32

// search walks the values of a pickle. A value that is shared is visited once.
type search struct {
	found Contents
	left  int // how many more values may be visited: tuples of tuples are longer than their pickle
	seen  map[any]bool
}

func (s *search) walk(v any, path []string, inside string) {
	if s.left--; s.left < 0 || len(path) > maxPath {
		return
	}
	switch v := v.(type) {
	case *dict:
		if s.first(v) {
			s.pairs(v.pairs, path, inside)
		}
	case *list:
		if s.first(v) {
			s.items(v.items, path, inside)
		}
	case tuple:
		s.items(v, path, inside)
	case class:
		s.name(v)
	case *object:
		if s.first(v) {
			s.object(v, path, inside)
		}
	}
}

// first reports whether a value is met for the first time.
func (s *search) first(v any) bool {
	met := s.seen[v]
	s.seen[v] = true
	return !met
}

// pairs takes the tensors of a dict, and looks into its other values.
func (s *search) pairs(pairs []pair, path []string, inside string) {
	var tensors []element.Tensor
	whole := false
	for _, p := range pairs {
		name, ok := p.key.(string)
		if !ok {
			continue
		}
		switch v := p.value.(type) {
		case *tensor:
			tensors = append(tensors, v.named(name))
			whole = true
		case *object:
			tensors = append(tensors, element.Tensor{Name: name, Refused: v.refused()})
			whole = whole || v.isTensor()
		}
	}
	if whole {
		s.found.Dicts = append(s.found.Dicts, StateDict{slices.Clone(path), tensors, inside})
	}
	for _, p := range pairs {
		s.walk(p.value, append(path, keyText(p.key)), inside)
	}
}

// keyText is a dict's key as a part of a path.
func keyText(key any) string {
	if name, ok := key.(string); ok {
		return name
	}
	return describe(key)
}

// items looks into a list. One of names with their tensors is a dict.
func (s *search) items(items []any, path []string, inside string) {
	var pairs []pair
	for i, item := range items {
		if kv, ok := item.(tuple); ok && len(kv) == 2 {
			_, named := kv[0].(string)
			if _, ok := kv[1].(*tensor); ok && named {
				pairs = append(pairs, pair{kv[0], kv[1]})
				continue
			}
		}
		s.walk(item, append(path, fmt.Sprint(i)), inside)
	}
	s.pairs(pairs, path, inside)
}

// plainObjects are classes whose attributes are all that there is to them.
var plainObjects = []string{"argparse.Namespace", "types.SimpleNamespace", "collections.UserDict"}

// object looks into a call that was not made. The items of a dict or list of
// a class of somebody's own are taken as they are; of what lies in arguments
// and attributes only the class knows the meaning.
func (s *search) object(o *object, path []string, inside string) {
	s.name(o.class)
	s.pairs(o.dict.pairs, path, inside)
	s.items(o.list.items, path, inside)
	if !slices.Contains(plainObjects, o.class.String()) {
		inside = o.class.shown()
	}
	if o.isModel() && s.found.Model == "" {
		s.found.Model = o.class.shown()
	}
	s.walk(o.args, path, inside)
	s.walk(o.state, path, inside)
}

// dangerous are modules whose functions no checkpoint has a use for.
var dangerous = []string{"os", "posix", "nt", "subprocess", "sys", "shutil", "socket", "runpy", "importlib", "pty",
	"webbrowser", "ctypes", "urllib", "requests", "commands", "popen2", "code", "pickle", "_pickle"}

// name warns of a class or function that would do harm in Python.
func (s *search) name(c class) {
	module, _, _ := strings.Cut(c.module, ".")
	builtin := (module == "builtins" || module == "__builtin__") &&
		slices.Contains([]string{"eval", "exec", "compile", "open", "execfile", "__import__"}, c.name)
	if !builtin && !slices.Contains(dangerous, module) {
		return
	}
	note := fmt.Sprintf("the file names %s, which Python would call and which no checkpoint needs; "+
		"nothing was executed, but do not load it with PyTorch", c.shown())
	if !slices.Contains(s.found.Notes, note) && len(s.found.Notes) < 10 {
		s.found.Notes = append(s.found.Notes, note)
	}
}

// isModel reports whether an object is a torch.nn.Module.
func (o *object) isModel() bool {
	d, ok := o.state.(*dict)
	return ok && slices.ContainsFunc(d.pairs, func(p pair) bool { return p.key == "_modules" })
}

// isTensor reports whether an object is a tensor of a kind that is not read.
func (o *object) isTensor() bool {
	return strings.HasPrefix(o.class.module, "torch") && strings.HasPrefix(o.class.name, "_rebuild_")
}

// refused says why an object is not taken for a tensor.
func (o *object) refused() error {
	const cure = "save the weights as plain float tensors"
	switch name := o.class.name; {
	case o.isTensor() && strings.Contains(name, "qtensor"):
		return fmt.Errorf("is a quantised tensor (%s), which is not read; %s", o.class.shown(), cure)
	case o.isTensor() && strings.Contains(name, "sparse"):
		return fmt.Errorf("is a sparse tensor (%s), which is not read; %s", o.class.shown(), cure)
	case o.isTensor():
		return fmt.Errorf("is a tensor of a kind that is not read (%s); %s", o.class.shown(), cure)
	}
	return fmt.Errorf("is an object of the class %s, which is not known here and was not executed; %s",
		o.class.shown(), cure)
}

// named returns a view under its name.
func (t *tensor) named(name string) element.Tensor {
	n := element.Tensor{Name: name, Shape: t.shape, Type: t.storage.kind, Bytes: t.bytes}
	if t.storage.kind == "" {
		n.Refused = errors.New("has elements of torch." + t.storage.class + ", which are not read")
	}
	return n
}
