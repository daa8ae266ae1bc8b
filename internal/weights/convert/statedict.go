package convert

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/weights/convert/pytorch"
)

// dict is a dict of tensors somewhere in a file. Most containers have one.
type dict struct {
	path    []string // the keys that lead to it
	inside  string   // the class of an object that is not known here and that it is an attribute of
	tensors map[string]source
}

// network is a set of tensors with the names of a network: a dict, or those
// names of it that begin alike.
type network struct {
	dict
	family  string
	prefix  string // of the network's names in the dict
	average bool   // beside the weights that a training goes on with
	tool    string // that evaluates the average; empty if none is known
}

// wrappers are what PyTorch puts into names, anywhere: torch.compile,
// FullyShardedDataParallel, activation checkpointing.
var wrappers = []string{"_orig_mod.", "_fsdp_wrapped_module.", "_checkpoint_wrapped_module."}

// unwrapped returns the tensors without what wrappers put into their names. Two that
// are then called the same are an error: either could be meant.
func unwrapped(all map[string]source) (map[string]source, []string, error) {
	cut, whole := map[string]source{}, map[string]string{}
	var notes []string
	var err error
	for _, wrapped := range slices.Sorted(maps.Keys(all)) {
		name := wrapped
		for _, w := range wrappers {
			if at := strings.Index(name, w); at == 0 || at > 0 && name[at-1] == '.' {
				name = strings.ReplaceAll(name, w, "")
				if note := fmt.Sprintf("removed %q from the names", w); !slices.Contains(notes, note) {
					notes = append(notes, note)
				}
			}
		}
		if other, taken := whole[name]; taken && err == nil {
			err = fmt.Errorf("its tensors %s and %s are both %s without what PyTorch's wrappers add; "+
				"remove the one that is not meant", other, wrapped, name)
		}
		cut[name], whole[name] = all[wrapped], wrapped
	}
	slices.Sort(notes)
	return cut, notes, err
}

// networks lists the networks of a dict, whose names are unwrapped.
func (d dict) networks() (all []network) {
	var prefixes []string
	for name := range d.tensors {
		for _, mark := range model.Marks() {
			prefix, ok := strings.CutSuffix(name, mark)
			if ok && (prefix == "" || strings.HasSuffix(prefix, ".")) && !slices.Contains(prefixes, prefix) {
				prefixes = append(prefixes, prefix)
			}
		}
	}
	slices.Sort(prefixes)
	for _, prefix := range prefixes {
		all = append(all, network{dict: d, family: Torchvision, prefix: prefix})
	}
	if family := otherFamily(d.tensors); len(all) == 0 && family != "" {
		all = append(all, network{dict: d, family: family})
	}
	if slashed := d.slashed(); len(all) == 0 && otherFamily(slashed) == Keras {
		d.tensors = slashed
		all = append(all, network{dict: d, family: Keras})
	}
	return all
}

// slashed returns the tensors under names with slashes, as Keras has them, for
// points, which its weights get in files of other tools.
func (d dict) slashed() map[string]source {
	all := map[string]source{}
	for name, s := range d.tensors {
		all[strings.ReplaceAll(name, ".", "/")] = s
	}
	return all
}

// otherFamily tells whose names these are, if they are not PyTorch's. Of a
// file with names of several families, the first in alphabetical order counts.
func otherFamily(all map[string]source) string {
	for _, name := range slices.Sorted(maps.Keys(all)) {
		switch {
		case strings.HasPrefix(name, slimV3.scope), strings.HasPrefix(name, slimV2.scope):
			return Slim
		case kerasName.MatchString(name):
			return Keras
		}
	}
	return ""
}

// name is what --key calls a network: the keys and the prefix, less what
// DataParallel adds.
func (n network) name() string {
	parts := slices.Clone(n.path)
	for part := range strings.SplitSeq(strings.TrimSuffix(n.prefix, "."), ".") {
		if part != "" && part != "module" {
			parts = append(parts, part)
		}
	}
	return cmp.Or(strings.Join(parts, "."), ".")
}

// called reports whether --key may mean a network: its name or an end or a
// beginning of it.
func (n network) called(key string) bool {
	return strings.HasSuffix(n.name(), "."+key) || strings.HasPrefix(n.name(), key+".") ||
		strings.TrimSuffix(n.prefix, ".") == strings.TrimSuffix(key, ".") && n.prefix != ""
}

// averaging is where a tool keeps an average of the weights and evaluates it.
type averaging struct {
	tool, average, raw string
	key                string // of the file, where the names alone do not tell
}

var averagings = []averaging{
	{tool: "timm", average: "state_dict_ema", raw: "state_dict"},
	{tool: "torchvision's training script", average: "model_ema", raw: "model"},
	{tool: "ema-pytorch", average: "ema_model", raw: "online_model"},
	{tool: "Lightning's WeightAveraging", average: "state_dict", raw: "current_model_state"},
	// MMEngine exchanges the two before it saves them.
	{tool: "MMEngine", average: "state_dict", raw: "ema_state_dict", key: "message_hub"},
}

// averageName is in the names of averages whose tool is not known.
var averageName = regexp.MustCompile(`(?i)(^|[._])(ema|swa|avg|averaged?|shadow|polyak|teacher)([._]|$)`)

// markAverages finds the averages among the networks of a file.
func (f *foreign) markAverages(all []network) {
	ends := func(n network, key string) bool {
		return n.name() == key || strings.HasSuffix(n.name(), "."+key) ||
			strings.HasPrefix(n.name(), key+".")
	}
	for i := range all {
		n := &all[i]
		n.average = averageName.MatchString(n.name())
		if outer, ok := strings.CutSuffix(n.prefix, "module."); ok {
			if _, ok := n.tensors[outer+"n_averaged"]; ok {
				n.average, n.tool = true, "PyTorch's AveragedModel"
			}
		}
	}
	for _, a := range averagings {
		if a.key != "" && !slices.Contains(f.keys, a.key) {
			continue
		}
		raw := slices.IndexFunc(all, func(n network) bool { return ends(n, a.raw) })
		average := slices.IndexFunc(all, func(n network) bool { return ends(n, a.average) && !ends(n, a.raw) })
		if raw >= 0 && average >= 0 {
			all[average].average, all[average].tool = true, a.tool
			all[raw].average, all[raw].tool = false, ""
		}
	}
}

// usualKeys are those under which training scripts keep a state dict, those
// that are likelier first.
var usualKeys = []string{"state_dict", "model_state_dict", "model", "net", "weights", "network", "module"}

// otherTensors is in the keys of dicts that have the names of parameters and
// are not weights.
var otherTensors = regexp.MustCompile(`(?i)optim|grad|momentum|exp_avg|(^|[._])opt([._]|$)`)

// rank orders the networks of a file: the lowest is taken.
func (n network) rank() int {
	rank := slices.Index(usualKeys, strings.Join(n.path[max(0, len(n.path)-1):], ""))
	if rank < 0 {
		rank = len(usualKeys)
	}
	faults := []bool{ // the worst comes last
		n.average && n.tool == "", n.tool == "", !n.hasStatistics(), otherTensors.MatchString(n.name()), n.inside != "",
	}
	for i, worse := range faults {
		if worse {
			rank += 100 << i
		}
	}
	return rank
}

// hasStatistics reports whether there is more than parameters: an average of
// these alone lacks batch norm's means.
func (n network) hasStatistics() bool {
	if n.family != Torchvision {
		return true
	}
	for name := range n.tensors {
		if strings.HasPrefix(name, n.prefix) && strings.HasSuffix(name, ".running_mean") {
			return true
		}
	}
	return false
}

// choose takes one of the file's networks: that of --key, else the one that
// the tool that wrote the file evaluates.
func (f *foreign) choose(key string) (network, error) {
	var all []network
	for _, d := range f.dicts {
		tensors, notes, err := unwrapped(d.tensors)
		d.tensors = tensors
		if found := d.networks(); len(found) > 0 {
			if err != nil {
				return network{}, err
			}
			all = append(all, found...)
			f.notes = appendNew(f.notes, notes)
		}
	}
	if len(all) == 0 {
		return network{}, f.noNetwork()
	}
	f.markAverages(all)
	slices.SortStableFunc(all, func(a, b network) int { return cmp.Compare(a.rank(), b.rank()) })
	taken, err := pick(all, key)
	switch {
	case err != nil:
		return network{}, err
	case taken.inside != "" && f.model != "":
		return network{}, pytorch.WholeModel(f.model)
	case taken.inside != "":
		return network{}, fmt.Errorf("its state dict %q is an attribute of an object of the class %s, which is not "+
			"known here and was not executed; in Python, save the state dict alone and import that", taken.name(), taken.inside)
	}
	f.notes = append(f.notes, taken.notes(all)...)
	if !taken.hasStatistics() {
		f.notes = append(f.notes, taken.borrow(all)...)
	}
	return taken, nil
}

func appendNew(notes, more []string) []string {
	for _, note := range more {
		if !slices.Contains(notes, note) {
			notes = append(notes, note)
		}
	}
	return notes
}

// pick returns the network that key means, and the first for an empty key.
func pick(all []network, key string) (network, error) {
	if key == "" {
		return all[0], nil
	}
	if i := slices.IndexFunc(all, func(n network) bool { return n.name() == key }); i >= 0 {
		return all[i], nil
	}
	var meant []network
	for _, n := range all {
		if n.called(key) {
			meant = append(meant, n)
		}
	}
	if len(meant) == 1 {
		return meant[0], nil
	}
	var names []string
	for _, n := range all {
		names = append(names, n.name())
	}
	return network{}, fmt.Errorf("--key: %d state dicts of the file are called %q; there are %s", len(meant), key,
		strings.Join(names, ", "))
}

// notes say what was taken, and what else there is to take.
func (n network) notes(all []network) (notes []string) {
	what := "state dict"
	if n.average {
		what = "average"
	}
	switch {
	case n.average && n.tool != "" && n.name() == ".":
		notes = append(notes, fmt.Sprintf("the file is an average of weights, which %s evaluates", n.tool))
	case n.average && n.tool != "":
		notes = append(notes, fmt.Sprintf("took the average %q, which %s evaluates", n.name(), n.tool))
	case len(n.path) > 0 || len(all) > 1:
		notes = append(notes, fmt.Sprintf("took the %s under the key %q of a checkpoint", what, n.name()))
	}
	if n.prefix != "" {
		notes = append(notes, fmt.Sprintf("removed the prefix %q of the network's names", n.prefix))
	}
	for _, other := range all {
		switch {
		case other.name() == n.name() || other.inside != "":
		case other.average:
			notes = append(notes, fmt.Sprintf("the file has an average of the weights too: --key %s", other.name()))
		case n.average:
			notes = append(notes, fmt.Sprintf("the file has the weights without averaging too: --key %s", other.name()))
		case !otherTensors.MatchString(other.name()):
			notes = append(notes, fmt.Sprintf("the file has another state dict too: --key %s", other.name()))
		}
	}
	return notes
}

// borrow completes an average of parameters alone by the statistics of the
// weights beside it, as the tools do that put such an average into a network.
func (n *network) borrow(all []network) (notes []string) {
	for _, other := range all {
		if !other.hasStatistics() || other.inside != "" {
			continue
		}
		n.tensors = maps.Clone(n.tensors)
		for name, s := range other.tensors {
			ours, ok := strings.CutPrefix(name, other.prefix)
			buffer := strings.HasSuffix(name, ".running_mean") || strings.HasSuffix(name, ".running_var") ||
				strings.HasSuffix(name, ".num_batches_tracked")
			if ok && buffer {
				n.tensors[n.prefix+ours] = s
			}
		}
		return []string{fmt.Sprintf("batch norm's statistics are those of %q: %q has parameters alone",
			other.name(), n.name())}
	}
	return nil
}

// noNetwork says why none of a file's dicts is a network.
func (f *foreign) noNetwork() error {
	if f.model != "" {
		return pytorch.WholeModel(f.model)
	}
	count := 0
	for _, d := range f.dicts {
		count += len(d.tensors)
		if err := fidBlocks(d.tensors); err != nil {
			return err
		}
	}
	return fmt.Errorf("its %d tensors have none of the names that torchvision, timm, Keras or slim "+
		"give to an Inception", count)
}
