package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/inception-go/inception/internal/settings"
	"github.com/inception-go/inception/internal/train"
	"github.com/spf13/viper"
	"go.yaml.in/yaml/v3"
)

// layers are the values that sources give to keys. Viper holds them, nested
// like the keys, and decides which source wins: what was set, else what was
// merged last.
type layers struct {
	known
	viper *viper.Viper
}

// assignment is a value that a source gives to a key.
type assignment struct {
	node *yaml.Node
	from Origin
}

func newLayers() *layers { return &layers{knownKeys(), viper.New()} }

// file adds a file's keys.
func (l *layers) file(name string, text []byte) error {
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
		return fmt.Errorf("config %s: contains more than one document; keep one", name)
	}
	tree := map[string]any{}
	origin := func(n *yaml.Node) Origin { return Origin{FromFile, fmt.Sprintf("%s:%d", name, n.Line)} }
	if err := l.walk(tree, "", followed(document.Content[0]), origin); err != nil {
		return err
	}
	return l.viper.MergeConfigMap(tree)
}

// splitYAML returns the message of an error of the YAML reader, and the line
// that it names, if any: the reader's errors are only text.
func splitYAML(err error) (line, message string) {
	message = strings.TrimPrefix(err.Error(), "yaml: ")
	if rest, ok := strings.CutPrefix(message, "line "); ok {
		number, what, _ := strings.Cut(rest, ": ")
		if _, err := strconv.Atoi(number); err == nil {
			return number, what
		}
	}
	return "", message
}

// walk puts the assignments below a node into tree.
func (l *layers) walk(tree map[string]any, prefix string, n *yaml.Node, origin func(*yaml.Node) Origin) error {
	switch {
	case isNull(n):
		return nil // an empty section
	case prefix == keySmoothing && n.Kind == yaml.ScalarNode:
		// A bare number is the probability, spread uniformly.
		tree["epsilon"] = assignment{n, origin(n)}
		tree["spread"] = assignment{textNode(train.SpreadUniform), origin(n)}
		return nil
	case n.Kind != yaml.MappingNode:
		return fmt.Errorf("%s: %s must contain keys, such as %s, but is %s",
			origin(n), sectionName(prefix), strings.Join(below(prefix), ", "), settings.Inline(n))
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i], followed(n.Content[i+1])
		key := strings.TrimPrefix(prefix+"."+name.Value, ".")
		_, twice := tree[name.Value]
		switch {
		case twice:
			return fmt.Errorf("%s: key %q appears twice; remove one", origin(name), key)
		case strings.Contains(name.Value, ".") && l.types[key] != nil:
			return fmt.Errorf("%s: key %q: write its parts as sections, each on its own line, or use --set %s",
				origin(name), key, key)
		case l.types[key] != nil:
			tree[name.Value] = assignment{value, origin(name)}
		case l.sections[key]:
			sub := map[string]any{}
			tree[name.Value] = sub
			if err := l.walk(sub, key, value, origin); err != nil {
				return err
			}
		default:
			return unknownKey(origin(name), key)
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

const envPrefix = "INCEPTION_"

// envName returns the variable of a key: INCEPTION_OPTIMIZER_LR.
func envName(key string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// environment adds the keys' variables, and warns of variables that look like
// them but name no key. An empty variable counts as unset.
func (l *layers) environment(variables []string) (warnings []string, err error) {
	keys := map[string]string{envName(keySmoothing): keySmoothing}
	for key := range l.types {
		keys[envName(key)] = key
	}
	others := []string{"INCEPTION_ISA", "INCEPTION_THREADS", "INCEPTION_MPI", "INCEPTION_LONG"} // that other packages read
	// In order, INCEPTION_LABEL_SMOOTHING comes before the two keys in it.
	for _, variable := range slices.Sorted(slices.Values(variables)) {
		name, text, _ := strings.Cut(variable, "=")
		key, isKey := keys[name]
		switch {
		case !strings.HasPrefix(name, envPrefix) || slices.Contains(others, name):
		case !isKey:
			warnings = append(warnings, fmt.Sprintf(
				"the variable %s names no key and is ignored; inception config keys lists the keys", name))
		case text != "":
			if err := l.variable(name, key, text); err != nil {
				return nil, err
			}
		}
	}
	return warnings, nil
}

// variable adds the value of a key's variable.
func (l *layers) variable(name, key, text string) error {
	n, err := l.parse(key, text)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	tree := map[string]any{}
	err = l.put(key, n, Origin{FromVariable, name}, func(key string, a assignment) { nest(tree, key, a) })
	if err != nil {
		return err
	}
	if err := l.viper.MergeConfigMap(tree); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
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

// commandLine adds the values of --set, then those of flags, then those of
// s.Over, each overriding all before it.
func (l *layers) commandLine(s Sources) error {
	for _, text := range s.Set {
		if err := l.set(Setting{text, Origin{Kind: FromSet}}); err != nil {
			return err
		}
	}
	for _, key := range slices.Sorted(maps.Keys(s.Flags)) {
		var n yaml.Node
		if err := n.Encode(s.Flags[key]); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		if err := l.put(key, &n, Origin{FromFlag, s.Names[key]}, l.over); err != nil {
			return err
		}
	}
	for _, setting := range s.Over {
		if err := l.set(setting); err != nil {
			return err
		}
	}
	return nil
}

// over gives a key a value that overrides all others so far.
func (l *layers) over(key string, a assignment) { l.viper.Set(key, a) }

// set adds a setting that overrides all others so far.
func (l *layers) set(s Setting) error {
	key, value, ok := strings.Cut(s.Text, "=")
	if key = strings.TrimSpace(key); !ok || key == "" {
		return fmt.Errorf("%s %s: needs key=value, such as optimizer.lr=0.01", s.From, s.Text)
	}
	n, err := l.parse(key, value)
	if err != nil {
		return fmt.Errorf("%s %s: %w", s.From, key, err)
	}
	return l.put(key, n, s.From, l.over)
}

// parse reads the YAML value of a key from a command line or a variable.
func (l *layers) parse(key, value string) (*yaml.Node, error) {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}
	var document yaml.Node
	err := yaml.Unmarshal([]byte(value), &document)
	if err == nil && len(document.Content) > 0 {
		n = document.Content[0]
	}
	const quoted = yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle
	if l.isText(key) && (err != nil || !isNull(n) && n.Style&quoted == 0) {
		// YAML would not read text such as "shapes:" or "a #1" as it is.
		return textNode(value), nil
	}
	if err != nil {
		_, message := splitYAML(err)
		return nil, fmt.Errorf("%q is not a YAML value: %s", value, message)
	}
	return n, nil
}

// put passes assign the assignments to a key or, for a section, to the keys
// below it.
func (l *layers) put(key string, n *yaml.Node, from Origin, assign func(string, assignment)) error {
	if l.types[key] != nil {
		assign(key, assignment{n, from})
		return nil
	}
	if !l.sections[key] {
		return unknownKey(from, key)
	}
	if isNull(n) { // the whole section goes back to its defaults
		for leaf := range l.types {
			if strings.HasPrefix(leaf, key+".") {
				assign(leaf, assignment{n, from})
			}
		}
		return nil
	}
	tree := map[string]any{}
	if err := l.walk(tree, key, n, func(*yaml.Node) Origin { return from }); err != nil {
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

// variant returns the value of model.variant, on which other defaults depend.
func (l *layers) variant() string {
	if a, ok := l.viper.Get(keyVariant).(assignment); ok && a.node.Kind == yaml.ScalarNode && !isNull(a.node) {
		return a.node.Value
	}
	return defaultVariant
}

// assign sets a value to that of the winning source, if any source has one;
// null means the default. It returns where the value came from.
func (l *layers) assign(to settings.Leaf) (Origin, error) {
	a, ok := l.viper.Get(to.Key).(assignment)
	if !ok || isNull(a.node) {
		return Origin{}, nil
	}
	if err := to.Decode(a.node); err != nil {
		return Origin{}, fmt.Errorf("%s: %w", a.from, err)
	}
	return a.from, nil
}
