package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/inception-go/inception/internal/atomicfile"
	"github.com/inception-go/inception/internal/evaluate"
)

// Answers are what a run's last validation made of each image, in the order of
// the images: what two runs are compared by.
type Answers struct {
	Step      int      `json:"step"`      // of the validation
	Images    string   `json:"images"`    // dataset.Fingerprint's, of the validation images
	Classes   []string `json:"classes"`   // in the order of their labels
	Labels    []int    `json:"labels"`    // the true class of each image
	Predicted []int    `json:"predicted"` // the most probable one; -1 for an image that could not be read
}

// NewAnswers returns the answers of an evaluation of so many images.
func NewAnswers(result evaluate.Result, images int) Answers {
	a := Answers{Classes: result.Labels, Labels: make([]int, images), Predicted: make([]int, images)}
	for i := range images {
		a.Labels[i], a.Predicted[i] = -1, -1
	}
	for _, p := range result.Predictions {
		a.Labels[p.Index], a.Predicted[p.Index] = p.Label, p.Top[0].Index
	}
	return a
}

// Right reports whether image i was classified correctly.
func (a Answers) Right(i int) bool { return a.Predicted[i] >= 0 && a.Predicted[i] == a.Labels[i] }

// Read reports whether image i could be read.
func (a Answers) Read(i int) bool { return a.Predicted[i] >= 0 }

// Pairs are how many images one of two answers alone classifies correctly, of so
// many that both could read: what McNemar's test is of.
type Pairs struct{ OnlyFirst, OnlySecond, Images int }

// Pair counts all images, and those of each class, beside other answers of the
// same images.
func (a Answers) Pair(b Answers) (all Pairs, byClass []Pairs) {
	byClass = make([]Pairs, len(a.Classes))
	for i, label := range a.Labels {
		if !a.Read(i) || !b.Read(i) {
			continue
		}
		for _, n := range []*Pairs{&all, &byClass[label]} {
			n.Images++
			switch {
			case a.Right(i) && !b.Right(i):
				n.OnlyFirst++
			case b.Right(i) && !a.Right(i):
				n.OnlySecond++
			}
		}
	}
	return all, byClass
}

// Write writes the answers to path, completely or not at all.
func (a Answers) Write(path string) error {
	return atomicfile.Write(path, func(w io.Writer) error { return json.NewEncoder(w).Encode(a) })
}

// mostAnswers is the largest file of answers that is read, in bytes.
const mostAnswers = 1 << 28

// ReadAnswers reads what Write has written; ok is false if there is no such
// file. An error says what is wrong with it.
func ReadAnswers(path string) (a Answers, ok bool, err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return a, false, nil
	}
	if err != nil {
		return a, false, fmt.Errorf("predictions: %w", err)
	}
	defer f.Close()
	if err := json.NewDecoder(io.LimitReader(f, mostAnswers)).Decode(&a); err != nil {
		return a, false, fmt.Errorf("predictions %s: %w", path, err)
	}
	if err := a.Validate(); err != nil {
		return a, false, fmt.Errorf("predictions %s: %w", path, err)
	}
	return a, true, nil
}

// Validate returns what is wrong with answers that come from a file.
func (a Answers) Validate() error {
	if len(a.Labels) != len(a.Predicted) {
		return fmt.Errorf("has %d labels and %d predictions", len(a.Labels), len(a.Predicted))
	}
	for i, label := range a.Labels {
		if p := a.Predicted[i]; p < -1 || p >= len(a.Classes) || label < -1 || label >= len(a.Classes) {
			return fmt.Errorf("image %d has class %d, taken for %d, of %d classes", i, label, p, len(a.Classes))
		} else if label < 0 && p >= 0 {
			return fmt.Errorf("image %d is taken for class %d and has no class itself", i, p)
		}
	}
	return nil
}
