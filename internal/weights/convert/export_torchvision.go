package convert

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/inception-go/inception/internal/atomicfile"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/weights"
	"github.com/inception-go/inception/internal/weights/convert/pytorch"
)

// torchvisionLacks says how what the twin in torchvision or timm makes of the
// weights differs from what they are.
func torchvisionLacks(m weights.Metadata) (lacks []string) {
	twin := m.Spec.Architecture().Twin
	diff := differences(m.Spec, twin.Spec)
	if i := slices.IndexFunc(diff, func(d model.Difference) bool { return d.Key == keyCountPad }); i >= 0 {
		diff = slices.Delete(diff, i, i+1)
		how, theirs := "do not count", "does"
		if m.Spec.AvgPoolCountIncludePad {
			how, theirs = "count", "does not"
		}
		lacks = append(lacks,
			fmt.Sprintf("average pools that %s the padding (%s %s, so its logits differ)", how, twin, theirs))
	}
	if m.NoHead {
		lacks = append(lacks, "a classifier, which these weights do not have (load_state_dict needs strict=False)")
	}
	if len(diff) > 0 {
		lacks = append(lacks, "the structure, which "+twin.String()+" does not have: "+list(diff))
	}
	return lacks
}

// exportPickle writes a .pth with the metadata beside the state dict, which import
// reads.
func exportPickle(path string, w *model.Weights, m weights.Metadata) error {
	metadata, err := m.Strings()
	if err != nil {
		return err
	}
	about, err := json.Marshal(metadata)
	if err != nil {
		return err
	}
	var tensors []pytorch.Tensor
	for _, t := range weights.StateDict(w, m) {
		tensors = append(tensors, pytorch.Tensor{Name: t.Name, Shape: t.Shape, Values: t.Values, Ints: t.Ints})
	}
	return atomicfile.Write(path, func(out io.Writer) error { return pytorch.Write(out, tensors, about) })
}
