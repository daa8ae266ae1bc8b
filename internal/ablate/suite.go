// Package ablate trains the rows of a suite, each a change of one base
// configuration, and compares them: what is each idea worth on these images?
//
// ReadSuite reads a Suite from YAML, Prepare checks every row and makes a Plan,
// and Plan.Run writes an ablation folder: tables, a plot, a report, and the
// folder of each run.
package ablate

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/inception-go/inception/configs"
	"github.com/inception-go/inception/internal/config"
	"github.com/inception-go/inception/internal/spelling"
	"github.com/inception-go/inception/internal/textfile"
	"go.yaml.in/yaml/v3"
)

// Suite is a list of configurations to compare.
type Suite struct {
	Name       string
	Cumulative bool             // each row keeps the settings of those above it
	Set        []config.Setting // of every row
	Rows       []Row
	Baselines  []Row // above the rows, when asked for; never cumulative

	// Instead of rows, ideas of which a design makes them.
	Ideas      []Idea
	Design     Design
	Bare, Full Row // what is said of the rows with none and with all of them
}

// Row is one configuration: settings that change the base.
type Row struct {
	Name   string // for folders and --set NAME:key=value
	Title  string // for tables
	Change string // a description
	Set    []config.Setting
	Paper  Paper
}

// Paper holds what the paper reports for a row: errors in percent and its
// billions of operations, 0 for what it does not say, at what input size.
type Paper struct {
	Top1, Top5, Ops float64
	Size            int // pixels; 0 for paperSize
}

// paperSize is the input size of the paper's figures where it names no other.
const paperSize = 299

// change is a row with all its settings.
type change struct {
	Row
	own   []config.Setting // its own settings
	every []config.Setting // those of every row
	above *change          // the row whose settings it keeps, or nil
	base  string           // the row that it is compared with; empty for none
	ideas uint             // of a suite of ideas, which the row has
}

// all lists the settings; later ones override earlier ones.
func (c *change) all() []config.Setting {
	if c.above == nil {
		return slices.Concat(c.every, c.own)
	}
	return slices.Concat(c.above.all(), c.own)
}

// changes lists the rows as they are compared.
func (s Suite) changes(baselines bool) (all []*change) {
	if baselines {
		for _, row := range s.Baselines {
			all = append(all, &change{Row: row, own: row.Set, every: s.Set})
		}
	}
	if len(s.Ideas) > 0 {
		return append(all, s.combinations()...)
	}
	var above *change
	for i, row := range s.Rows {
		c := &change{Row: row, own: row.Set, every: s.Set, above: above}
		switch {
		case i > 0 && s.Cumulative:
			c.base = s.Rows[i-1].Name
		case i > 0:
			c.base = s.Rows[0].Name
		}
		if s.Cumulative {
			above = c
		}
		all = append(all, c)
	}
	return all
}

// ReadSuite reads a suite: a YAML file, or the name of an embedded one (a file
// takes precedence).
func ReadSuite(path string) (Suite, error) {
	text, shown, err := suiteText(path)
	if err != nil {
		return Suite{}, err
	}
	return parse(strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)), shown, text)
}

// SuiteText returns the YAML of a suite.
func SuiteText(path string) (string, error) {
	text, _, err := suiteText(path)
	return string(text), err
}

// suiteText also returns the name of the suite for messages.
func suiteText(path string) (text []byte, shown string, err error) {
	text, err = textfile.Read(path, 1<<20, "a suite")
	if err == nil {
		return text, path, nil
	}
	name := strings.TrimSuffix(path, ".yaml")
	if text, ok := configs.ReadSuite(name); ok {
		return text, name, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, "", fmt.Errorf("suite %s: %w", path, err)
	}
	return nil, "", fmt.Errorf("suite %s: %s", path, spelling.Unknown(name, "suite", configs.Names(configs.Suites())))
}

// parse reads the YAML of a suite; shown names it in messages.
func parse(name, shown string, text []byte) (Suite, error) {
	s := Suite{Name: name}
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return s, fmt.Errorf("suite %s: %s", shown, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	r := reader{shown}
	if len(document.Content) == 0 {
		return s, fmt.Errorf("suite %s: has no rows", shown)
	}
	names := map[string]bool{}
	err := r.fields(document.Content[0], "a suite", fieldReaders{
		"cumulative": func(n *yaml.Node) error { return r.decode(n, &s.Cumulative, "true or false") },
		"set":        func(n *yaml.Node) error { return r.settings(n, &s.Set) },
		"rows":       func(n *yaml.Node) error { return r.rows(n, &s.Rows, names) },
		"baselines":  func(n *yaml.Node) error { return r.rows(n, &s.Baselines, names) },
		"ideas":      func(n *yaml.Node) error { return r.ideas(n, &s.Ideas) },
		"design":     func(n *yaml.Node) error { return r.decode(n, &s.Design, "the name of a design") },
		"bare":       func(n *yaml.Node) (err error) { s.Bare, err = r.row(n); return err },
		"full":       func(n *yaml.Node) (err error) { s.Full, err = r.row(n); return err },
	})
	switch {
	case err != nil:
		return s, err
	case len(s.Ideas) > 0:
		s.Design = cmp.Or(s.Design, LeaveOneOut)
		if err = s.checkIdeas(); err != nil {
			err = fmt.Errorf("suite %s: %w", shown, err)
		}
	case s.Design != "" || s.Bare.Title != "" || s.Full.Title != "":
		err = fmt.Errorf("suite %s: design, bare and full belong to a list of ideas, which it lacks", shown)
	case len(s.Rows) == 0:
		err = fmt.Errorf("suite %s: has no rows", shown)
	}
	return s, err
}

// reader reads the nodes of a suite, with errors that say where.
type reader struct{ shown string }

func (r reader) place(n *yaml.Node) config.Origin {
	return config.Origin{Kind: config.FromSuite, Place: fmt.Sprintf("%s:%d", r.shown, n.Line)}
}

// fieldReaders read the values of a mapping's keys.
type fieldReaders map[string]func(*yaml.Node) error

// fields reads a mapping all of whose keys are known.
func (r reader) fields(n *yaml.Node, what string, known fieldReaders) error {
	names := slices.Sorted(maps.Keys(known))
	return r.pairs(n, what, func(key, value *yaml.Node) error {
		read := known[key.Value]
		if read == nil {
			return fmt.Errorf("%s: unknown key %q in %s; did you mean %s?",
				r.place(key), key.Value, what, spelling.Nearest(key.Value, names))
		}
		return read(value)
	})
}

// pairs walks through a mapping.
func (r reader) pairs(n *yaml.Node, what string, each func(key, value *yaml.Node) error) error {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind != yaml.MappingNode {
		return fmt.Errorf("%s: %s must be a mapping, key: value", r.place(n), what)
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if seen[key.Value] {
			return fmt.Errorf("%s: key %q appears twice; remove one", r.place(key), key.Value)
		}
		seen[key.Value] = true
		if err := each(key, n.Content[i+1]); err != nil {
			return err
		}
	}
	return nil
}

func (r reader) decode(n *yaml.Node, to any, what string) error {
	if n.Decode(to) != nil {
		return fmt.Errorf("%s: must be %s, is %q", r.place(n), what, n.Value)
	}
	return nil
}

// rowName keeps names fit for folders and for --set NAME:key=value.
var rowName = regexp.MustCompile(`^[a-z0-9][a-z0-9_.-]{0,63}$`)

func (r reader) rows(n *yaml.Node, to *[]Row, names map[string]bool) error {
	if n.Kind != yaml.SequenceNode {
		return fmt.Errorf("%s: must be a list of rows, each with a name and its settings", r.place(n))
	}
	for _, item := range n.Content {
		row, err := r.row(item)
		switch {
		case err != nil:
			return err
		case !rowName.MatchString(row.Name):
			return fmt.Errorf("%s: a row's name consists of lower-case letters, digits and . _ -, such as aux-none; is %q",
				r.place(item), row.Name)
		case names[row.Name]:
			return fmt.Errorf("%s: another row is also called %q", r.place(item), row.Name)
		}
		names[row.Name] = true
		*to = append(*to, row)
	}
	return nil
}

func (r reader) row(n *yaml.Node) (row Row, err error) {
	err = r.fields(n, "a row", fieldReaders{
		"name":   func(n *yaml.Node) error { return r.decode(n, &row.Name, "text") },
		"title":  func(n *yaml.Node) error { return r.decode(n, &row.Title, "text") },
		"change": func(n *yaml.Node) error { return r.decode(n, &row.Change, "text") },
		"set":    func(n *yaml.Node) error { return r.settings(n, &row.Set) },
		"paper": func(n *yaml.Node) error {
			return r.fields(n, "paper", fieldReaders{
				"top1": func(n *yaml.Node) error { return r.decode(n, &row.Paper.Top1, "an error in percent") },
				"top5": func(n *yaml.Node) error { return r.decode(n, &row.Paper.Top5, "an error in percent") },
				"ops":  func(n *yaml.Node) error { return r.decode(n, &row.Paper.Ops, "billions of operations") },
				"size": func(n *yaml.Node) error { return r.decode(n, &row.Paper.Size, "a whole number of pixels") },
			})
		},
	})
	if row.Title == "" {
		row.Title = row.Name
	}
	return row, err
}

func (r reader) ideas(n *yaml.Node, to *[]Idea) error {
	if n.Kind != yaml.SequenceNode {
		return fmt.Errorf("%s: must be a list of ideas, each with a name and its settings with and without it", r.place(n))
	}
	for _, item := range n.Content {
		var idea Idea
		if err := r.fields(item, "an idea", fieldReaders{
			"name":    func(n *yaml.Node) error { return r.decode(n, &idea.Name, "text") },
			"title":   func(n *yaml.Node) error { return r.decode(n, &idea.Title, "text") },
			"change":  func(n *yaml.Node) error { return r.decode(n, &idea.Change, "text") },
			"with":    func(n *yaml.Node) error { return r.settings(n, &idea.With) },
			"without": func(n *yaml.Node) error { return r.settings(n, &idea.Without) },
		}); err != nil {
			return err
		}
		switch {
		case !rowName.MatchString(idea.Name):
			return fmt.Errorf("%s: an idea's name consists of lower-case letters, digits and . _ -, such as rmsprop; is %q",
				r.place(item), idea.Name)
		case len(idea.With) == 0 && len(idea.Without) == 0:
			return fmt.Errorf("%s: idea %s changes nothing; it needs settings under with, without or both", r.place(item),
				idea.Name)
		}
		idea.Title = cmp.Or(idea.Title, idea.Name)
		*to = append(*to, idea)
	}
	return nil
}

// settings reads configuration keys, dotted as for --set.
func (r reader) settings(n *yaml.Node, to *[]config.Setting) error {
	return r.pairs(n, "set", func(key, value *yaml.Node) error {
		if value.Kind == yaml.AliasNode {
			value = value.Alias
		}
		text := value.Value
		if value.Kind != yaml.ScalarNode {
			value.Style = yaml.FlowStyle
			flow, err := yaml.Marshal(value)
			if err != nil {
				return fmt.Errorf("%s: %s: %w", r.place(key), key.Value, err)
			}
			text = string(flow)
		}
		*to = append(*to, config.Setting{Text: key.Value + "=" + strings.TrimSpace(text), From: r.place(key)})
		return nil
	})
}
