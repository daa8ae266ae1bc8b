package spelling

import "testing"

func TestEditsCountInsertionsDeletionsAndExchanges(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"rose", "rose", 0}, {"kitten", "sitting", 3}, {"tensch", "tench", 1}, {"ab", "ba", 2}} {
		for _, pair := range [][2]string{{c.a, c.b}, {c.b, c.a}} {
			if got := Edits(pair[0], pair[1]); got != c.want {
				t.Errorf("Edits(%q, %q) is %d, want %d", pair[0], pair[1], got, c.want)
			}
		}
	}
}

func TestNearestTakesTheFewestEditsAndOfEqualOnesTheFirst(t *testing.T) {
	if got := Nearest("tulp", []string{"rose", "tulip", "tulips"}); got != "tulip" {
		t.Errorf("got %q", got)
	}
	if got := Nearest("x", []string{"a", "b"}); got != "a" {
		t.Errorf("got %q", got)
	}
}

func TestNearIsASlipOfTheKeys(t *testing.T) {
	for name, want := range map[string]bool{"quikstart": true, "trian": true, "missing": false, "v4": true, "": false} {
		if _, ok := Near(name, []string{"quickstart", "train", "v3"}); ok != want {
			t.Errorf("%q: %t, want %t", name, ok, want)
		}
	}
	if _, ok := Near("x", nil); ok {
		t.Error("of no names one is near")
	}
}

func TestABeginningIsNearIfItIsThatOfOneNameAlone(t *testing.T) {
	names := []string{"gradcam", "layercam", "layerwise", "occlusion"}
	for name, want := range map[string]string{"grad": "gradcam", "occl": "occlusion", "layer": "", "oc": ""} {
		if got := Suggest(name, names); (got == "; did you mean "+want+"?") != (want != "") || want == "" && got != "" {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}
