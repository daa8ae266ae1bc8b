package model

import "testing"

// TestLadderCounts checks every row of Table 3 as we build it: parameters without
// and with the auxiliary head, and multiply-adds, for 1000 classes.
func TestLadderCounts(t *testing.T) {
	tests := []struct {
		name            string
		change          func(*Spec)
		params, withAux int
		macs            int64
	}{
		{"v2", func(s *Spec) { *s, _ = DefaultSpec("v2") }, 23_815_336, 27_141_264, 5_299_886_272},
		{"v2 with RMSProp and label smoothing, factorized 7x7", func(s *Spec) { *s, _ = DefaultSpec("v2"); s.Stem.Conv = "3x3" }, 23_834_568, 27_160_496, 5_713_216_096},
		{"v3", func(*Spec) {}, 23_834_568, 27_161_264, 5_713_216_096},
		{"v3, 151 px, stride 1", func(s *Spec) { s.InputSize, s.Stem.Stride = 151, 1 }, 23_834_568, 27_161_264, 5_713_216_096},
		{"v3, 10 classes", func(s *Spec) { s.Classes = 10 }, 21_806_058, 24_371_444, 5_711_188_576},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			spec, err := DefaultSpec("v3")
			if err != nil {
				t.Fatal(err)
			}
			test.change(&spec)
			if spec.Classes == 0 {
				spec.Classes = 1000
			}
			layers, err := Layers(spec)
			if err != nil {
				t.Fatal(err)
			}
			if got := Params(layers, false); got != test.params {
				t.Errorf("%d parameters without aux, want %d", got, test.params)
			}
			if got := Params(layers, true); got != test.withAux {
				t.Errorf("%d parameters with aux, want %d", got, test.withAux)
			}
			if got := MACs(layers); got != test.macs {
				t.Errorf("%d multiply-adds, want %d", got, test.macs)
			}
		})
	}
}
