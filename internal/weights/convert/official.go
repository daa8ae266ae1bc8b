package convert

import (
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/inception-go/inception/internal/fetch"
)

// TorchvisionServer is where torchvision's own weight files lie.
const TorchvisionServer = "https://download.pytorch.org/models"

// defaultOfficial is the file that Official takes for an empty name.
const defaultOfficial = "inception_v3"

// officialFiles are torchvision's files by its names of the networks. A name
// ends in the first digits of its file's SHA-256.
var officialFiles = map[string]string{
	"inception_v3": "inception_v3_google-0cc3c7bd.pth",
	"googlenet":    "googlenet-1378be20.pth",
}

var checksumInName = regexp.MustCompile(`-([0-9a-f]{8})\.pth$`)

// Official returns where an official file comes from and where it goes to.
// path is a network's name, for a file in the current folder, or a path that
// ends in a file's own name. server is TorchvisionServer or a mirror of it.
func Official(path, server string) (fetch.File, error) {
	if path == "" {
		path = defaultOfficial
	}
	if file, ok := officialFiles[path]; ok {
		path = file
	}
	name := filepath.Base(path)
	known := slices.Sorted(maps.Values(officialFiles))
	if !slices.Contains(known, name) {
		return fetch.File{}, fmt.Errorf("there is no official file called %q; there are %s (%s)", name,
			strings.Join(known, ", "), strings.Join(slices.Sorted(maps.Keys(officialFiles)), ", "))
	}
	checksum := checksumInName.FindStringSubmatch(name)[1]
	return fetch.File{URL: strings.TrimRight(server, "/") + "/" + name, Path: path, SHA256: checksum}, nil
}
