package serve

import (
	"os"
	"testing"
)

func TestAModelIsCalledAfterItsWeights(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.MkdirAll("runs/flowers 5.1", 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("v3.best.safetensors", nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ given, path, want string }{
		{"", "v3.best.safetensors", "v3.best"},
		{"", "runs/flowers 5.1", "flowers-5.1"},
		{"", "runs/flowers 5.1/", "flowers-5.1"},
		{"my_model-2", "v3.best.safetensors", "my_model-2"},
		{"a/b", "v3.best.safetensors", ""},
		{"..", "v3.best.safetensors", ""},
	} {
		got, err := ModelName(c.given, c.path)
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%q of %s: %q and %v, want %q", c.given, c.path, got, err, c.want)
		}
	}
}
