package explain

import (
	"context"
	"errors"
	"fmt"

	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/evaluate"
	"github.com/inception-go/inception/internal/parallel"
	"github.com/inception-go/inception/internal/picture"
)

// Result is the explanation of a picture of a file, or of a row of an array.
type Result struct {
	Path   string
	Row    int           // of an .npy; -1 of a picture
	Err    error         // the picture could not be read; the rest is empty then
	Damage error         // what is wrong with the picture, which was used as far as it goes
	Shown  picture.Image // what the network sees of a picture, in the picture's own pixels; none of an array
	Explanation
}

// Name names the input for people: the path, and of an array the row.
func (r Result) Name() string {
	if r.Row < 0 {
		return r.Path
	}
	return fmt.Sprintf("%s[%d]", r.Path, r.Row)
}

// The longer side of Result.Shown, in pixels.
const leastShown, mostShown = 320, 512

// Files explains all pictures of files, by one question, and calls each for every
// one in order. An .npy holds inputs that are preprocessed already, [N][3][H][W].
func (e *Explainer) Files(ctx context.Context, files []string, d *picture.Decoder, p picture.Preprocess, q Question,
	each func(Result) error) error {
	for len(files) > 0 {
		if evaluate.IsArray(files[0]) {
			if err := e.array(ctx, files[0], q, each); err != nil {
				return err
			}
			files = files[1:]
			continue
		}
		together := 0
		for together < min(e.Together(), len(files)) && !evaluate.IsArray(files[together]) {
			together++
		}
		results, err := e.Pictures(ctx, evaluate.Pictures(ctx, files[:together], d), p, func(int) Question { return q })
		if err != nil {
			return err
		}
		for _, r := range results {
			if err := each(r); err != nil {
				return err
			}
		}
		files = files[together:]
	}
	return nil
}

// Pictures explains the pictures of a set, each by its question. It reads them
// all before it explains any, so the set should be of few.
func (e *Explainer) Pictures(ctx context.Context, set dataset.Set, p picture.Preprocess,
	ask func(i int) Question) ([]Result, error) {
	results, rows := make([]Result, set.Len()), make([][]float32, set.Len())
	parallel.For(len(results), func(i int) {
		results[i] = Result{Path: set.Name(i), Row: -1}
		im, giveBack, err := dataset.Lend(set, i)
		defer giveBack()
		if err != nil {
			results[i].Err = &dataset.ImageError{Name: set.Name(i), Err: err}
			return
		}
		if err := p.Takes(im); err != nil {
			results[i].Err = &dataset.ImageError{Name: set.Name(i), Err: err}
			return
		}
		if im.Damage != "" {
			results[i].Damage = &dataset.ImageError{Name: set.Name(i), Err: errors.New(im.Damage)}
		}
		rows[i], results[i].Shown = Prepare(im, p)
	})
	var inputs []float32
	var asked []Question
	for i, row := range rows {
		if row != nil {
			inputs, asked = append(inputs, row...), append(asked, ask(i))
		}
	}
	found, err := e.Explain(ctx, inputs, asked)
	if err != nil {
		return nil, err
	}
	for i := range results {
		if results[i].Err == nil {
			results[i].Explanation, found = found[0], found[1:]
		}
	}
	return results, nil
}

// Prepare makes the network's input of a picture, which p Takes, and what Result.Shown is of it.
func Prepare(im picture.Image, p picture.Preprocess) (input []float32, shown picture.Image) {
	box := p.Shown(im)
	shown = im.Part(box, int(min(mostShown, max(leastShown, box.W, box.H))))
	input = make([]float32, 3*p.Size*p.Size)
	var r picture.Resampler
	p.Apply(input, im, &r)
	return input, shown
}

// array explains the inputs of an .npy file as they are.
func (e *Explainer) array(ctx context.Context, path string, q Question, each func(Result) error) error {
	size := e.options.Size
	a, err := evaluate.OpenArray(path, size)
	if err != nil {
		return err
	}
	defer a.Close() //nolint:errcheck // nothing is written through it
	per := 3 * size * size
	for from := 0; from < a.Shape[0]; from += e.Together() {
		inputs := make([]float32, min(e.Together(), a.Shape[0]-from)*per)
		if err := a.Read(inputs); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		asked := make([]Question, len(inputs)/per)
		for i := range asked {
			asked[i] = q
			if err := evaluate.CheckInput(inputs[i*per : (i+1)*per]); err != nil {
				return fmt.Errorf("%s[%d]: %w", path, from+i, err)
			}
		}
		found, err := e.Explain(ctx, inputs, asked)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		for i, f := range found {
			if err := each(Result{Path: path, Row: from + i, Explanation: f}); err != nil {
				return err
			}
		}
	}
	return nil
}
