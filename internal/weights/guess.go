package weights

import (
	"fmt"
	"strings"

	"github.com/inception-go/inception/internal/model"
)

// Guess reads the structure off the names and shapes of tensors with
// the names of PyTorch's networks, for files without our metadata. The notes say what was
// guessed and why.
func Guess(shapes map[string][]int) (m Metadata, err error) {
	spec, noHead, notes, err := guessSpec(shapes)
	return Metadata{Spec: spec, InputSize: spec.InputSize, NoHead: noHead, Notes: notes}, err
}

func guessSpec(shapes map[string][]int) (spec model.Spec, noHead bool, notes []string, err error) {
	spec, reason, ok := model.Recognise(func(name string) bool { _, ok := shapes[name]; return ok })
	if !ok {
		return spec, false, nil, fmt.Errorf("has none of the tensors by which a network is recognised (%s), so these are not the weights of %s with the names of torchvision or timm",
			strings.Join(model.Marks(), ", "), strings.Join(model.Variants(), ", "))
	}
	notes = append(notes, fmt.Sprintf("taken for %s because %s", spec.Variant, reason))
	name := spec.Architecture().Classifier + ".weight"
	classifier, ok := shapes[name]
	if ok && len(classifier) == 2 && classifier[0] > 0 {
		spec.Classes = classifier[0]
		notes = append(notes, fmt.Sprintf("%d classes because %s has shape %v", spec.Classes, name, classifier))
	} else {
		noHead = true
		notes = append(notes, fmt.Sprintf("no classifier because there is no %s", name))
	}
	return spec, noHead, notes, nil
}
