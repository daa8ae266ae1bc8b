package convert

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/weights"
)

// fidClasses is what the network of 2015-12-05 has, by which pytorch-fid and
// its like measure generated pictures.
const fidClasses = 1008

// fidBlock is a name in the state dict of pytorch-fid's InceptionV3, whose
// modules stand in lists.
var fidBlock = regexp.MustCompile(`(^|\.)blocks\.\d+\.\d+\.branch\w+\.conv\.weight$`)

var errFID = errors.New("are of the Inception that FID is measured with (pytorch-fid, torch-fidelity: 2015-12-05), " +
	"whose last module pools by maximum and whose other pools leave the padding out: no network here computes what " +
	"it does, so its features would be wrong")

// fidBlocks refuses tensors with the names of pytorch-fid.
func fidBlocks(all map[string]source) error {
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if fidBlock.MatchString(name) {
			return fmt.Errorf("its names (%s) %w", name, errFID)
		}
	}
	return nil
}

// refuseFID refuses the network itself, which has torchvision's names.
func refuseFID(m weights.Metadata) error {
	if m.Spec.Variant == model.V3 && m.Spec.Classes == fidClasses && m.Spec.Aux == model.AuxNone {
		return fmt.Errorf("its %d classes without an auxiliary head %w; if they are classes of your own, "+
			"say --from torchvision", fidClasses, errFID)
	}
	return nil
}
