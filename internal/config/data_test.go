package config

import "testing"

// A run from before data.val_seed held out other images, where it held out any.
func TestARunOfAnOlderVersionIsWarnedOf(t *testing.T) {
	const alone, parts = "data: {train: 'shapes:?train=40&val=0&size=16'}\n", "data: {train: 'shapes:?train=40&val=9&size=16'}\n"
	for _, c := range []struct {
		text string
		set  []string
		want int
	}{
		{alone, nil, 1},
		{alone, []string{"data.val_seed=0"}, 0},
		{alone, []string{"data.val_fraction=0"}, 0},
		{parts, nil, 0},
		{parts, []string{"data.train=nowhere"}, 0}, // whoever opens it says so
	} {
		said := 0
		load(t, Sources{Path: file(t, c.text), Set: c.set, Env: []string{}}).WarnOfOldSplit(func(string) { said++ })
		if said != c.want {
			t.Errorf("%s%q: %d warnings, want %d", c.text, c.set, said, c.want)
		}
	}
}
