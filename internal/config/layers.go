package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/viper"
	"go.yaml.in/yaml/v3"
)

// assignment is a value that a source gives to a key. Viper holds them nested
// as the keys are, and knows which source wins: what was set, else what was
// merged last.
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
		line, message := splitYAML(err)
		if line != "" {
			name += ":" + line
		}
		return fmt.Errorf("config %s: %s", name, message)
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return fmt.Errorf("config %s: holds more than one document; leave one", name)
	}
	tree := map[string]any{}
	place := func(n *yaml.Node) string { return fmt.Sprintf("config %s:%d", name, n.Line) }
	if err := walk(tree, "", followed(document.Content[0]), place); err != nil {
		return err
	}
	return v.MergeConfigMap(tree)
}

var yamlError = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// splitYAML returns the message of an error of the YAML reader, and the line
// that it names, if any.
func splitYAML(err error) (line, message string) {
	m := yamlError.FindStringSubmatch(err.Error())
	if m == nil {
		return "", err.Error()
	}
	return m[1], strings.TrimPrefix(err.Error(), m[0])
}

// walk puts the assignments below a node into tree.
func walk(tree map[string]any, prefix string, n *yaml.Node, place func(*yaml.Node) string) error {
	switch {
	case isNull(n):
		return nil // an empty section
	case prefix == keySmoothing && n.Kind == yaml.ScalarNode:
		// A bare number is the probability, spread uniformly.
		tree["epsilon"] = assignment{n, place(n)}
		tree["spread"] = assignment{textNode("uniform"), place(n)}
		return nil
	case n.Kind != yaml.MappingNode:
		return fmt.Errorf("%s: %s holds keys, such as %s, but is %s", place(n), sectionName(prefix), strings.Join(below(prefix), ", "), inline(n))
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i], followed(n.Content[i+1])
		key := strings.TrimPrefix(prefix+"."+name.Value, ".")
		_, twice := tree[name.Value]
		switch {
		case twice:
			return fmt.Errorf("%s: key %q stands there twice; leave one", place(name), key)
		case strings.Contains(name.Value, ".") && leafTypes[key] != nil:
			return fmt.Errorf("%s: key %q: write its parts as sections, each on a line of its own, or give --set %s", place(name), key, key)
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

// followed returns the node that an alias stands for, or the node itself.
func followed(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

func textNode(s string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
}

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

// notKeys are variables that other rooms read.
var notKeys = []string{"INCEPTION_ISA", "INCEPTION_THREADS", "INCEPTION_LONG"}

// envName returns the variable of a key: INCEPTION_OPTIMIZER_LR.
func envName(key string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// mergeEnvironment reads the keys' variables into v, and warns of variables
// that look like them but name no key. Empty ones are as good as unset.
func mergeEnvironment(v *viper.Viper, environment []string) (warnings []string, err error) {
	keys := map[string]string{envName(keySmoothing): keySmoothing}
	for key := range leafTypes {
		keys[envName(key)] = key
	}
	// In order, INCEPTION_LABEL_SMOOTHING comes before the two keys in it.
	for _, variable := range slices.Sorted(slices.Values(environment)) {
		name, text, _ := strings.Cut(variable, "=")
		key, known := keys[name]
		switch {
		case !strings.HasPrefix(name, envPrefix) || slices.Contains(notKeys, name):
		case !known:
			warnings = append(warnings, fmt.Sprintf("the variable %s names no key and is not used; inception config keys lists them", name))
		case text != "":
			n, err := parseValue(key, text)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			tree := map[string]any{}
			if err := put(key, n, name, func(key string, a assignment) { nest(tree, key, a) }); err != nil {
				return nil, err
			}
			if err := v.MergeConfigMap(tree); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return warnings, nil
}

// nest puts a value under a dotted key.
func nest(tree map[string]any, key string, a assignment) {
	for {
		section, rest, ok := strings.Cut(key, ".")
		if !ok {
			tree[key] = a
			return
		}
		sub, ok := tree[section].(map[string]any)
		if !ok {
			sub = map[string]any{}
			tree[section] = sub
		}
		tree, key = sub, rest
	}
}

// set puts the values of --set, above them those of flags, and above them the
// rest, above all others.
func set(v *viper.Viper, s Sources) error {
	over := func(key string, a assignment) { v.Set(key, a) }
	for _, text := range s.Set {
		if err := (Setting{text, "--set"}).put(over); err != nil {
			return err
		}
	}
	for key, value := range s.Flags {
		var n yaml.Node
		if err := n.Encode(value); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		if err := put(key, &n, "flag", over); err != nil {
			return err
		}
	}
	for _, setting := range s.Over {
		if err := setting.put(over); err != nil {
			return err
		}
	}
	return nil
}

// put hands over the assignments that a setting stands for.
func (s Setting) put(assign func(string, assignment)) error {
	key, value, ok := strings.Cut(s.Text, "=")
	if key = strings.TrimSpace(key); !ok || key == "" {
		return fmt.Errorf("%s %s: needs key=value, such as optimizer.lr=0.01", s.From, s.Text)
	}
	n, err := parseValue(key, value)
	if err != nil {
		return fmt.Errorf("%s %s: %w", s.From, key, err)
	}
	return put(key, n, s.From, assign)
}

// parseValue reads the YAML value of a key that stands on a command line or in
// a variable.
func parseValue(key, value string) (*yaml.Node, error) {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}
	var document yaml.Node
	err := yaml.Unmarshal([]byte(value), &document)
	if err == nil && len(document.Content) > 0 {
		n = document.Content[0]
	}
	const quoted = yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle
	if leafTypes[key] == reflect.TypeFor[string]() && (err != nil || !isNull(n) && n.Style&quoted == 0) {
		// YAML has its own ideas about a text such as "kind:" or "a #1".
		return textNode(value), nil
	}
	if err != nil {
		_, message := splitYAML(err)
		return nil, fmt.Errorf("%q is no YAML value: %s", value, message)
	}
	return n, nil
}

// put hands over the assignments to a key or, for a section, to the keys below
// it.
func put(key string, n *yaml.Node, from string, assign func(string, assignment)) error {
	if leafTypes[key] != nil {
		assign(key, assignment{n, from})
		return nil
	}
	if !sections[key] {
		return unknownKey(from, key)
	}
	if isNull(n) { // back to the defaults, all of it
		for leaf := range leafTypes {
			if strings.HasPrefix(leaf, key+".") {
				assign(leaf, assignment{n, from})
			}
		}
		return nil
	}
	tree := map[string]any{}
	if err := walk(tree, key, n, func(*yaml.Node) string { return from }); err != nil {
		return err
	}
	putTree(key, tree, assign)
	return nil
}

func putTree(prefix string, tree map[string]any, assign func(string, assignment)) {
	for name, value := range tree {
		switch value := value.(type) {
		case map[string]any:
			putTree(prefix+"."+name, value, assign)
		case assignment:
			assign(prefix+"."+name, value)
		}
	}
}

// assign sets the leaf to the value that wins, if any source has one; null
// means the default. It returns where the value came from.
func (l leaf) assign(v *viper.Viper) (from string, err error) {
	a, ok := v.Get(l.key).(assignment)
	if !ok || isNull(a.node) {
		return originDefault, nil
	}
	if err := l.decode(a.node); err != nil {
		return "", fmt.Errorf("%s: %w", a.from, err)
	}
	return a.from, nil
}

// variant returns the value of model.variant, on which other defaults hang.
func variant(v *viper.Viper) string {
	if a, ok := v.Get(keyVariant).(assignment); ok && a.node.Kind == yaml.ScalarNode && !isNull(a.node) {
		return a.node.Value
	}
	return defaultVariant
}
