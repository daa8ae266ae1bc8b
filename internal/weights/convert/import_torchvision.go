package convert

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/inception-go/inception/internal/weights"
)

// otherHeads are the prefixes of classifiers that people put in the place of
// the library's own.
var otherHeads = []string{"fc.", "last_linear.", "classifier.", "head."}

// fromTorchvision takes the names as they are, less the prefixes of wrappers.
// A head that is not torchvision's is left out.
func fromTorchvision(all map[string]source) (t translation, err error) {
	t.tensors = maps.Clone(all)
	for _, prefix := range []string{"module.", "_orig_mod.", "module."} { // DataParallel's, torch.compile's
		if unwrapped := withoutPrefix(t.tensors, prefix); unwrapped != nil {
			t.tensors = unwrapped
			t.notes = append(t.notes, fmt.Sprintf("removed the prefix %q of every key", prefix))
		}
	}
	var head []string
	for name := range t.tensors {
		if slices.ContainsFunc(otherHeads, func(prefix string) bool { return strings.HasPrefix(name, prefix) }) {
			head = append(head, name)
		}
	}
	slices.Sort(head)
	if len(head) == 0 || slices.Equal(head, t.ownHead()) {
		return t, nil
	}
	for _, name := range head {
		delete(t.tensors, name)
	}
	t.noHead = true
	t.notes = append(t.notes, "left out a classifier that is not torchvision's: "+strings.Join(head, ", "))
	return t, nil
}

// ownHead lists the tensors of the classifier that the network has in its
// library, in order.
func (t translation) ownHead() []string {
	m, err := weights.Guess(t.shapes())
	if err != nil {
		return nil
	}
	layer := m.Spec.Architecture().Classifier
	return []string{layer + ".bias", layer + ".weight"}
}

// withoutPrefix returns the tensors with a prefix cut off that all of them
// have, and nil if one does not have it.
func withoutPrefix(all map[string]source, prefix string) map[string]source {
	cut := map[string]source{}
	for name, s := range all {
		rest, ok := strings.CutPrefix(name, prefix)
		if !ok {
			return nil
		}
		cut[rest] = s
	}
	return cut
}
