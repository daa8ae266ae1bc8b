package main

import (
	"bytes"
	"flag"
	"io"
	"os"
	"strings"
	"testing"
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
