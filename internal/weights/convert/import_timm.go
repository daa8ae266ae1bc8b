package convert

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"

	"github.com/inception-go/inception/internal/picture"
	"github.com/inception-go/inception/internal/textfile"
	"github.com/inception-go/inception/internal/weights"
)

// timmConfigFile is what timm keeps beside its weights.
const timmConfigFile = "config.json"

// timmConfig is the part of timm's configuration that says what the images
// and the classes of weights are. It stands under pretrained_cfg; older
// versions have all of it at the top.
type timmConfig struct {
	Classes       *int            `json:"num_classes"`
	LabelNames    json.RawMessage `json:"label_names"` // a list, or an object by index
	PretrainedCfg *timmConfig     `json:"pretrained_cfg"`

	InputSize     []int     `json:"input_size"` // channels, height, width
	Mean          []float64 `json:"mean"`
	Std           []float64 `json:"std"`
	CropPct       float64   `json:"crop_pct"`
	CropMode      string    `json:"crop_mode"`
	Interpolation string    `json:"interpolation"`
}

// readTimmConfig returns the configuration beside a weight file, nil if there
// is none or it is another tool's.
func readTimmConfig(file string) (*timmConfig, error) {
	path := filepath.Join(filepath.Dir(file), timmConfigFile)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	const most = 4 << 20
	text, err := io.ReadAll(io.LimitReader(f, most))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	c, err := parseTimmConfig(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; mend it, or say --preprocess, or --from torchvision if it is "+
			"not of these weights", path, err)
	}
	return c, nil
}

// parseTimmConfig reads a configuration of either layout.
func parseTimmConfig(text []byte) (*timmConfig, error) {
	var c timmConfig
	if err := json.Unmarshal(text, &c); err != nil {
		return nil, textfile.JSONError(err)
	}
	if inner := c.PretrainedCfg; inner != nil {
		inner.Classes, inner.LabelNames = c.Classes, c.LabelNames
		c = *inner
	}
	if c.Mean == nil && c.Std == nil {
		return nil, nil
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	return &c, nil
}

// check fills in timm's defaults and refuses what cannot be carried out.
func (c *timmConfig) check() error {
	if c.InputSize == nil {
		c.InputSize = []int{3, 299, 299}
	}
	if c.CropPct == 0 {
		c.CropPct = 0.875
	}
	if c.Interpolation == "" {
		c.Interpolation = picture.Bicubic
	}
	switch size := c.InputSize; {
	case len(size) != 3 || size[0] != 3 || size[1] != size[2]:
		return fmt.Errorf("input_size must be [3, N, N], is %v", size)
	case len(c.Mean) != 3 || len(c.Std) != 3:
		return fmt.Errorf("mean and std must be three numbers each, are %v and %v", c.Mean, c.Std)
	case c.CropMode != "" && c.CropMode != "center":
		return fmt.Errorf("crop_mode %q is not known here, only center", c.CropMode)
	}
	return c.preprocess().Validate()
}

// preprocess returns what timm does to images. It rounds down the size that
// it resizes to, where torchvision rounds: the share that the crop shows says
// the same.
func (c *timmConfig) preprocess() picture.Preprocess {
	p := picture.TorchvisionPreprocess(c.InputSize[1])
	p.Name = Timm
	p.Mean, p.Std = [3]float64(c.Mean), [3]float64(c.Std)
	p.Interpolation = c.Interpolation
	p.CropPct = c.CropPct
	if resize := math.Floor(float64(p.Size) / c.CropPct); p.CropPct > 0 && resize >= 1 {
		p.CropPct = float64(p.Size) / resize
	}
	return p
}

var errNoTimmConfig = fmt.Errorf("timm's weights differ in preprocessing and have no %s beside them: put it there, or "+
	"say --preprocess imagenet (gluon_in1k) or --preprocess inception (tf_in1k, tf_adv_in1k, tv_in1k)", timmConfigFile)

// statement is what the configuration says about weights.
func (c *timmConfig) statement(m *weights.Metadata) statement {
	s := statement{who: "timm's " + timmConfigFile, Preprocess: c.preprocess()}
	if labels := c.labels(); len(labels) == m.Spec.Classes && !m.NoHead {
		s.labels = labels
	}
	return s
}

// misfits say what of the configuration does not fit the weights.
func (c *timmConfig) misfits(m *weights.Metadata) (notes []string) {
	if m.NoHead {
		return nil
	}
	if c.Classes != nil && *c.Classes != m.Spec.Classes {
		notes = append(notes, fmt.Sprintf("warning: %s says %d classes, the weights have %d, which counts", timmConfigFile,
			*c.Classes, m.Spec.Classes))
	}
	if labels := c.labels(); len(labels) > 0 && len(labels) != m.Spec.Classes {
		notes = append(notes, fmt.Sprintf("warning: %s has %d label_names, the weights have %d classes, so they are not used",
			timmConfigFile, len(labels), m.Spec.Classes))
	}
	return notes
}

// labels returns the names of the classes. timm may leave gaps between
// indices; then there are none.
func (c *timmConfig) labels() []string {
	var labels []string
	if json.Unmarshal(c.LabelNames, &labels) != nil {
		var byIndex map[int]string
		if json.Unmarshal(c.LabelNames, &byIndex) != nil {
			return nil
		}
		labels = nil
		for i := range len(byIndex) {
			name, ok := byIndex[i]
			if !ok {
				return nil
			}
			labels = append(labels, name)
		}
	}
	return labels
}
