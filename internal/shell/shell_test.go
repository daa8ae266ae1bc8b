package shell

import (
	"os/exec"
	"runtime"
	"testing"
)

// TestAShellReadsWhatIsQuoted asks a real shell.
func TestAShellReadsWhatIsQuoted(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there is no sh")
	}
	for word, want := range map[string]string{
		"runs/flowers5-20260102-150405": "runs/flowers5-20260102-150405",
		"grün/50%+@a=b,c:d_e":           "grün/50%+@a=b,c:d_e",
		"my run":                        "'my run'",
		"it's":                          `'it'\''s'`,
		"$HOME `x` \"y\" \\ ~ * ? [a] {b,c} ! # & ; | < > ( )": "",
		"two\nlines": "",
		"":           "''",
	} {
		quoted := Quote(word)
		if want != "" && quoted != want {
			t.Errorf("%q is quoted %s, want %s", word, quoted, want)
		}
		out, err := exec.Command("sh", "-c", "printf %s "+quoted).Output()
		if err != nil || string(out) != word {
			t.Errorf("of %s a shell makes %q, %v", quoted, out, err)
		}
	}
}
