package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/inception-go/inception/internal/config"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// documentedCommand matches a command that a page shows: an indented line, or
// code in a sentence.
var documentedCommand = regexp.MustCompile("(?m)(?:^  (?:  )?|`)(?:(?:[A-Z_]+=\\S+ )|time |run=\\$\\()*(?:go run \\./cmd/inception|inception) ([a-z][^`\n#|>&)]*)")

// TestDocumentedCommandsAreCalledRightly: every command in README and docs has a
// name, flags, configurations and keys that exist.
func TestDocumentedCommandsAreCalledRightly(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, page := range append(pages, "../../README.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		// A line that ends in a backslash goes on.
		joined := regexp.MustCompile(`\\\n\s*`).ReplaceAllString(string(text), " ")
		for _, found := range documentedCommand.FindAllStringSubmatch(joined, -1) {
			seen++
			if err := called(strings.Fields(found[1])); err != nil {
				t.Errorf("%s: inception %s: %v", filepath.Base(page), found[1], err)
			}
		}
	}
	if seen < 60 {
		t.Errorf("only %d commands were found", seen)
	}
}

// called returns what is wrong with a call, without doing it.
func called(words []string) error {
	root := newRoot(&session{stdout: io.Discard, stderr: io.Discard})
	root.InitDefaultHelpCmd()
	for i, word := range words {
		words[i] = strings.Trim(word, `"'`)
	}
	c, rest, err := root.Find(words)
	if err != nil {
		return err
	}
	if c == root || c.HasSubCommands() && !c.HasAvailableLocalFlags() && len(rest) > 0 {
		return unknownCommand(c, words[0])
	}
	var cut *pflag.ValueRequiredError // the sentence goes on in the next line
	if err := c.ParseFlags(rest); err != nil && !errors.As(err, &cut) {
		return explainFlag(c, err)
	}
	return namesExist(c)
}

// namesExist checks the configuration and the keys that a call names.
func namesExist(c *cobra.Command) error {
	var sources config.Sources
	sources.Env = []string{}
	if f := c.Flags().Lookup("config"); f != nil && f.Changed {
		sources.Path = strings.TrimPrefix(f.Value.String(), "configs/")
	}
	set, _ := c.Flags().GetStringArray("set")
	for _, text := range set {
		if key, _, _ := strings.Cut(text, "="); !strings.Contains(key, ":") && strings.ToUpper(key) != key {
			if !known[key] && key != "label_smoothing" {
				return fmt.Errorf("no key is called %s", key)
			}
		}
	}
	if strings.ContainsAny(sources.Path, "/.") || sources.Path == strings.ToUpper(sources.Path) || sources.Path == "my" {
		return nil // a file of the reader's own
	}
	_, err := config.Load(sources)
	return err
}

var known = func() map[string]bool {
	keys := map[string]bool{}
	for _, k := range config.Keys() {
		keys[k.Name] = true
	}
	return keys
}()
