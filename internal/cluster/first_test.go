package cluster

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestAllRanksHaveWhatTheFirstFinds(t *testing.T) {
	for _, size := range []int{1, 3} {
		together(size, func(c *Cluster) {
			var found struct{ Name string }
			err := c.ByFirst(&found, func() error {
				if c.Rank() > 0 {
					t.Errorf("rank %d looks for itself", c.Rank())
				}
				found.Name = "runs/a"
				return nil
			})
			if err != nil || found.Name != "runs/a" {
				t.Errorf("rank %d of %d: %q, %v", c.Rank(), size, found.Name, err)
			}
			if err := c.ByFirst(&found, func() error { return errors.New("none") }); err == nil {
				t.Errorf("rank %d of %d does not know that there is none", c.Rank(), size)
			}
		})
	}
}

func TestAFileIsWaitedForThatTheFirstSees(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	together(2, func(c *Cluster) {
		begin := time.Now()
		for _, path := range []string{path, path + ".none", ""} {
			if err := c.Visible(path); err != nil {
				t.Errorf("%q: %v", path, err)
			}
		}
		if time.Since(begin) > 30*time.Second {
			t.Error("a file that nobody sees is waited for")
		}
	})
}
