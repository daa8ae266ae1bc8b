package report

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/inception-go/inception/internal/rundir"
)

// Earlier is another run that a run can be compared with.
type Earlier struct {
	Dir     string
	Top1    float64  // of its best validation
	Differs []string // the keys whose values are others
}

// mostEarlier is how many runs are looked at.
const mostEarlier = 50

// FindEarlier returns the newest run beside dir that was validated on the same
// images as one of this configuration: one of the same settings if there is any,
// whatever its seed. It returns nil if there is none.
func FindEarlier(dir string, config []byte) *Earlier {
	own := flat(config)
	dirs, err := rundir.NewestFirst(filepath.Dir(filepath.Clean(dir)))
	if err != nil || own == nil {
		return nil
	}
	var nearest *Earlier
	for _, other := range dirs[:min(mostEarlier, len(dirs))] {
		if filepath.Clean(other) == filepath.Clean(dir) {
			continue
		}
		e := compare(other, own)
		if e == nil || nearest != nil && len(e.Differs) > 0 {
			continue
		}
		if nearest = e; len(e.Differs) == 0 {
			break
		}
	}
	return nearest
}

// compare returns a run, or nil if it has other images or no validation.
func compare(dir string, own map[string]string) *Earlier {
	text, err := os.ReadFile(filepath.Join(dir, rundir.Config))
	if err != nil {
		return nil
	}
	theirs := flat(text)
	e := &Earlier{Dir: dir}
	for key, value := range own {
		switch {
		case theirs[key] == value || key == "train.seed":
		case slices.Contains([]string{
			"data.train", "data.val", "data.val_fraction", "data.val_seed", "eval.max_images", "model.classes",
		}, key):
			return nil
		case !slices.Contains([]string{"data.workers", "train.log_every", "train.checkpoint_every", "train.max_time"}, key):
			e.Differs = append(e.Differs, key)
		}
	}
	slices.Sort(e.Differs)
	lines, err := ReadMetrics(filepath.Join(dir, rundir.Metrics))
	val := split(lines, "val")
	if err != nil || len(val) == 0 {
		return nil
	}
	for _, l := range val {
		e.Top1 = max(e.Top1, l.Top1)
	}
	return e
}

// flat returns the values of a YAML document under dotted keys, as text; nil if
// it is not one.
func flat(text []byte) map[string]string {
	var tree map[string]any
	if yaml.Unmarshal(text, &tree) != nil {
		return nil
	}
	values := map[string]string{}
	var walk func(prefix string, tree map[string]any)
	walk = func(prefix string, tree map[string]any) {
		for name, value := range tree {
			if section, ok := value.(map[string]any); ok {
				walk(prefix+name+".", section)
				continue
			}
			values[prefix+name] = fmt.Sprint(value)
		}
	}
	walk("", tree)
	return values
}
