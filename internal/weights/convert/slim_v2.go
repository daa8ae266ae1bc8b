package convert

import "github.com/inception-go/inception/internal/model"

// slimV2 has the names of nets/inception_v2.py, which is BN-Inception.
var slimV2 = slimNetwork{scope: "InceptionV2/", variant: model.BNInception,
	branches: map[string]map[string]string{
		"Mixed_3": slimV2Module, "Mixed_4": slimV2Module, "Mixed_5": slimV2Module,
		"Mixed_4a": slimV2Reduction, "Mixed_5a": slimV2Reduction,
	},
	quirks: map[string]string{"fc": "Logits/Conv2d_1c_1x1"},
}

var (
	slimV2Module = map[string]string{
		"branch1x1":   "Branch_0/Conv2d_0a_1x1",
		"branch3x3_1": "Branch_1/Conv2d_0a_1x1", "branch3x3_2": "Branch_1/Conv2d_0b_3x3",
		"branch3x3dbl_1": "Branch_2/Conv2d_0a_1x1", "branch3x3dbl_2": "Branch_2/Conv2d_0b_3x3",
		"branch3x3dbl_3": "Branch_2/Conv2d_0c_3x3",
		"branch_pool":    "Branch_3/Conv2d_0b_1x1",
	}
	slimV2Reduction = map[string]string{
		"branch3x3_1": "Branch_0/Conv2d_0a_1x1", "branch3x3_2": "Branch_0/Conv2d_1a_3x3",
		"branch3x3dbl_1": "Branch_1/Conv2d_0a_1x1", "branch3x3dbl_2": "Branch_1/Conv2d_0b_3x3",
		"branch3x3dbl_3": "Branch_1/Conv2d_1a_3x3",
	}
)
