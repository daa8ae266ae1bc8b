package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/inception-go/inception/internal/config"
	"github.com/inception-go/inception/internal/dataset"
	"github.com/spf13/cobra"
)

// readsNoConfig annotates commands that, like their subcommands, do not depend
// on the configuration.
const readsNoConfig = "reads no configuration"

func unconfigured(commands ...*cobra.Command) []*cobra.Command {
	for _, c := range commands {
		annotate(c, readsNoConfig, "true")
	}
	return commands
}

// readsOnly annotates commands that do not read all keys with those that they
// and their subcommands read; one that ends in a dot stands for all that begin so,
// but for those with an exclamation mark before them.
const readsOnly = "the keys that it reads"

func reads(c *cobra.Command, keys ...string) { annotate(c, readsOnly, strings.Join(keys, " ")) }

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

func readsConfig(c *cobra.Command) bool { return annotation(c, readsNoConfig) == "" }

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

func annotate(c *cobra.Command, name, value string) {
	if c.Annotations == nil {
		c.Annotations = map[string]string{}
	}
	c.Annotations[name] = value
}

// annotation returns that of a command or of the nearest one above it that has it.
func annotation(c *cobra.Command, name string) string {
	for ; c != nil; c = c.Parent() {
		if value := c.Annotations[name]; value != "" {
			return value
		}
	}
	return ""
}
