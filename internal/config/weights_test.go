package config

import (
	"strings"
	"testing"

	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/picture"
	"github.com/inception-go/inception/internal/weights"
)

// theirs is the metadata of weights that differ from the defaults.
func theirs(t *testing.T) weights.Metadata {
	t.Helper()
	spec, err := model.DefaultSpec("v2")
	if err != nil {
		t.Fatal(err)
	}
	spec.Width, spec.Classes, spec.AvgPoolCountIncludePad, spec.Dropout, spec.BNEps = 0.5, 7, true, 0.7, 0.01
	p, err := picture.NamedPreprocess("inception", 128)
	if err != nil {
		t.Fatal(err)
	}
	return weights.Metadata{Spec: spec, Preprocess: p}
}

func TestFollowTakesFromTheWeightsWhatNobodyHasSet(t *testing.T) {
	r, err := Load(Sources{Path: file(t, "model: {dropout: 0.3, bn_decay: 0.9}\n"), Env: []string{}})
	if err != nil {
		t.Fatal(err)
	}
	aux := r.Model.Aux
	if err := r.Follow("w.safetensors", theirs(t)); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]any{
		"model.variant": "v2", "model.width": 0.5, "model.input_size": 128, "model.avgpool_count_include_pad": true,
		"model.bn_eps": 0.01, "model.stem.conv": "7x7",
		"data.preprocess": "inception", "data.interpolation": "bilinear-tf1",
		"model.dropout": 0.3, "model.bn_decay": 0.9, "model.classes": 0, "model.aux": aux,
	} {
		if got, _ := r.Value(key); got != want {
			t.Errorf("%s is %v, want %v", key, got, want)
		}
	}
	if r.Origin["model.width"].String() != "w.safetensors" {
		t.Errorf("model.width is from %s", r.Origin["model.width"])
	}
}

func TestFollowRefusesAStructureThatIsSetOtherwise(t *testing.T) {
	r, err := Load(Sources{Path: file(t, "model: {width: 0.25}\ndata: {preprocess: unit}\n"),
		Set: []string{"model.input_size=299", "model.bn_eps=0.1"}, Env: []string{}})
	if err != nil {
		t.Fatal(err)
	}
	err = r.Follow("w.safetensors", theirs(t))
	for _, want := range []string{"model.width 0.25 (config ", ":1)", "model.bn_eps 0.1 (--set",
		"use --set model.width=0.5 --set model.bn_eps=0.01"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %q", err, want)
		}
	}
	m := theirs(t)
	m.Spec.Width, m.Spec.BNEps = 0.25, 0.1
	if err := r.Follow("w.safetensors", m); err != nil {
		t.Fatal(err)
	}
	if r.Model.InputSize != 299 || r.Data.Preprocess != "unit" {
		t.Errorf("input size %d and preprocessing %s are not what was set", r.Model.InputSize, r.Data.Preprocess)
	}
}

func TestFollowKnowsPreprocessingByItsValues(t *testing.T) {
	r, err := Load(Sources{Env: []string{}, Set: []string{"model.variant=v2"}})
	if err != nil {
		t.Fatal(err)
	}
	m := theirs(t)
	if m.Preprocess, err = picture.NamedPreprocess("imagenet", 128); err != nil {
		t.Fatal(err)
	}
	m.Preprocess.Name, m.Preprocess.Interpolation, m.Preprocess.CropPct = "timm", picture.Bicubic, 0.95
	err = r.Follow("w.safetensors", m)
	if err != nil || r.Data.Preprocess != "imagenet" || r.Data.Interpolation != picture.Bicubic ||
		r.Eval.CropPct != 0.95 {
		t.Errorf("%v, preprocessing %s, %s, crop_pct %g", err, r.Data.Preprocess, r.Data.Interpolation, r.Eval.CropPct)
	}
}

func TestFollowLeavesPreprocessingWithoutANameAlone(t *testing.T) {
	r, err := Load(Sources{Env: []string{}, Set: []string{"model.variant=v2"}})
	if err != nil {
		t.Fatal(err)
	}
	m := theirs(t)
	m.Preprocess.Mean[1] = 0.123
	if err := r.Follow("w.safetensors", m); err != nil || r.Data.Preprocess != "torchvision" ||
		r.Data.Interpolation != picture.Bilinear {
		t.Errorf("%v, preprocessing %s, %s", err, r.Data.Preprocess, r.Data.Interpolation)
	}
}
