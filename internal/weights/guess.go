package weights

import (
	"fmt"
	"strings"

	"github.com/inception-go/inception/internal/model"
)

// Guess reads the structure off the names and shapes of tensors with the names
// of PyTorch's networks, for files without our metadata. The notes say what
// was guessed and why.
func Guess(shapes map[string][]int) (Metadata, error) {
	spec, reason, ok := model.Recognise(func(name string) bool { _, ok := shapes[name]; return ok })
	if !ok {
		return Metadata{}, fmt.Errorf("has none of the tensors by which a network is recognised (%s), "+
			"so these are not the weights of %s with the names of torchvision or timm",
			strings.Join(model.Marks(), ", "), strings.Join(model.Variants(), ", "))
	}
	m := Metadata{Spec: spec}
	m.Notes = append(m.Notes, fmt.Sprintf("taken for %s because %s", spec.Variant, reason))
	name := spec.Architecture().Classifier + ".weight"
	classifier, ok := shapes[name]
	if ok && len(classifier) == 2 && classifier[0] > 0 {
		m.Spec.Classes = classifier[0]
		m.Notes = append(m.Notes, fmt.Sprintf("%d classes because %s has shape %v", classifier[0], name, classifier))
	} else {
		m.NoHead = true
		m.Notes = append(m.Notes, fmt.Sprintf("no classifier because there is no %s", name))
	}
	return m, nil
}
