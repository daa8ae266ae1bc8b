package ablate

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/inception-go/inception/internal/rundir"
)

func TestAnAblationProvesItself(t *testing.T) {
	dir := t.TempDir()
	plan := prepared(t, twoRows, 1)
	r, err := plan.Run(context.Background(), dir, listening().progress())
	if err != nil {
		t.Fatal(err)
	}
	if a, b := r.Rows[0].Runs[0].Identity, r.Rows[1].Runs[0].Identity; len(a) != 16 || a == b {
		t.Errorf("identities are %q and %q", a, b)
	}
	verified := func(c Check) []Verified {
		t.Helper()
		all, err := Verify(context.Background(), dir, c)
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	all := verified(Check{Version: "test"})
	if len(all) != 2 || !all[0].Same || !all[1].Same || all[0].Values < 100000 || all[0].Lines != 4 || all[0].Note != "" {
		t.Errorf("all rows: %+v", all)
	}
	if all = verified(Check{Rows: 1, Epochs: 1, Seed: 3}); len(all) != 1 || !all[0].Same || all[0].Lines != 2 || all[0].Values != 0 {
		t.Errorf("the first epoch of one: %+v", all)
	}

	// Another row's weights under a row's name.
	plain, smooth := filepath.Join(dir, "plain", "seed-1"), filepath.Join(dir, "smooth", "seed-1")
	change := func(path string, change func(string) string) {
		t.Helper()
		text, err := os.ReadFile(path)
		if err == nil {
			err = os.WriteFile(path, []byte(change(string(text))), 0o666)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	theirs, err := os.ReadFile(filepath.Join(smooth, rundir.Last))
	if err != nil {
		t.Fatal(err)
	}
	change(filepath.Join(plain, rundir.Last), func(string) string { return string(theirs) })
	if all = verified(Check{}); all[0].Same == all[1].Same || !strings.Contains(all[0].Detail+all[1].Detail, "the weights of") {
		t.Errorf("with other weights: %+v", all)
	}
	change(filepath.Join(smooth, identityFile), func(s string) string { return strings.Replace(s, `"program":"`, `"program":"old `, 1) })
	if all = verified(Check{}); !strings.Contains(all[0].Note+all[1].Note, "made by another program (old ") {
		t.Errorf("of another program: %+v", all)
	}
	// A table that says more than the runs.
	change(filepath.Join(dir, "table.json"), func(s string) string { return strings.Replace(s, `"loss": `, `"loss": 1`, 1) })
	if _, err := Verify(context.Background(), dir, Check{}); err == nil || !strings.Contains(err.Error(), "table.json: says of plain") {
		t.Errorf("with other figures: %v", err)
	}
	if _, err := Verify(context.Background(), t.TempDir(), Check{}); err == nil || !strings.Contains(err.Error(), "holds no finished run") {
		t.Errorf("an empty folder: %v", err)
	}
}

// A run is reused only if configuration, data and program are the same.
func TestOtherRunsAreNotReused(t *testing.T) {
	dir := t.TempDir()
	if _, err := prepared(t, twoRows, 1).Run(context.Background(), dir, listening().progress()); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "smooth", "seed-1", identityFile)
	identity, err := readIdentity(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	for want, i := range map[string]Identity{
		"with other settings": {"x", identity.Data, identity.Program}, "with other images": {identity.Config, "x", identity.Program},
		"by another program (x) than this": {identity.Config, identity.Data, "x"},
	} {
		if err := i.write(filepath.Dir(path)); err != nil {
			t.Fatal(err)
		}
		l := listening()
		if _, err := prepared(t, twoRows, 2).Run(context.Background(), dir, l.progress()); err == nil ||
			!strings.Contains(err.Error(), want) || len(l.began) > 0 {
			t.Errorf("error is %v, want %q; it began %v", err, want, l.began)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := prepared(t, twoRows, 1).Run(context.Background(), dir, listening().progress()); err == nil ||
		!strings.Contains(err.Error(), "has no identity.json") {
		t.Errorf("without an identity: %v", err)
	}
}
