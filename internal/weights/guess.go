package weights

import (
	"errors"
	"fmt"

	"github.com/inception-go/inception/internal/model"
)

// guessSpec reads the structure off the names and shapes of tensors with
// torchvision's keys, for files without our metadata. notes say what was
// guessed and why.
func guessSpec(shapes map[string][]int) (spec model.Spec, noHead bool, notes []string, err error) {
	has := func(name string) bool { _, ok := shapes[name]; return ok }
	if !has("Mixed_5b.branch1x1.conv.weight") {
		return spec, false, nil, errors.New("has no tensor Mixed_5b.branch1x1.conv.weight, so these are not an Inception V2 or V3's weights with torchvision's names")
	}
	variant, reason := "v3", "its keys are torchvision's Inception V3's"
	if has("Conv2d_1a_7x7.conv.weight") {
		variant, reason = "v2", "its first convolution is 7x7"
	}
	if spec, err = model.DefaultSpec(variant); err != nil {
		return spec, false, nil, err
	}
	notes = append(notes, fmt.Sprintf("no metadata; taken for %s because %s", variant, reason))

	spec.Factorized5x5 = has("Mixed_5b.branch3x3dbl_3.conv.weight")
	spec.Asymmetric7x7 = has("Mixed_6b.branch7x7dbl_5.conv.weight")
	spec.Expanded8x8 = has("Mixed_7b.branch3x3_2a.conv.weight")
	spec.AuxEarly = has("AuxLogitsEarly.conv0.conv.weight")
	spec.AuxLate = has("AuxLogits.conv0.conv.weight") || !spec.AuxEarly
	switch {
	case has("AuxLogits.conv1.bn.weight") || has("AuxLogitsEarly.conv1.bn.weight"):
		spec.Aux = model.AuxBatchNorm
	case has("AuxLogits.conv1.conv.bias") || has("AuxLogitsEarly.conv1.conv.bias"):
		spec.Aux = model.AuxPlain
	default:
		spec.Aux = model.AuxNone
	}
	fc, ok := shapes["fc.weight"]
	if ok && len(fc) == 2 && fc[0] > 0 {
		spec.Classes = fc[0]
		notes = append(notes, fmt.Sprintf("%d classes because fc.weight has shape %v", fc[0], fc))
	} else {
		noHead = true
		notes = append(notes, "no classifier because there is no fc.weight")
	}
	spec.AvgPoolCountIncludePad = true
	notes = append(notes, "average pools count their padding, as torchvision's do")
	return spec, noHead, notes, nil
}
