package config

import (
	"os"
	"path/filepath"
	"testing"
)

// TestOnlyDeparturesOfTheUsersOwnAreTold: quickstart's small input and width are
// meant, and those that somebody sets may not be.
func TestOnlyDeparturesOfTheUsersOwnAreTold(t *testing.T) {
	own := filepath.Join(t.TempDir(), "own.yaml")
	if err := os.WriteFile(own, []byte("model: {variant: v3, grid_reduction: pool_first}\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path string
		set  []string
		want int
	}{
		{"quickstart", nil, 0},
		{"v3", nil, 0},
		{"v3", []string{"model.grid_reduction=pool_first"}, 1},
		{own, nil, 1},
	} {
		r, err := Load(Sources{Path: c.path, Set: c.set, Env: []string{}})
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Departures(); len(got) < c.want || c.want == 0 && len(got) > 0 {
			t.Errorf("%s %q: %v, want %d", c.path, c.set, got, c.want)
		}
	}
}
