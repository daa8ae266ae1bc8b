// Package config resolves the configuration of a training: it merges the
// defaults, a YAML file, the environment, --set and flags into a train.Config,
// and records the origin of each value.
package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/inception-go/inception/configs"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/settings"
	"github.com/inception-go/inception/internal/spelling"
	"github.com/inception-go/inception/internal/textfile"
	"github.com/inception-go/inception/internal/train"
)

const (
	defaultVariant = "v3"
	keyVariant     = "model.variant"
)

// Sources are the sources of values, each overriding those before it: the
// defaults, a file, INCEPTION_KEY_PATH environment variables, --set, flags, rows
// of an ablation.
type Sources struct {
	Path  string            // of a YAML file, or the name of an embedded one (a file takes precedence); v3 if empty
	Set   []string          // key=value, the value in YAML
	Env   []string          // NAME=value, as os.Environ gives them; nil for the process's own
	Flags map[string]any    // values of flags that set a key
	Names map[string]string // what people call those flags, by key
	Over  []Setting         // override all else, in order: the rows of an ablation
}

// Setting is a value for a key, written as for --set.
type Setting struct {
	Text string // key=value, the value in YAML
	From Origin
}

// Resolved is a configuration with the origins of its values.
type Resolved struct {
	train.Config
	Name     string            // of the file or embedded configuration, without .yaml
	Embedded bool              // it is not from a file
	Origin   map[string]Origin // by key
	Warnings []string

	implied bool // no configuration was named, so it is that of the default network
}

// Load merges the sources and checks the result. An error names the key, the
// place that set it and, for an unknown key, the nearest known one.
func Load(s Sources) (*Resolved, error) {
	from, err := read(s.Path)
	if err != nil {
		return nil, err
	}
	given := newLayers()
	if err := given.file(from.shown, from.text); err != nil {
		return nil, err
	}
	environment := s.Env
	if environment == nil {
		environment = os.Environ()
	}
	r := &Resolved{Name: from.name, Embedded: from.embedded, implied: s.Path == "", Origin: map[string]Origin{}}
	if r.Warnings, err = given.environment(environment); err != nil {
		return nil, err
	}
	if err := given.commandLine(s); err != nil {
		return nil, err
	}
	if r.Config, err = train.DefaultConfig(given.variant()); err != nil {
		r.Config, _ = train.DefaultConfig(defaultVariant) // Validate reports it, with the place
	}
	for _, l := range settings.Leaves(&r.Config) {
		if r.Origin[l.Key], err = given.assign(l); err != nil {
			return nil, err
		}
	}
	if err := r.Validate(); err != nil {
		return nil, r.locate(err)
	}
	return r, nil
}

// source is the text of a configuration file or an embedded configuration.
type source struct {
	name     string // for run folders
	shown    string // for messages
	text     []byte
	embedded bool
}

// read returns what a path or an embedded configuration's name stands for.
func read(path string) (source, error) {
	if path == "" { // whatever files are called so
		text, _ := configs.Read(defaultVariant)
		return source{defaultVariant, defaultVariant, text, true}, nil
	}
	info, err := os.Stat(path)
	if err == nil && !info.IsDir() {
		text, err := readFile(path)
		if err != nil {
			return source{}, fmt.Errorf("config %s: %w", path, err)
		}
		base := filepath.Base(path)
		return source{strings.TrimSuffix(base, filepath.Ext(base)), path, text, false}, nil
	}
	name := strings.TrimSuffix(path, ".yaml")
	if text, ok := configs.Read(name); ok {
		return source{name, name, text, true}, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return source{}, fmt.Errorf("config: %w", err)
	}
	return source{}, fmt.Errorf("config %s: %s", path,
		spelling.Unknown(name, "configuration", configs.Names(configs.List())))
}

// readFile reads a file, or a pipe, of at most a mebibyte.
func readFile(path string) ([]byte, error) {
	return textfile.Read(path, 1<<20, "a configuration")
}

// locate prefixes an error with the place that set the offending key, and ends it
// with the value that was probably meant.
func (r *Resolved) locate(err error) error {
	var wrong *settings.KeyError
	if !errors.As(err, &wrong) || !r.Origin[wrong.Key].Given() {
		return err
	}
	suggestion := ""
	if name, ok := r.Value(wrong.Key); ok {
		suggestion = spelling.Suggest(fmt.Sprint(name), wrong.Choices)
	}
	return fmt.Errorf("%s: %w%s", r.Origin[wrong.Key], err, suggestion)
}

// Value returns the value of a key.
func (r *Resolved) Value(key string) (any, bool) {
	for _, l := range settings.Leaves(&r.Config) {
		if l.Key == key {
			return l.Value.Interface(), true
		}
	}
	return nil, false
}

// Network returns the structure of the network: with as many classes as ImageNet has
// where only the data says how many there are.
func (r *Resolved) Network() model.Spec {
	spec := r.Model
	if spec.Classes == 0 {
		spec.Classes = 1000
	}
	return spec
}
