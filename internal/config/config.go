// Package config is the typed configuration of a training: it knows every
// key, its default and its meaning, and merges what the defaults, a YAML file,
// the environment, --set and flags say.
package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/inception-go/inception/configs"
	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/evaluate"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/train"
	"github.com/spf13/viper"
)

// Config is a whole configuration.
type Config struct {
	Model         model.Spec      `yaml:"model" json:"model"`
	Data          dataset.Options `yaml:"data" json:"data"`
	train.Options `yaml:",inline"`
	Eval          evaluate.Options `yaml:"eval" json:"eval"`
}

// Default returns the defaults, which are the paper's where it has any;
// variant chooses the network's.
func Default(variant string) (Config, error) {
	spec, err := model.DefaultSpec(variant)
	return Config{Model: spec, Data: dataset.DefaultOptions(), Options: train.DefaultOptions(), Eval: evaluate.DefaultOptions()}, err
}

const (
	defaultVariant = "v3"
	keyVariant     = "model.variant"
	originDefault  = "default"
)

// Validate returns the first thing wrong with the values, as "KEY: message".
func (c Config) Validate() error {
	for _, validate := range []func() error{c.Model.Validate, c.Model.CheckSize, c.Data.Validate, c.Options.Validate, c.Eval.Validate} {
		if err := validate(); err != nil {
			return err
		}
	}
	return nil
}

// Sources are where values come from, the later ones winning: the defaults, a
// file, INCEPTION_KEY_PATH variables of the environment, --set, flags, rows of
// an ablation.
type Sources struct {
	Path  string         // of a YAML file, or the name of an embedded one (a file wins); v3 if empty
	Set   []string       // key=value, the value in YAML
	Env   []string       // NAME=value, as os.Environ gives them; nil for the process's own
	Flags map[string]any // of keys that have a flag of their own
	Over  []Setting      // above all else, in order: the rows of an ablation
}

// Setting is a value for a key, written as for --set.
type Setting struct {
	Text string // key=value, the value in YAML
	From string // where it stands, for messages
}

// Resolved is a configuration with its history.
type Resolved struct {
	Config
	Name     string            // of the file or embedded configuration, without .yaml
	Origin   map[string]string // by key: default, FILE:LINE, a variable's name, --set or flag
	Warnings []string

	given map[string]bool // keys that are not at their default
}

// Load merges the sources and checks the result. An error names the key, the
// place that set it, and for an unknown key the nearest there is.
func Load(s Sources) (*Resolved, error) {
	name, text, shown, err := read(s.Path)
	if err != nil {
		return nil, err
	}
	v := viper.New()
	r := &Resolved{Name: name, Origin: map[string]string{}, given: map[string]bool{}}
	if err := mergeFile(v, shown, text); err != nil {
		return nil, err
	}
	environment := s.Env
	if environment == nil {
		environment = os.Environ()
	}
	if r.Warnings, err = mergeEnvironment(v, environment); err != nil {
		return nil, err
	}
	if err := set(v, s); err != nil {
		return nil, err
	}
	if r.Config, err = Default(variant(v)); err != nil {
		r.Config, _ = Default(defaultVariant) // Validate will say so, with the place
	}
	for _, l := range leavesOf(&r.Config) {
		from, err := l.assign(v)
		if err != nil {
			return nil, err
		}
		r.Origin[l.key], r.given[l.key] = from, from != originDefault
	}
	if err := r.Validate(); err != nil {
		return nil, r.locate(err)
	}
	return r, nil
}

// read returns the text of a configuration file or embedded configuration,
// and the names that run folders and messages give it.
func read(path string) (name string, text []byte, shown string, err error) {
	if path == "" {
		path = defaultVariant
	}
	info, err := os.Stat(path)
	if err == nil && !info.IsDir() {
		if text, err = readFile(path); err != nil {
			return "", nil, "", fmt.Errorf("config %s: %w", path, err)
		}
		base := filepath.Base(path)
		return strings.TrimSuffix(base, filepath.Ext(base)), text, path, nil
	}
	name = strings.TrimSuffix(path, ".yaml")
	if text, ok := configs.Read(name); ok {
		return name, text, name, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", nil, "", fmt.Errorf("config: %w", err)
	}
	var names []string
	for _, e := range configs.List() {
		names = append(names, e.Name)
	}
	return "", nil, "", fmt.Errorf("config %s: there is neither such a file nor an embedded configuration; embedded are %s", path, strings.Join(names, ", "))
}

// readFile reads a file, or a pipe, of at most a mebibyte.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	const most = 1 << 20
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && len(text) > most {
		return nil, fmt.Errorf("is larger than %d bytes, so it is no configuration", most)
	}
	return text, err
}

// locate puts the place that set the offending key before an error.
func (r *Resolved) locate(err error) error {
	key, _, _ := strings.Cut(err.Error(), ":")
	if from := r.Origin[key]; r.given[key] {
		return fmt.Errorf("%s: %w", from, err)
	}
	return err
}

// Value returns the value of a key.
func (c *Config) Value(key string) (any, bool) {
	for _, l := range leavesOf(c) {
		if l.key == key {
			return l.value.Interface(), true
		}
	}
	return nil, false
}

// Difference returns the first key at which two configurations differ, with
// both values; an empty key if there is none.
func Difference(a, b Config) (key string, inA, inB any) {
	theirs := leavesOf(&b)
	for i, l := range leavesOf(&a) {
		x, y := l.value.Interface(), theirs[i].value.Interface()
		if l.text() != theirs[i].text() {
			return l.key, x, y
		}
	}
	return "", nil, nil
}
