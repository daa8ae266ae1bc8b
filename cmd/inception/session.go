package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/inception-go/inception/internal/cluster"
	"github.com/inception-go/inception/internal/config"
	"github.com/inception-go/inception/internal/console"
	"github.com/inception-go/inception/internal/memory"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/weights"
	"github.com/spf13/pflag"
)

// session holds the streams and flags shared by all commands.
type session struct {
	stdin          io.Reader
	stdout, stderr io.Writer

	config   string
	set      []string
	threads  int
	json     bool
	quiet    bool
	logEvery time.Duration
	begun    bool             // whether the command's own work has begun
	loaded   *config.Resolved // the configuration that the work is by; nil if there is none

	cluster *cluster.Cluster // the processes that share the work; nil for one
	apart   cluster.Launch   // of processes that could not find each other
	memory  memory.Limit     // what this one may have of the machine
}

// addSharedFlags adds the flags that all commands have.
func (s *session) addSharedFlags(flags *pflag.FlagSet) {
	flags.StringVarP(&s.config, "config", "c", "",
		"configuration: a YAML file or the name of an embedded one (default v3)")
	flags.StringArrayVar(&s.set, "set", nil,
		"set a configuration `key=value`, such as optimizer.lr=0.01; repeatable")
	flags.IntVar(&s.threads, "threads", 0,
		"number of kernel threads; 0 for one per processor that the process may use, slow ones apart")
	flags.BoolVar(&s.json, "json", false, "print only JSON on standard output")
	flags.BoolVarP(&s.quiet, "quiet", "q", false, "print no progress and no messages except warnings and errors")
	flags.DurationVar(&s.logEvery, "log-every", 30*time.Second,
		"where messages go to no terminal: time between lines of progress; 0 for none")
}

// load resolves the configuration; values are those of keys with their own flags.
func (s *session) load(path string, values map[string]any) (*config.Resolved, error) {
	if path == "" {
		path = s.config
	}
	c, err := config.Load(config.Sources{Path: path, Set: s.set, Flags: values, Names: flagNames})
	if err != nil {
		return nil, usageError{err}
	}
	for _, w := range c.Warnings {
		s.warn(w)
	}
	s.loaded = c
	return c, nil
}

// loadWeights loads the weights at a path and prints what there is to know of them.
func (s *session) loadWeights(path string) (*model.Weights, weights.Metadata, error) {
	w, m, err := weights.Load(path)
	for _, text := range m.Notes {
		s.note("%s: %s", path, text)
	}
	return w, m, err
}

// note prints a message for people, unless --quiet is given.
func (s *session) note(format string, args ...any) {
	if !s.quiet {
		fmt.Fprintf(s.stderr, format+"\n", args...)
	}
}

func (s *session) warn(text string) { console.Warn(s.stderr, text) }

// noteDepartures says which of the paper's design principles the user's own
// settings depart from.
func (s *session) noteDepartures(c *config.Resolved) {
	var departs []string
	for _, w := range c.Departures() {
		departs = append(departs, fmt.Sprintf("%d by %s", w.Principle, w.Key))
	}
	if len(departs) > 0 {
		s.note("the structure departs from the paper's design principles (%s); inception summary says how",
			strings.Join(departs, ", "))
	}
}

// print writes a result for people.
func (s *session) print(format string, args ...any) { fmt.Fprintf(s.stdout, format, args...) }

// printJSON writes a JSON document on one line.
func (s *session) printJSON(v any) error { return json.NewEncoder(s.stdout).Encode(v) }

// reporter returns what shows a training on standard error.
func (s *session) reporter() *console.Reporter {
	return &console.Reporter{
		Messages: s.stderr, Width: console.Width(s.stderr), Every: s.logEvery, Quiet: s.quiet,
	}
}

// bar returns a progress bar, which draws nothing if --quiet is given.
func (s *session) bar(text string, unit console.Unit) *console.Bar {
	if s.quiet {
		return nil
	}
	return console.NewBar(s.stderr, console.Width(s.stderr), s.logEvery, text, unit)
}
