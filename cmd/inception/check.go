package main

import (
	"errors"
	"fmt"

	"github.com/inception-go/inception/internal/check"
	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/golden"
	"github.com/inception-go/inception/internal/picture"
	"github.com/inception-go/inception/internal/weights"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func newCheck(s *session) *cobra.Command {
	var precision precisionFlags
	var python string
	c := &cobra.Command{
		Use:   "check F ...",
		Short: "Run the golden pictures that a file holds",
		Long: `Weight files, ONNX models and .pth files of this program hold golden pictures with the
logits that the network gave them when the file was made. check decodes, resizes, crops
and runs them again and compares the logits: a weight, a filter, a crop or a mean that
has changed, or a machine that computes otherwise, shows. F is a weight file, a run
folder, a .pth of inception export, or an .onnx, which ONNX Runtime runs (verify.py).

The logits may be off by 1e-4 of the largest in float32, by 0.05 in bf16 and int8. The
exit status is 1 if they are further off, or if a file holds no golden pictures.`,
		Example: `  inception check runs/flowers5
  inception check v3.safetensors --precision bf16
  inception check flowers.onnx --python .venv/bin/python --json`,
		Args: someArgs("weight files, run folders or ONNX models"),
		RunE: func(c *cobra.Command, files []string) error {
			p, err := precision.value()
			if err != nil {
				return err
			}
			var failed []error
			for _, file := range files {
				found, err := check.File(c.Context(), file, check.Options{Precision: p, Python: python})
				switch {
				case err != nil:
				case s.json:
					err = errors.Join(s.printJSON(found), passed(found))
				default:
					s.showCheck(found)
					err = passed(found)
				}
				failed = append(failed, err)
			}
			return errors.Join(failed...)
		},
	}
	precision.addFlags(c.Flags(), false)
	addPython(c.Flags(), &python)
	return c
}

func addPython(f *pflag.FlagSet, python *string) {
	f.StringVar(python, "python", "python3", "Python with onnxruntime and numpy, for ONNX models")
}

// showCheck prints what has become of a file's golden pictures.
func (s *session) showCheck(r check.Result) {
	s.print("%s: read by %s, %s\n", dataset.OneLine(r.File), r.Reader, r.Precision)
	s.print("%-24s %-9s %10s %10s  %-20s %-20s\n", "golden picture", "size", "largest", "off by", "then", "now")
	for _, p := range r.Pictures {
		verdict := "ok"
		if !p.OK {
			verdict = "FAIL"
		}
		s.print("%-24s %-9s %10.4g %10.1e  %-20s %-20s %s\n", dataset.OneLine(p.Name),
			fmt.Sprintf("%dx%d", p.Width, p.Height), p.Largest, p.Difference, className(p.Then), className(p.Now), verdict)
	}
	s.print("the largest difference is %.1e of the largest value, %g is allowed\n", r.Worst(), r.Tolerance)
}

func className(c *golden.Class) string {
	if c == nil {
		return "(features)"
	}
	return dataset.OneLine(c.Label)
}

// passed is an error if golden pictures got other answers.
func passed(r check.Result) error {
	if r.Passed {
		return nil
	}
	return fmt.Errorf("%s: the golden pictures get other answers: %.1e of the largest value off, %g is allowed", r.File,
		r.Worst(), r.Tolerance)
}

// goldenPictures are the files of --golden.
type goldenPictures []string

func (g *goldenPictures) addFlag(f *pflag.FlagSet) {
	f.StringArrayVar((*[]string)(g), "golden", nil, fmt.Sprintf("`picture` to keep in the file with its logits, for "+
		"inception check; repeatable, at most %d (default: those that the file has, or drawn ones)", weights.MostGolden))
}

// read decodes them for weights with a preprocessing.
func (g goldenPictures) read(s *session, p picture.Preprocess) (weights.Golden, error) {
	if len(g) == 0 {
		return nil, nil
	}
	o, err := s.pictureOptions()
	if err != nil {
		return nil, err
	}
	own, err := golden.Files(g, p, o.Decoder())
	if err != nil {
		return nil, fmt.Errorf("--golden: %w", err)
	}
	return own, nil
}
