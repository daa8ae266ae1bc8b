package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/inception-go/inception/internal/config"
	"github.com/spf13/cobra"
)

var update = flag.Bool("update", false, "rewrite docs/commands.md")

// TestReferenceIsCurrent compares docs/commands.md with the commands.
func TestReferenceIsCurrent(t *testing.T) {
	const path = "../../docs/commands.md"
	var want bytes.Buffer
	if err := writeReference(newRoot(&session{stdout: io.Discard, stderr: io.Discard}), &want); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(path, want.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, want.Bytes()) {
		t.Errorf("%s is not what the commands say (%v): go test ./cmd/inception -run Reference -update", path, err)
	}
}

// writeReference writes the help of all commands as one page of Markdown.
func writeReference(root *cobra.Command, w io.Writer) error {
	fmt.Fprint(w,
		"# Commands\n\nThe help of every command, written by `go test ./cmd/inception -run Reference -update`.\n")
	fmt.Fprint(w, "`inception help COMMAND` prints the same, `inception manual DIR` writes it as manual pages.\n")
	for _, c := range documented(root) {
		fmt.Fprintf(w, "\n## %s\n\n%s.\n", c.CommandPath(), strings.TrimSuffix(c.Short, "."))
		if c.Long != "" {
			fmt.Fprintf(w, "\n```text\n%s\n```\n", strings.TrimSpace(c.Long))
		}
		if c.Runnable() && !c.HasSubCommands() {
			fmt.Fprintf(w, "\n    %s\n", c.UseLine())
		}
		if c.HasExample() {
			fmt.Fprintf(w, "\nExamples:\n\n```sh\n%s\n```\n", c.Example)
		}
		flags := c.LocalFlags().FlagUsages()
		if c.HasParent() {
			flags = c.NonInheritedFlags().FlagUsages()
		}
		if flags != "" {
			fmt.Fprintf(w, "\n```text\n%s```\n", flags)
		}
	}
	return nil
}

func TestCommandsReadKeysThatThereAre(t *testing.T) {
	for _, c := range documented(newRoot(&session{stdout: io.Discard, stderr: io.Discard})) {
		for _, key := range strings.Fields(c.Annotations[readsOnly]) {
			key = strings.TrimPrefix(key, "!")
			if !slices.ContainsFunc(config.Keys(), func(k config.Key) bool {
				return k.Name == key || strings.HasSuffix(key, ".") && strings.HasPrefix(k.Name, key)
			}) {
				t.Errorf("%s reads %s, which is no key", c.CommandPath(), key)
			}
		}
	}
}

// TestEveryCommandExplainsItself: one that takes flags of its own has examples
// that call it by its name, and every flag has a meaning.
func TestEveryCommandExplainsItself(t *testing.T) {
	root := newRoot(&session{stdout: io.Discard, stderr: io.Discard})
	for _, c := range documented(root) {
		own := strings.HasPrefix(c.CommandPath(), "inception completion") || c.Name() == "help"
		if c.Short == "" || strings.HasSuffix(c.Short, ".") {
			t.Errorf("%s: what it does is %q", c.CommandPath(), c.Short)
		}
		if !own && c.Runnable() && !c.HasSubCommands() && len(c.Example) == 0 && c.HasAvailableLocalFlags() &&
			strings.Count(c.NonInheritedFlags().FlagUsages(), "\n") > 1 {
			t.Errorf("%s has flags, but no example", c.CommandPath())
		}
		if c.Example != "" && !strings.Contains(c.Example, c.CommandPath()) {
			t.Errorf("%s: no example calls it", c.CommandPath())
		}
		for _, line := range strings.Split(c.NonInheritedFlags().FlagUsages(), "\n") {
			if fields := strings.Fields(line); len(fields) > 0 && len(fields) < 3 {
				t.Errorf("%s: the flag %q has no meaning", c.CommandPath(), line)
			}
		}
	}
	var page bytes.Buffer
	if err := writeMan(root, &page); err != nil || !strings.Contains(page.String(), `.TH "INCEPTION" "1"`) {
		t.Errorf("the manual page is %q, %v", page.String(), err)
	}
}
