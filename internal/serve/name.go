package serve

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// ModelName returns the name that a model has in addresses: the one that is given, or
// one after its weight file or run folder.
func ModelName(given, path string) (string, error) {
	name := given
	if name == "" {
		if full, err := filepath.Abs(path); err == nil {
			path = full
		}
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			path = strings.TrimSuffix(path, filepath.Ext(path))
		}
		// What cannot stand in an address becomes a dash.
		name = strings.Trim(regexp.MustCompile(`[^A-Za-z0-9._-]+`).ReplaceAllString(filepath.Base(path), "-"), "-")
	}
	if !regexp.MustCompile(`^[A-Za-z0-9._-]*[A-Za-z0-9_-][A-Za-z0-9._-]*$`).MatchString(name) {
		return "", fmt.Errorf("must consist of letters, digits, dots, dashes and underscores, is %q", name)
	}
	return name, nil
}
