package convert

import (
	"io"
	"strings"

	"github.com/inception-go/inception/internal/atomicfile"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/weights"
	"github.com/inception-go/inception/internal/weights/convert/pytorch"
)

// torchvisionLacks says how what torchvision's inception_v3() or googlenet()
// makes of the weights differs from what they are.
func torchvisionLacks(m weights.Metadata, metadata bool) (lacks []string) {
	network, published := "inception_v3", model.V3
	if m.Spec.Variant == model.GoogLeNet {
		network, published = "googlenet", model.GoogLeNet
	} else if !m.Spec.AvgPoolCountIncludePad {
		lacks = append(lacks, "average pools that do not count the padding (torchvision's do, so its logits differ)")
	}
	if !metadata {
		lacks = append(lacks, "the preprocessing: "+m.Preprocess.String())
		if len(m.Labels) > 0 {
			lacks = append(lacks, "the labels")
		}
	}
	if m.NoHead {
		lacks = append(lacks, "a classifier, which these weights have not (load_state_dict needs strict=False)")
	}
	if diff := differences(m.Spec, published); len(diff) > 0 {
		lacks = append(lacks, "the structure, which torchvision's "+network+" has not: "+strings.Join(diff, ", "))
	}
	return lacks
}

func exportPickle(path string, w *model.Weights, m weights.Metadata) error {
	var tensors []pytorch.Tensor
	for _, t := range weights.StateDict(w, m) {
		tensors = append(tensors, pytorch.Tensor(t))
	}
	return atomicfile.Write(path, func(out io.Writer) error { return pytorch.Write(out, tensors) })
}
