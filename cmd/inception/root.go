package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/inception-go/inception/internal/cluster"
	"github.com/inception-go/inception/internal/config"
	"github.com/inception-go/inception/internal/console"
	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/kernel"
	"github.com/inception-go/inception/internal/memory"
	"github.com/inception-go/inception/internal/parallel"
	"github.com/inception-go/inception/internal/rundir"
	"github.com/inception-go/inception/internal/settings"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// The exit statuses; after a signal it is 128 and the signal's number.
const (
	statusFailure = 1
	statusUsage   = 2
)

// usageError is a wrong call or configuration.
type usageError struct{ error }

// signalled is the cause of a context that a signal has ended.
type signalled struct{ syscall.Signal }

func (s signalled) Error() string { return "stopped by " + s.Signal.String() }

// run executes a command line and returns the exit status.
func run(args []string, stdout, stderr io.Writer) int {
	stdout, stderr = console.NewPlain(stdout), console.NewPlain(stderr)
	ctx, stop := withSignals(context.Background(), stderr)
	defer stop()
	s := &session{stdin: os.Stdin, stdout: stdout, stderr: stderr}
	root := newRoot(s)
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	c, err := root.ExecuteContextC(ctx)
	if err != nil && !s.begun && s.apart.Size == 0 {
		err = wrongCall(c, err)
	}
	return s.end(err, stderr)
}

// status prints an error on one line and returns the exit status for it.
func status(err error, stderr io.Writer) int {
	var by signalled
	var usage usageError
	var key *settings.KeyError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &by):
		return 128 + int(by.Signal)
	}
	for line := range strings.Lines(err.Error()) { // of several files each has its own
		console.Styled(stderr, console.Failure, "inception:")
		fmt.Fprintln(stderr, "", strings.TrimSuffix(line, "\n"))
	}
	if errors.As(err, &usage) || errors.As(err, &key) || errors.Is(err, rundir.ErrHoldsRun) {
		return statusUsage
	}
	return statusFailure
}

// withSignals returns a context that ends with the first Ctrl-C, SIGTERM, or
// SIGHUP (the terminal's end) unless nohup ignores that. The second one ends the
// process.
func withSignals(parent context.Context, stderr io.Writer) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	for _, s := range hangups {
		if !signal.Ignored(s) {
			signal.Notify(signals, s)
		}
	}
	go func() {
		for s := range signals {
			number, _ := s.(syscall.Signal)
			if ctx.Err() != nil {
				os.Exit(128 + int(number))
			}
			fmt.Fprintln(stderr, "\nstopping; press Ctrl-C again to stop at once")
			cancel(signalled{number})
		}
	}()
	return ctx, func() { signal.Stop(signals); close(signals); cancel(nil) }
}

// outliveReaders makes writing to a closed standard output or error a failed
// write in place of the process's end: a training is worth more than its words.
func outliveReaders() {
	for _, s := range brokenPipes {
		signal.Ignore(s)
	}
}

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

func newRoot(s *session) *cobra.Command {
	root := &cobra.Command{
		Use:   "inception",
		Short: "Train, evaluate and explain Inception V2 and V3",
		Long: `Inception V2 and V3 (Szegedy et al., "Rethinking the Inception Architecture for
Computer Vision") on an ordinary CPU: train, evaluate, ablate, explain and export them.`,
		Example: `  inception train --config quickstart
  inception train --config flowers5 --data path/to/flowers
  inception eval --weights runs/flowers5-20260102-150405`,
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(c *cobra.Command, _ []string) error {
			if err := missingFlags(c); err != nil {
				return err
			}
			if err := s.join(c); err != nil {
				return err
			}
			s.warnOfUnread(c)
			return s.prepare()
		},
	}
	flags := root.PersistentFlags()
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
	root.SetGlobalNormalizationFunc(normalize)
	root.SetFlagErrorFunc(explainFlag)
	root.AddCommand(together(newTrain(s)), together(newEval(s)), together(newAblate(s)), newLRFind(s), newProbe(s),
		newSummary(s), together(newBench(s)), newConfig(s))
	root.AddCommand(unconfigured(
		together(newPredict(s)), newExplain(s), newServe(s), together(newFeatures(s)), newQuantize(s),
		newImport(s), newExport(s), newCheck(s),
		newDataset(s), newDoctor(s), newCompare(s), newVersion(s), newManual(s))...)
	root.InitDefaultCompletionCmd()
	groups(root)
	root.SetHelpCommand(newHelp(root))
	completeValues(root)
	s.begins(root)
	return root
}

// normalize makes names of flags that other tools have other spellings of ours.
func normalize(_ *pflag.FlagSet, name string) pflag.NormalizedName {
	switch name {
	case "batch-size", "bs":
		name = "batch"
	case "size", "imgsz", "img-size", "image-size":
		name = "input-size"
	}
	return pflag.NormalizedName(name)
}

// begins records when the work of a command begins: an error before that is an
// error in the call. What the configuration knows of missing data is added to others.
func (s *session) begins(c *cobra.Command) {
	if work := c.RunE; work != nil {
		c.RunE = func(c *cobra.Command, args []string) error {
			s.begun = true
			err := work(c, args)
			if s.loaded != nil {
				err = s.loaded.MissingData(err)
			}
			return err
		}
	}
	for _, sub := range c.Commands() {
		s.begins(sub)
	}
}

// readsNoConfig annotates commands that, like their subcommands, do not depend
// on the configuration.
const readsNoConfig = "reads no configuration"

func unconfigured(commands ...*cobra.Command) []*cobra.Command {
	for _, c := range commands {
		annotate(c, readsNoConfig, "true")
	}
	return commands
}

func annotate(c *cobra.Command, name, value string) {
	if c.Annotations == nil {
		c.Annotations = map[string]string{}
	}
	c.Annotations[name] = value
}

func readsConfig(c *cobra.Command) bool { return annotation(c, readsNoConfig) == "" }

// annotation returns that of a command or of the nearest one above it that has it.
func annotation(c *cobra.Command, name string) string {
	for ; c != nil; c = c.Parent() {
		if value := c.Annotations[name]; value != "" {
			return value
		}
	}
	return ""
}

// readsOnly annotates commands that do not read all keys with those that they
// and their subcommands read; one that ends in a dot stands for all that begin so,
// but for those with an exclamation mark before them.
const readsOnly = "the keys that it reads"

func reads(c *cobra.Command, keys ...string) { annotate(c, readsOnly, strings.Join(keys, " ")) }

// readsKey reports whether a command depends on a key of the configuration.
func readsKey(c *cobra.Command, key string) bool {
	keys := strings.Fields(annotation(c, readsOnly))
	if len(keys) == 0 {
		return readsConfig(c)
	}
	if slices.Contains(keys, "!"+key) {
		return false
	}
	return slices.ContainsFunc(keys, func(k string) bool {
		return k == key || strings.HasSuffix(k, ".") && strings.HasPrefix(key, k)
	})
}

// pictureKeys are what commands that read no configuration take of it if they
// decode pictures.
var pictureKeys = []string{"data.truncated", "data.max_pixels", "data.decode_mib"}

// pictureOptions returns the limits to pictures that are set.
func (s *session) pictureOptions() (dataset.Options, error) {
	var set []string
	for _, assignment := range s.set {
		if assigns(assignment, pictureKeys...) {
			set = append(set, assignment)
		}
	}
	c, err := config.Load(config.Sources{Set: set})
	if err != nil {
		return dataset.Options{}, usageError{err}
	}
	return c.Data, nil
}

// warnOfUnread warns of flags that every command accepts and this one ignores. Of a
// key that there is not, who reads the configuration gets an error soon.
func (s *session) warnOfUnread(c *cobra.Command) {
	if c.Flags().Changed("config") && !readsConfig(c) {
		s.warn("--config has no effect on " + c.CommandPath())
	}
	for _, assignment := range s.set {
		key := keyOf(assignment)
		exists := slices.ContainsFunc(config.Keys(), func(k config.Key) bool { return k.Name == key })
		if !readsKey(c, key) && (exists || !readsConfig(c)) {
			s.warn(fmt.Sprintf("--set %s has no effect on %s", key, c.CommandPath()))
		}
	}
}

// prepare sets what this process takes of the machine: the instruction set, the
// memory and the threads. Ranks of one machine share it.
func (s *session) prepare() error {
	if err := kernel.ISAError(); err != nil {
		return err
	}
	limits, things := memory.Limits(), []string{cluster.Processors()}
	for _, l := range limits {
		things = append(things, l.Common)
	}
	sharing, err := s.cluster.Sharing(things)
	if err != nil {
		return err
	}
	s.memory = memory.Share(limits, sharing[1:])
	memory.Respect(s.memory)
	const most = 1024
	if v := os.Getenv("INCEPTION_THREADS"); v != "" && s.threads == 0 {
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 || n > most {
			return fmt.Errorf("INCEPTION_THREADS=%q: must be a whole number from 0 to %d", v, most)
		}
		s.threads = n
	}
	if s.threads < 0 || s.threads > most {
		return fmt.Errorf("--threads: must be from 0 to %d, is %d", most, s.threads)
	}
	threads := s.threads
	if threads == 0 && s.cluster.Size() > 1 {
		threads = max(1, parallel.Default()/sharing[0])
	}
	parallel.SetThreads(threads)
	return nil
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

// warnOfOldSplit says if a run's own configuration is of a time when train.seed
// chose the held-out images: now others are.
func (s *session) warnOfOldSplit(c *config.Resolved) {
	if c.Origin["data.val_seed"].Kind != config.FromDefault || c.Data.ValFraction == 0 || c.Data.Val != "" {
		return
	}
	own, err := dataset.OpenTraining(c.Data)
	if err == nil && own.ValPart == dataset.HeldOut {
		s.warn("the run was begun by an older version, which held out other images: " +
			"its validation shows images that it has trained on")
	}
}

// note prints a message for people, unless --quiet is given.
func (s *session) note(format string, args ...any) {
	if !s.quiet {
		fmt.Fprintf(s.stderr, format+"\n", args...)
	}
}

func (s *session) warn(text string) { console.Warn(s.stderr, text) }

// reporter returns what shows a training on standard error.
func (s *session) reporter() *console.Reporter {
	return &console.Reporter{
		Messages: s.stderr, Width: console.Width(s.stderr), Every: s.logEvery, Quiet: s.quiet,
	}
}

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

// bar returns a progress bar, which draws nothing if --quiet is given.
func (s *session) bar(text string, unit console.Unit) *console.Bar {
	if s.quiet {
		return nil
	}
	return console.NewBar(s.stderr, console.Width(s.stderr), s.logEvery, text, unit)
}
