package weights

import (
	"errors"
	"fmt"

	"github.com/inception-go/inception/internal/model"
)

// Guess reads the structure off the names and shapes of tensors with
// torchvision's keys, for files without our metadata. The notes say what was
// guessed and why.
func Guess(shapes map[string][]int) (m Metadata, err error) {
	spec, noHead, notes, err := guessSpec(shapes)
	return Metadata{Spec: spec, InputSize: spec.InputSize, NoHead: noHead, Notes: notes}, err
}

func guessSpec(shapes map[string][]int) (spec model.Spec, noHead bool, notes []string, err error) {
	has := func(name string) bool { _, ok := shapes[name]; return ok }
	variant, reason := guessVariant(has)
	if variant == "" {
		return spec, false, nil, errors.New("has no tensor Mixed_5b.branch1x1.conv.weight, so these are not an Inception V2 or V3's weights with torchvision's names; nor has it GoogLeNet's inception3a.branch1.conv.weight")
	}
	if spec, err = model.DefaultSpec(variant); err != nil {
		return spec, false, nil, err
	}
	notes = append(notes, fmt.Sprintf("taken for %s because %s", variant, reason))
	switch variant {
	case model.GoogLeNet:
		spec.AuxEarly, spec.AuxLate = has("aux1.conv.conv.weight"), has("aux2.conv.conv.weight")
		if !spec.AuxEarly && !spec.AuxLate {
			spec.Aux, spec.AuxLate = model.AuxNone, true
		}
	case model.BNInception:
		if has("Conv2d_1a_7x7.conv.weight") {
			spec.Stem.Conv = "7x7"
		}
	default:
		guessSwitches(&spec, has)
		spec.AvgPoolCountIncludePad = true
	}
	fc, ok := shapes["fc.weight"]
	if ok && len(fc) == 2 && fc[0] > 0 {
		spec.Classes = fc[0]
		notes = append(notes, fmt.Sprintf("%d classes because fc.weight has shape %v", fc[0], fc))
	} else {
		noHead = true
		notes = append(notes, "no classifier because there is no fc.weight")
	}
	return spec, noHead, notes, nil
}

// guessVariant returns the variant that a layer tells; none for other
// networks.
func guessVariant(has func(name string) bool) (variant, reason string) {
	switch {
	case has("inception3a.branch1.conv.weight"):
		return model.GoogLeNet, "its layers are GoogLeNet's"
	case !has("Mixed_5b.branch1x1.conv.weight"):
		return "", ""
	case has("Mixed_3b.branch1x1.conv.weight"):
		return model.BNInception, "its layers are BN-Inception's"
	case has("Conv2d_4b_3x3.conv.weight"):
		return model.V2Table1, "its stem is that of the paper's Table 1"
	case has("Conv2d_1a_7x7.conv.weight"):
		return model.V2, "its first convolution is 7x7"
	}
	return model.V3, "its layers are Inception V3's"
}

// guessSwitches sets the switches of Inception V2 and V3.
func guessSwitches(spec *model.Spec, has func(name string) bool) {
	if has("Conv2d_1a_7x7.conv.weight") {
		spec.Stem.Conv = "7x7"
	}
	spec.Tower3x3 = has("Mixed_5b.branch3x3_2.conv.weight")
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
}
