package convert

import (
	"strings"
	"testing"
)

// What training scripts wrap weights in. A value tells which state dict was taken:
// 1 for weights, 2 for an average of them.
func TestWeightsAreFoundInCheckpoints(t *testing.T) {
	for _, c := range []struct {
		file, key string
		value     float32
		want      string // in the notes, or in the error for a value of 0
	}{
		{"tensor-beside", "", 1, `took the state dict under the key "state_dict"`},
		{"deep", "", 1, `under the key "a.odd key.x.0"`},
		{"subclass", "", 1, `under the key "weights"`},
		{"lightning", "", 1, "left out what is outside of the network: criterion.weight"},
		{"fastai", "", 1, `under the key "model"`},
		{"timm-ema", "", 2, `took the average "state_dict_ema", which timm evaluates`},
		{"timm-ema", "", 2, "without averaging too: --key state_dict"},
		{"timm-ema", "state_dict", 1, "an average of the weights too: --key state_dict_ema"},
		{"timm-ema", "model", 0, "there are state_dict_ema, state_dict"},
		{"torchvision-ema", "", 2, `took the average "model_ema", which torchvision's training script evaluates`},
		{"torchvision-ema", "model", 1, "--key model_ema"},
		{"averaged", "", 2, "the file is an average of weights, which PyTorch's AveragedModel evaluates"},
		{"ema-pytorch", "", 2, `took the average "ema_model", which ema-pytorch evaluates`},
		{"ema-pytorch", "online_model", 1, "--key ema_model"},
		{"shadow", "", 1, "--key ema"},
		{"shadow", "ema", 2, `batch norm's statistics are those of "state_dict"`},
		{"compiled", "", 1, `removed the prefix "module."`},
		{"thop", "", 1, "7 classes because"},
		{"random", "", 1, `under the key "net"`},
		{"head-renamed", "", 1, `the classifier is the linear layer "classifier"`},
		{"head-sequential", "", 1, `the classifier is the linear layer "fc.1"`},
		{"head-outside", "", 1, `the classifier is the linear layer "head"`},
		{"sparse-beside", "", 1, "aside.x"},
		{"sparse", "", 0, `tensor "Mixed_5b.branch1x1.bn.weight": is a sparse tensor`},
		{"quantised", "", 0, `tensor "Mixed_5b.branch1x1.conv.weight": is a quantised tensor`},
		{"fid", "", 0, "pytorch-fid"},
		{"fid-blocks", "", 0, "pytorch-fid"},
		{"nan", "", 1, "64 values in 1 tensors are NaN or infinite, first in Mixed_5b.branch1x1.bn.bias"},
	} {
		t.Run(c.file+" "+c.key, func(t *testing.T) {
			w, m, err := Import(unpacked(t, t.TempDir(), "checkpoints/"+c.file+".pth"), ImportOptions{Key: c.key})
			if c.value == 0 {
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("error is %v, want %q", err, c.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"Conv2d_1a_3x3.conv.weight", "fc.weight", "fc.bias"} {
				if got := w.ByName(name).Values()[0]; got != c.value {
					t.Errorf("%s is %g, want %g", name, got, c.value)
				}
			}
			if notes := strings.Join(m.Notes, "; "); m.Classes() != 7 || !strings.Contains(notes, c.want) {
				t.Errorf("%d classes, notes are %s, want %q", m.Classes(), notes, c.want)
			}
		})
	}
}
