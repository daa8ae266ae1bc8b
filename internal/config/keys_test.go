package config

import (
	"strings"
	"testing"
)

func TestKeysSuitPeopleAndViper(t *testing.T) {
	variables := map[string]string{}
	for _, k := range Keys() {
		if k.Name != strings.ToLower(k.Name) {
			t.Errorf("%s is not in lower case, as Viper needs it", k.Name)
		}
		if strings.ContainsAny(k.Type, ".[]") {
			t.Errorf("%s has the type %s, which says nothing to people", k.Name, k.Type)
		}
		if other := variables[envName(k.Name)]; other != "" {
			t.Errorf("%s means both %s and %s", envName(k.Name), other, k.Name)
		}
		variables[envName(k.Name)] = k.Name
	}
}

// TestChoicesAreWhatValidationAllows: each of them is accepted, and keys of free
// text have none.
func TestChoicesAreWhatValidationAllows(t *testing.T) {
	for key, want := range map[string]int{
		"model.variant": 6, "optimizer.name": 6, "schedule.name": 5, "data.augment.policy": 3, "eval.tta": 2, "train.head": 2, "label_smoothing.spread": 2, "data.interpolation": 3,
		"data.preprocess": 4, "model.aux": 3, "data.balance": 2, "ema.warmup": 2, "data.train": 0, "optimizer.lr": 0, "no.key": 0,
	} {
		choices := Choices(key)
		if len(choices) != want {
			t.Errorf("%s has the choices %q, want %d", key, choices, want)
		}
		for _, value := range choices {
			if _, err := Load(Sources{Set: []string{key + "=" + value}, Env: []string{}}); err != nil && key != "model.variant" {
				t.Errorf("%s=%s: %v", key, value, err)
			}
		}
	}
}

func TestNamesOfOtherToolsMeanKeys(t *testing.T) {
	for name, want := range map[string]string{
		"epochs": "train.epochs", "learning-rate": "optimizer.lr", "lr": "optimizer.lr", "dropout": "model.dropout",
		"imgsz": "model.input_size", "Batch_Size": "train.batch_size", "name": "", "nonsense": "",
	} {
		if got, ok := KeyOf(name); got != want || ok != (want != "") {
			t.Errorf("KeyOf(%q) is %q, %t, want %q", name, got, ok, want)
		}
	}
}
