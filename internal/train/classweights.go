package train

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/settings"
)

// ClassWeights is train.class_weights: a name, or numbers in YAML's brackets.
type ClassWeights string

// The names of ClassWeights.
const (
	ClassWeightsNone     ClassWeights = "none"
	ClassWeightsBalanced ClassWeights = "balanced"
)

// TypeName implements settings.Value.
func (ClassWeights) TypeName() string { return "none, balanced or a list of numbers" }

// Text implements settings.Value.
func (w ClassWeights) Text() string { return string(w) }

// UnmarshalYAML takes a name or a list of numbers.
func (w *ClassWeights) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*w = ClassWeights(n.Value)
		if *w != ClassWeightsNone && *w != ClassWeightsBalanced {
			return errors.New("is unknown")
		}
		return nil
	}
	var list []float64
	if err := n.Decode(&list); err != nil {
		return err
	}
	var numbers []string
	for _, v := range list {
		numbers = append(numbers, fmt.Sprintf("%g", v))
	}
	*w = ClassWeights("[" + strings.Join(numbers, ", ") + "]")
	return nil
}

// list returns the numbers, if that is what w is.
func (w ClassWeights) list() (list []float64, err error) {
	if !strings.HasPrefix(string(w), "[") {
		return nil, nil
	}
	return list, yaml.Unmarshal([]byte(w), &list)
}

func (w ClassWeights) validate() error {
	list, err := w.list()
	if err != nil {
		return settings.Errorf("train.class_weights", "%w", err)
	}
	sum := 0.0
	for _, v := range list {
		if !(v >= 0 && v <= math.MaxFloat32) {
			return settings.Errorf("train.class_weights", "must be numbers from 0 on, one is %g", v)
		}
		sum += v
	}
	if list != nil && sum == 0 {
		return settings.Errorf("train.class_weights", "must not all be 0")
	}
	return nil
}

// of returns the weights of classes with so many training images, nil for all
// alike. Those that balance are images / (classes * images of the class), as
// in scikit-learn's compute_class_weight.
func (w ClassWeights) of(sizes []int) ([]float32, error) {
	if w == ClassWeightsNone || w == "" {
		return nil, nil
	}
	weights := make([]float32, len(sizes))
	if w == ClassWeightsBalanced {
		images, classes := 0, 0
		for _, n := range sizes {
			if images += n; n > 0 {
				classes++
			}
		}
		for class, n := range sizes {
			if n > 0 {
				weights[class] = float32(float64(images) / float64(classes) / float64(n))
			}
		}
		return weights, nil
	}
	list, err := w.list()
	if err != nil {
		return nil, settings.Errorf("train.class_weights", "%w", err)
	}
	if len(list) != len(sizes) {
		return nil, settings.Errorf("train.class_weights", "has %d numbers, the data %d classes", len(list), len(sizes))
	}
	for class, v := range list {
		weights[class] = float32(v)
	}
	return weights, nil
}

// adviseUnequal warns of classes of very different sizes, which make a network
// look good that has learned nothing but the largest.
func adviseUnequal(c *Config, d trainingData, reporter Reporter) {
	sampled := c.Data.Balance == dataset.BalanceClasses
	if sampled && c.Train.ClassWeights == ClassWeightsBalanced {
		reporter.Warn("data.balance and train.class_weights both make up for unequal classes, " +
			"so small ones count twice; use one of them")
	}
	in, very := dataset.VeryUnequal(d.train, d.val)
	switch {
	case !very:
	case sampled || d.classWeights != nil:
		reporter.Note(in.String())
	default:
		reporter.Warn(fmt.Sprintf("%s; data.balance: classes or train.class_weights: balanced lets all classes count alike, "+
			"and eval shows the balanced accuracy", in))
	}
}
