package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/viper"
	"go.yaml.in/yaml/v3"
)

// assignment is a value that a source gives to a key. Viper holds them and
// knows which source wins.
type assignment struct {
	node *yaml.Node
	from string // for messages
}

// mergeFile reads a file's keys into v.
func mergeFile(v *viper.Viper, name string, text []byte) error {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var document yaml.Node
	err := decoder.Decode(&document)
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("config %s: %s", name, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return fmt.Errorf("config %s: holds more than one document; one is read", name)
	}
	tree := map[string]any{}
	place := func(n *yaml.Node) string { return fmt.Sprintf("config %s:%d", name, n.Line) }
	if err := walk(tree, "", document.Content[0], place); err != nil {
		return err
	}
	return v.MergeConfigMap(tree)
}

// walk puts the assignments below a node into tree, nested as its keys are.
func walk(tree map[string]any, prefix string, n *yaml.Node, place func(*yaml.Node) string) error {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return nil // an empty section
	}
	if prefix == keySmoothing && n.Kind == yaml.ScalarNode {
		// A bare number means spread uniformly.
		tree["epsilon"] = assignment{n, place(n)}
		tree["spread"] = assignment{&yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: "uniform", Line: n.Line}, place(n)}
		return nil
	}
	if n.Kind != yaml.MappingNode {
		return fmt.Errorf("%s: %s holds keys, such as %s, but is %s", place(n), sectionName(prefix), strings.Join(below(prefix), ", "), inline(n))
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i], n.Content[i+1]
		key := strings.TrimPrefix(prefix+"."+name.Value, ".")
		if _, twice := tree[name.Value]; twice {
			return fmt.Errorf("%s: key %q stands there twice", place(name), key)
		}
		switch {
		case leafTypes[key] != nil:
			tree[name.Value] = assignment{value, place(name)}
		case sections[key]:
			sub := map[string]any{}
			tree[name.Value] = sub
			if err := walk(sub, key, value, place); err != nil {
				return err
			}
		default:
			return unknownKey(place(name), key)
		}
	}
	return nil
}

const keySmoothing = "label_smoothing"

func sectionName(prefix string) string {
	if prefix == "" {
		return "a configuration"
	}
	return prefix
}

// below lists the names right under a section.
func below(prefix string) []string {
	var names []string
	for _, k := range Keys() {
		rest, ok := strings.CutPrefix(k.Name, prefix+".")
		if prefix == "" {
			rest, ok = k.Name, true
		}
		if name, _, _ := strings.Cut(rest, "."); ok && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

const envPrefix = "INCEPTION_"

// envName returns the variable of a key: INCEPTION_OPTIMIZER_LR.
func envName(key string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// bindEnvironment makes v read the keys' variables, and warns of variables
// that look like it but are no key.
func bindEnvironment(v *viper.Viper) (warnings []string) {
	known := map[string]bool{}
	for key := range leafTypes {
		known[envName(key)] = true
		_ = v.BindEnv(key, envName(key)) // fails without a key only
	}
	known[envName(keySmoothing)] = true
	if value := os.Getenv(envName(keySmoothing)); value != "" {
		// A bare number, as in a file, below the two keys' own variables.
		from := envName(keySmoothing)
		for name, text := range map[string]string{"epsilon": value, "spread": "uniform"} {
			if os.Getenv(envName(keySmoothing+"."+name)) == "" {
				_ = v.MergeConfigMap(map[string]any{keySmoothing: map[string]any{name: assignment{&yaml.Node{Kind: yaml.ScalarNode, Value: text}, from}}})
			}
		}
	}
	for _, name := range []string{"INCEPTION_ISA", "INCEPTION_THREADS", "INCEPTION_LONG"} {
		known[name] = true
	}
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		if strings.HasPrefix(name, envPrefix) && !known[name] {
			warnings = append(warnings, fmt.Sprintf("the variable %s names no key and is not used; inception config keys lists them", name))
		}
	}
	slices.Sort(warnings)
	return warnings
}

// set puts the values of --set and of flags above all others.
func set(v *viper.Viper, s Sources) error {
	for _, text := range s.Set {
		key, value, ok := strings.Cut(text, "=")
		if !ok {
			return fmt.Errorf("--set %s: needs key=value, such as optimizer.lr=0.01", text)
		}
		var document yaml.Node
		if err := yaml.Unmarshal([]byte(value), &document); err != nil {
			return fmt.Errorf("--set %s: %s", text, strings.TrimPrefix(err.Error(), "yaml: "))
		}
		n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}
		if len(document.Content) > 0 {
			n = document.Content[0]
		}
		if err := setKey(v, key, n, "--set"); err != nil {
			return err
		}
	}
	for key, value := range s.Flags {
		var n yaml.Node
		if err := n.Encode(value); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		v.Set(key, assignment{&n, "flag"})
	}
	return nil
}

// setKey sets a key, or all keys below it.
func setKey(v *viper.Viper, key string, n *yaml.Node, from string) error {
	if leafTypes[key] != nil {
		v.Set(key, assignment{n, from})
		return nil
	}
	if !sections[key] {
		return unknownKey(from, key)
	}
	tree := map[string]any{}
	if err := walk(tree, key, n, func(*yaml.Node) string { return from }); err != nil {
		return err
	}
	setTree(v, key, tree)
	return nil
}

func setTree(v *viper.Viper, prefix string, tree map[string]any) {
	for name, value := range tree {
		if sub, ok := value.(map[string]any); ok {
			setTree(v, prefix+"."+name, sub)
		} else {
			v.Set(prefix+"."+name, value)
		}
	}
}

// assign sets the leaf to the value that wins, if any source has one; null
// means the default. It returns where the value came from.
func (l leaf) assign(v *viper.Viper) (from string, err error) {
	a, ok, err := winner(v, l.key)
	if err != nil || !ok || a.node.Tag == "!!null" {
		return originDefault, err
	}
	if err := l.decode(a.node); err != nil {
		return "", fmt.Errorf("%s: %w", a.from, err)
	}
	return a.from, nil
}

// winner returns the assignment that wins for a key.
func winner(v *viper.Viper, key string) (assignment, bool, error) {
	switch value := v.Get(key).(type) {
	case assignment:
		return value, true, nil
	case string: // Viper read it from the environment
		var document yaml.Node
		if err := yaml.Unmarshal([]byte(value), &document); err != nil || len(document.Content) == 0 {
			return assignment{}, false, fmt.Errorf("%s: %q is no YAML value", envName(key), value)
		}
		return assignment{document.Content[0], envName(key)}, true, nil
	}
	return assignment{}, false, nil
}

// lookUp reads one text before the others are known.
func lookUp(v *viper.Viper, key string, to *string) error {
	a, ok, err := winner(v, key)
	if ok && a.node.Kind == yaml.ScalarNode && a.node.Tag != "!!null" {
		*to = a.node.Value
	}
	return err
}
