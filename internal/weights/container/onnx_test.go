package container

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestONNXModelsAreNamedAndNothingElseIs(t *testing.T) {
	const pytorch = "\x08\x08\x12\x07pytorch\x1a\x052.4.0"
	for _, c := range []struct {
		what, file, head string
		onnx             bool
	}{
		{"as PyTorch writes it", "a.bin", pytorch + ":\x20" + strings.Repeat("g", 40), true},
		{"as this program writes it", "a", "\x08\x08\x12\x09inception\x1a\x03devB\x04\x0a\x00\x10\x11r\x04text", true},
		{"a graph alone", "a", "\x08\x07:\x20" + strings.Repeat("g", 40), true},
		{"with a long description", "a.ONNX", "\x08\x07\x32\xff\x7f" + strings.Repeat("d", 1000), true},
		{"a graph beyond the file's end", "a", pytorch + ":\x7f" + strings.Repeat("g", 40), false},
		{"another message", "a", "\x08\x08\x4a\x04text" + strings.Repeat("g", 40), false},
		{"no text for a name", "a", "\x08\x08\x12\x04\xff\xff\xff\xffB\x04\x0a\x00\x10\x11", false},
		{"a pickle by that name", "a.onnx", "\x80\x02]q\x00X\x00\x00\x00\x00\x00", false},
		{"safetensors whose length looks so", "a.safetensors", "\x08\x07:\x01\x00\x00\x00\x00{" + strings.Repeat(" ", 40), false},
		{"safetensors by that name", "a.onnx", "\x08\x07\x00\x00\x00\x00\x00\x00{" + strings.Repeat(" ", 40), false},
		{"cut off", "a.onnx", "\x08\x08", false},
	} {
		path := filepath.Join(t.TempDir(), c.file)
		if err := os.WriteFile(path, []byte(c.head), 0o666); err != nil {
			t.Fatal(err)
		}
		kind, err := Of(path)
		if said := err != nil && strings.Contains(err.Error(), path+": is an ONNX model"); said != c.onnx || kind != Other {
			t.Errorf("%s: %q, %v", c.what, kind, err)
		}
	}
}
