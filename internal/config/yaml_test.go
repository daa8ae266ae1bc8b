package config

import (
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/inception-go/inception/configs"
)

// survivesYAML checks that c written and loaded is c.
func survivesYAML(t *testing.T, c Config) {
	t.Helper()
	text, err := c.YAML()
	if err != nil {
		t.Fatal(err)
	}
	got := loadAlone(t, Sources{Path: file(t, string(text))})
	if len(got.Train.Freeze) == 0 {
		got.Train.Freeze = c.Train.Freeze // nil or empty
	}
	if !reflect.DeepEqual(got.Config, c) {
		t.Errorf("came back as\n%+v, want\n%+v, from\n%s", got.Config, c, text)
	}
	for key, from := range got.Origin {
		if from == originDefault {
			t.Errorf("%s is not in the file", key)
		}
	}
}

func TestConfigurationsSurviveYAML(t *testing.T) {
	for _, e := range configs.List() {
		survivesYAML(t, loadAlone(t, Sources{Path: e.Name}).Config)
	}
	c, _ := Default("v2")
	c.Train.Seed = math.MaxUint64
	c.Train.MaxTime = 90 * time.Minute
	c.Optimizer.LR, c.Optimizer.Eps, c.Schedule.WarmupEpochs = 1e-7, 1.0/3, 1e6
	c.Train.Freeze = []string{"Conv2d", `a, "b"]`, "null", "ä #\n"}
	for _, text := range []string{
		"", " ", "~", "null", "true", "3", "4e-05", "shapes:", "a: b", "# a", "a #b", "*a", "- a", "[a", "{", `\`, `"`, "'", "'a'", "é ü",
		"a\nb", "a\n", "\t", "\x00", "\x7f", "\u2028", "\ufeff", "\ufffe", "0x1p", "2026-01-02", "<<", "=", "!a", "%a", "@a", "\xff\xfe", strings.Repeat("a ", 200), strings.Repeat("\xff", 100),
	} {
		c.Data.Train = text
		survivesYAML(t, c)
	}
}

func TestNumbersAreNumbersToEveryReader(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 1: "1", 0.1: "0.1", 4e-5: "4.0e-05", 4.5e-5: "4.5e-05", 1e21: "1.0e+21", 299: "299", -2e-9: "-2.0e-09", 4. / 3: "1.3333333333333333",
	} {
		if got := number(v); got != want {
			t.Errorf("%g is written %s, want %s", v, got, want)
		}
	}
	c, _ := Default("v3")
	if text, _ := c.YAML(); !strings.Contains(string(text), "\n  weight_decay: 4.0e-05\n") {
		t.Errorf("the weight decay is not 4.0e-05 in\n%s", text)
	}
}

func TestSavedPathsAreAbsolute(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	dir, err := os.Getwd() // the temporary folder may stand behind a link
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir("my:folder", 0o700); err != nil {
		t.Fatal(err)
	}
	for spec, want := range map[string]string{
		"":                   "",
		"shapes:":            "shapes:",
		"shapes:?train=20":   "shapes:?train=20",
		"flowers":            filepath.Join(dir, "flowers"),
		"./a/../flowers":     filepath.Join(dir, "flowers"),
		"/data/flowers":      "/data/flowers",
		"imagefolder:a/b":    "imagefolder:" + filepath.Join(dir, "a/b"),
		"idx:/usr/share/idx": "idx:/usr/share/idx",
		"cifar10:.":          "cifar10:" + dir,
		"my:folder":          filepath.Join(dir, "my:folder"),
	} {
		c, _ := Default("v3")
		c.Data.Train, c.Data.Val = spec, spec
		got := c.Absolute()
		if got.Data.Train != want || got.Data.Val != want {
			t.Errorf("%q becomes %q and %q, want %q", spec, got.Data.Train, got.Data.Val, want)
		}
		if c.Data.Train != spec {
			t.Errorf("%q was changed in place", spec)
		}
		if again := got.Absolute(); again.Data.Train != want {
			t.Errorf("%q made absolute again is %q", want, again.Data.Train)
		}
	}
}
