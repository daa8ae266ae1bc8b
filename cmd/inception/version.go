package main

import (
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/inception-go/inception/internal/atomicfile"
	"github.com/inception-go/inception/internal/shell"
	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

func newVersion(s *session) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the program's version", Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			platform := runtime.GOOS + "/" + runtime.GOARCH
			if s.json {
				return s.printJSON(map[string]string{"version": version(), "go": runtime.Version(), "platform": platform})
			}
			s.print("inception %s (%s, %s)\n", version(), runtime.Version(), platform)
			return nil
		},
	}
}

// program returns how this program was called, for the next command to type.
func program() string {
	if exe, err := os.Executable(); err == nil && strings.Contains(exe, string(filepath.Separator)+"go-build") {
		return "go run ./cmd/inception"
	}
	return "inception"
}

// commandLine returns what was typed.
func commandLine() string {
	words := []string{program()}
	for _, arg := range os.Args[1:] {
		words = append(words, shell.Quote(arg))
	}
	return strings.Join(words, " ")
}

// released is the version of a released program, which the linker sets.
var released string

// version is that of the release, the module's, or the commit it was built from.
func version() string {
	if released != "" {
		return released
	}
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

// newManual is `inception manual`, for those who package the program.
func newManual(s *session) *cobra.Command {
	return &cobra.Command{
		Use: "manual DIR", Short: "Write the manual pages, inception.1 and one for each command", Hidden: true,
		Example: "  inception manual /usr/local/share/man/man1",
		Args:    oneArg("a folder"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o777); err != nil {
				return err
			}
			pages := 0
			for _, of := range documented(c.Root()) {
				name := strings.ReplaceAll(of.CommandPath(), " ", "-") + ".1"
				err := atomicfile.Write(filepath.Join(args[0], name), func(w io.Writer) error { return writeMan(of, w) })
				if err != nil {
					return err
				}
				pages++
			}
			s.note("wrote %d pages in %s", pages, shell.Quote(args[0]))
			return nil
		},
	}
}

// documented lists a command and those below it that are not hidden.
func documented(c *cobra.Command) []*cobra.Command {
	c.DisableAutoGenTag = true // the pages say nothing of the day on which they were written
	c.InitDefaultHelpFlag()
	all := []*cobra.Command{c}
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			all = append(all, documented(sub)...)
		}
	}
	return all
}

// writeMan writes the manual page of a command.
func writeMan(c *cobra.Command, w io.Writer) error {
	day := committed()
	header := &doc.GenManHeader{Section: "1", Source: "inception " + version(), Manual: "inception", Date: &day}
	return doc.GenMan(c, header, w)
}

// committed returns when what the program was built from was committed, so that
// one version has the same pages on every day.
func committed() time.Time {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, setting := range info.Settings {
			if t, err := time.Parse(time.RFC3339, setting.Value); err == nil && setting.Key == "vcs.time" {
				return t
			}
		}
	}
	return time.Unix(0, 0)
}
