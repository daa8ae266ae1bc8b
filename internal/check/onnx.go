package check

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/inception-go/inception/internal/atomicfile"
	"github.com/inception-go/inception/internal/shell"
)

// scriptName is what the script that runs golden pictures with ONNX Runtime is called.
const scriptName = "verify.py"

//go:embed verify.py
var script []byte

// scriptDoc is in each version of the script.
const scriptDoc = "Runs the golden pictures that an ONNX model of inception holds"

// WriteScript puts the script, which is the same for all models, beside a model and
// returns its path. Another file of that name is an error.
func WriteScript(model string) (string, error) {
	path := filepath.Join(filepath.Dir(model), scriptName)
	switch old, err := os.ReadFile(path); {
	case err == nil && !bytes.Contains(old, []byte(scriptDoc)):
		return path, fmt.Errorf("%s: is another script than the one that would be written; move it away", path)
	case err != nil && !errors.Is(err, os.ErrNotExist):
		return path, err
	}
	return path, atomicfile.Write(path, func(w io.Writer) error {
		_, err := w.Write(script)
		return err
	})
}

// onnx runs the script on a model.
func onnx(ctx context.Context, path string, o Options) (Result, error) {
	if _, err := os.Stat(path); err != nil {
		return Result{}, err
	}
	whole, err := filepath.Abs(path) // which never looks like a flag
	if err != nil {
		return Result{}, err
	}
	var out, printed bytes.Buffer
	c := exec.CommandContext(ctx, o.Python, "-", "--json", whole)
	c.Stdin, c.Stdout, c.Stderr = bytes.NewReader(script), &out, &printed
	c.WaitDelay = time.Second // children of Python may outlive it
	ran := c.Run()
	if ctx.Err() != nil {
		return Result{}, context.Cause(ctx)
	}
	var r Result
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		return r, fmt.Errorf("%s: not run by %s: %s (--python names another Python)", path, o.Python,
			reason(ran, printed.String()))
	}
	if r.File = path; len(r.Pictures) == 0 {
		return r, noGolden(path)
	}
	return r, nil
}

// reason is the last line that Python has printed, else why it could not be run.
func reason(ran error, printed string) string {
	lines := strings.Split(strings.TrimSpace(printed), "\n")
	if last := lines[len(lines)-1]; last != "" {
		return last
	}
	return fmt.Sprint(ran)
}

// ScriptCall is what to type to run a script on a model.
func ScriptCall(python, script, model string) string {
	return strings.Join([]string{shell.Quote(python), shell.Quote(script), shell.Quote(model)}, " ")
}
