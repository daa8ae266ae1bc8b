package convert

import "github.com/inception-go/inception/internal/model"

// slimV3 has the names of the released code, nets/inception_v3.py.
var slimV3 = slimNetwork{scope: "InceptionV3/", variant: model.V3, branches: slimBranches, quirks: slimQuirks}

var slimBranches = map[string]map[string]string{
	"Mixed_5": {
		"branch1x1": "Branch_0/Conv2d_0a_1x1", "branch5x5_1": "Branch_1/Conv2d_0a_1x1",
		"branch5x5_2":    "Branch_1/Conv2d_0b_5x5",
		"branch3x3dbl_1": "Branch_2/Conv2d_0a_1x1", "branch3x3dbl_2": "Branch_2/Conv2d_0b_3x3",
		"branch3x3dbl_3": "Branch_2/Conv2d_0c_3x3",
		"branch_pool":    "Branch_3/Conv2d_0b_1x1",
	},
	"Mixed_6a": {
		"branch3x3": "Branch_0/Conv2d_1a_1x1", "branch3x3dbl_1": "Branch_1/Conv2d_0a_1x1",
		"branch3x3dbl_2": "Branch_1/Conv2d_0b_3x3", "branch3x3dbl_3": "Branch_1/Conv2d_1a_1x1",
	},
	"Mixed_6": {
		"branch1x1": "Branch_0/Conv2d_0a_1x1", "branch7x7_1": "Branch_1/Conv2d_0a_1x1",
		"branch7x7_2": "Branch_1/Conv2d_0b_1x7", "branch7x7_3": "Branch_1/Conv2d_0c_7x1",
		"branch7x7dbl_1": "Branch_2/Conv2d_0a_1x1", "branch7x7dbl_2": "Branch_2/Conv2d_0b_7x1",
		"branch7x7dbl_3": "Branch_2/Conv2d_0c_1x7",
		"branch7x7dbl_4": "Branch_2/Conv2d_0d_7x1", "branch7x7dbl_5": "Branch_2/Conv2d_0e_1x7",
		"branch_pool": "Branch_3/Conv2d_0b_1x1",
	},
	"Mixed_7a": {
		"branch3x3_1": "Branch_0/Conv2d_0a_1x1", "branch3x3_2": "Branch_0/Conv2d_1a_3x3",
		"branch7x7x3_1": "Branch_1/Conv2d_0a_1x1",
		"branch7x7x3_2": "Branch_1/Conv2d_0b_1x7", "branch7x7x3_3": "Branch_1/Conv2d_0c_7x1",
		"branch7x7x3_4": "Branch_1/Conv2d_1a_3x3",
	},
	"Mixed_7": {
		"branch1x1": "Branch_0/Conv2d_0a_1x1", "branch3x3_1": "Branch_1/Conv2d_0a_1x1",
		"branch3x3_2a": "Branch_1/Conv2d_0b_1x3", "branch3x3_2b": "Branch_1/Conv2d_0c_3x1",
		"branch3x3dbl_1": "Branch_2/Conv2d_0a_1x1", "branch3x3dbl_2": "Branch_2/Conv2d_0b_3x3",
		"branch3x3dbl_3a": "Branch_2/Conv2d_0c_1x3", "branch3x3dbl_3b": "Branch_2/Conv2d_0d_3x1",
		"branch_pool": "Branch_3/Conv2d_0b_1x1",
	},
	"AuxLogits": {"conv0": "Conv2d_1b_1x1", "conv1": "Conv2d_2a_5x5", "fc": "Conv2d_2b_1x1"},
}

var slimQuirks = map[string]string{
	"Mixed_5c.branch5x5_1":  "Mixed_5c/Branch_1/Conv2d_0b_1x1",
	"Mixed_5c.branch5x5_2":  "Mixed_5c/Branch_1/Conv_1_0c_5x5",
	"Mixed_7b.branch3x3_2b": "Mixed_7b/Branch_1/Conv2d_0b_3x1",
	"fc":                    "Logits/Conv2d_1c_1x1",
}
