package config

import (
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/inception-go/inception/configs"
	"github.com/inception-go/inception/internal/train"
)

// survivesYAML checks that c written and loaded is c.
func survivesYAML(t *testing.T, c train.Config) {
	t.Helper()
	text := c.YAML()
	got := loadAlone(t, Sources{Path: file(t, string(text))})
	if len(got.Train.Freeze) == 0 {
		got.Train.Freeze = c.Train.Freeze // nil or empty
	}
	if !reflect.DeepEqual(got.Config, c) {
		t.Errorf("came back as\n%+v, want\n%+v, from\n%s", got.Config, c, text)
	}
	for key, from := range got.Origin {
		if from.Kind == FromDefault {
			t.Errorf("%s is not in the file", key)
		}
	}
}

func TestConfigurationsSurviveYAML(t *testing.T) {
	for _, e := range configs.List() {
		survivesYAML(t, loadAlone(t, Sources{Path: e.Name}).Config)
	}
	c, _ := train.DefaultConfig("v2")
	c.Train.Seed = math.MaxUint64
	c.Train.MaxTime = 90 * time.Minute
	c.Optimizer.LR, c.Optimizer.Eps, c.Schedule.WarmupEpochs = 1e-7, 1.0/3, 1e6
	c.Train.Freeze = []string{"Conv2d", `a, "b"]`, "null", "ä #\n"}
	for _, text := range []string{
		"", " ", "~", "null", "true", "3", "4e-05", "shapes:", "a: b", "# a", "a #b", "*a", "- a", "[a", "{", `\`, `"`,
		"'", "'a'", "é ü",
		"a\nb", "a\n", "\t", "\x00", "\x7f", "\u2028", "\ufeff", "\ufffe", "0x1p", "2026-01-02", "<<", "=", "!a", "%a",
		"@a", "\xff\xfe", strings.Repeat("a ", 200), strings.Repeat("\xff", 100),
	} {
		c.Data.Train = text
		survivesYAML(t, c)
	}
}

func TestWrittenNumbersAreNumbersToEveryReader(t *testing.T) {
	c, _ := train.DefaultConfig("v3")
	if text := c.YAML(); !strings.Contains(string(text), "\n  weight_decay: 4.0e-05\n") {
		t.Errorf("the weight decay is not 4.0e-05 in\n%s", text)
	}
}
