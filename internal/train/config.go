package train

import (
	"github.com/inception-go/inception/internal/cluster"
	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/evaluate"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/settings"
)

// Config is a whole configuration: what is trained, on what, how, and how it
// is validated.
type Config struct {
	Model  model.Spec      `yaml:"model" json:"model"` // Classes may be 0: as many as the data has
	Data   dataset.Options `yaml:"data" json:"data"`
	Recipe `yaml:",inline"`
	Eval   evaluate.Options `yaml:"eval" json:"eval"`

	Cluster cluster.Options `yaml:"cluster" json:"cluster"`
}

// DefaultConfig returns the defaults, which are the paper's where it has any;
// variant chooses the network's.
func DefaultConfig(variant string) (Config, error) {
	spec, err := model.DefaultSpec(variant)
	return Config{
		Model: spec, Data: dataset.DefaultOptions(), Recipe: DefaultRecipe(), Eval: evaluate.DefaultOptions(),
		Cluster: cluster.DefaultOptions(),
	}, err
}

// Validate returns the first thing wrong with the values, a settings.KeyError.
func (c Config) Validate() error {
	for _, validate := range []func() error{
		c.Model.Validate, c.Model.CheckSize, c.checkSizes, c.Data.Validate, c.Recipe.Validate,
		c.Eval.Validate, c.Cluster.Validate,
	} {
		if err := validate(); err != nil {
			return err
		}
	}
	return nil
}

// YAML writes the configuration with every key and its meaning, so that
// loading it gives the same values.
func (c Config) YAML() []byte { return settings.YAML(&c) }

// Absolute returns the configuration with absolute paths, so that it means
// the same in every folder.
func (c Config) Absolute() Config {
	c.Data.Train, c.Data.Val = dataset.Absolute(c.Data.Train), dataset.Absolute(c.Data.Val)
	return c
}
