package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"

	"github.com/inception-go/inception/internal/config"
	"github.com/inception-go/inception/internal/kernel"
	"github.com/inception-go/inception/internal/parallel"
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
	stdout, stderr = &plain{to: stdout}, &plain{to: stderr}
	ctx, stop := withSignals(context.Background(), stderr)
	defer stop()
	s := &session{stdout: stdout, stderr: stderr}
	root := newRoot(s)
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err != nil && !s.begun {
		// The flags, the arguments or the command's name. Cobra's guesses of
		// what was meant come in lines of their own.
		err = usageError{errors.New(strings.Join(strings.Fields(err.Error()), " "))}
	}
	return status(err, stderr)
}

// status prints an error on one line and returns the exit status for it.
func status(err error, stderr io.Writer) int {
	var by signalled
	var usage usageError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &by):
		return 128 + int(by.Signal)
	case errors.As(err, &usage):
		fmt.Fprintln(stderr, "inception:", err)
		return statusUsage
	}
	fmt.Fprintln(stderr, "inception:", err)
	return statusFailure
}

// withSignals returns a context that the first Ctrl-C or SIGTERM ends, or the
// terminal's end (SIGHUP) unless nohup has it ignored. The second one ends the
// process.
func withSignals(parent context.Context, stderr io.Writer) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(signals, syscall.SIGHUP)
	}
	go func() {
		for s := range signals {
			number, _ := s.(syscall.Signal)
			if ctx.Err() != nil {
				os.Exit(128 + int(number))
			}
			fmt.Fprintln(stderr, "\nstopping; once more to stop at once")
			cancel(signalled{number})
		}
	}()
	return ctx, func() { signal.Stop(signals); close(signals); cancel(nil) }
}

// outliveReaders makes writing to a closed standard output or error a failed
// write in place of the process's end: a training is worth more than its words.
func outliveReaders() { signal.Ignore(syscall.SIGPIPE) }

// session holds the streams and the flags that every command has.
type session struct {
	stdout, stderr io.Writer

	config  string
	set     []string
	threads int
	json    bool
	quiet   bool
	begun   bool // the command's own work
}

func newRoot(s *session) *cobra.Command {
	root := &cobra.Command{
		Use:   "inception",
		Short: "Train, evaluate and explain Inception V2 and V3",
		Long: `Inception V2 and V3 (Szegedy et al., "Rethinking the Inception Architecture for
Computer Vision") on an ordinary CPU: training, evaluation, speed.`,
		Example: `  inception train --config quickstart
  inception train --config flowers5 --data path/to/flowers
  inception eval --weights runs/flowers5-20260102-150405`,
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(c *cobra.Command, _ []string) error {
			s.warnOfUnread(c)
			return s.prepare()
		},
	}
	flags := root.PersistentFlags()
	flags.StringVarP(&s.config, "config", "c", "",
		"configuration: a YAML file or the name of an embedded one (default v3)")
	flags.StringArrayVar(&s.set, "set", nil,
		"set a `key=value` of the configuration, such as optimizer.lr=0.01; repeatable")
	flags.IntVar(&s.threads, "threads", 0, "threads of the kernels; 0 for one per processor")
	flags.BoolVar(&s.json, "json", false, "print JSON on standard output and nothing else there")
	flags.BoolVarP(&s.quiet, "quiet", "q", false, "no progress, no messages but warnings and errors")
	root.SetGlobalNormalizationFunc(normalize)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return fmt.Errorf("%w; see %s --help", err, c.CommandPath())
	})
	root.AddCommand(newTrain(s), newEval(s), newAblate(s), newLRFind(s), newSummary(s), newBench(s), newConfig(s))
	root.AddCommand(unconfigured(
		newPredict(s), newFeatures(s), newImport(s), newExport(s), newDataset(s), newDoctor(s))...)
	root.CompletionOptions.HiddenDefaultCmd = true
	s.begins(root)
	return root
}

// normalize makes --batch-size another spelling of --batch.
func normalize(_ *pflag.FlagSet, name string) pflag.NormalizedName {
	if name == "batch-size" {
		name = "batch"
	}
	return pflag.NormalizedName(name)
}

// begins notes when the work of a command begins: whatever is wrong before
// that is wrong with the call.
func (s *session) begins(c *cobra.Command) {
	if work := c.RunE; work != nil {
		c.RunE = func(c *cobra.Command, args []string) error {
			s.begun = true
			return work(c, args)
		}
	}
	for _, sub := range c.Commands() {
		s.begins(sub)
	}
}

// readsNoConfig annotates commands whose work no configuration changes, nor
// that of the commands below them.
const readsNoConfig = "reads no configuration"

func unconfigured(commands ...*cobra.Command) []*cobra.Command {
	for _, c := range commands {
		c.Annotations = map[string]string{readsNoConfig: "true"}
	}
	return commands
}

func readsConfig(c *cobra.Command) bool {
	for ; c != nil; c = c.Parent() {
		if c.Annotations[readsNoConfig] != "" {
			return false
		}
	}
	return true
}

// warnOfUnread says if the command does not read what every command accepts.
func (s *session) warnOfUnread(c *cobra.Command) {
	if readsConfig(c) {
		return
	}
	for _, flag := range []string{"config", "set"} {
		if c.Flags().Changed(flag) {
			s.warn(fmt.Sprintf("--%s: changes nothing in %s", flag, c.CommandPath()))
		}
	}
}

// prepare settles what the kernels use.
func (s *session) prepare() error {
	if err := kernel.ISAError(); err != nil {
		return err
	}
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
	parallel.SetThreads(s.threads)
	return nil
}

// load resolves the configuration; values are those of flags of their own.
func (s *session) load(path string, values map[string]any) (*config.Resolved, error) {
	if path == "" {
		path = s.config
	}
	c, err := config.Load(config.Sources{Path: path, Set: s.set, Flags: values})
	if err != nil {
		return nil, usageError{err}
	}
	for _, w := range c.Warnings {
		s.warn(w)
	}
	return c, nil
}

// note tells people something, unless they want quiet.
func (s *session) note(format string, args ...any) {
	if !s.quiet {
		fmt.Fprintf(s.stderr, format+"\n", args...)
	}
}

func (s *session) warn(text string) { fmt.Fprintln(s.stderr, "warning:", text) }

// print writes a result for people.
func (s *session) print(format string, args ...any) { fmt.Fprintf(s.stdout, format, args...) }

// printJSON writes a document on one line.
func (s *session) printJSON(v any) error { return json.NewEncoder(s.stdout).Encode(v) }

// terminal reports whether messages go to a terminal.
func (s *session) terminal() bool { return isTerminal(s.stderr) }

// program is how this program was called: what to type next begins with it.
func program() string {
	if exe, err := os.Executable(); err == nil && strings.Contains(exe, string(filepath.Separator)+"go-build") {
		return "go run ./cmd/inception"
	}
	return "inception"
}

// version is the module's version, or the commit it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" {
			return setting.Value[:min(12, len(setting.Value))]
		}
	}
	return "devel"
}
