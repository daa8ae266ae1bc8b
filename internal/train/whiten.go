package train

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/ops"
	"github.com/inception-go/inception/internal/settings"
	"gonum.org/v1/gonum/mat"
)

// whitenFirst freezes the first convolution of a job that whitens it.
func (j *Job) whitenFirst() error {
	if !j.Train.Whiten {
		return nil
	}
	if j.Init.Weights != "" {
		return settings.Errorf("train.whiten", "makes new weights for the first convolution, but --init brings it: leave out one")
	}
	params, err := model.Parameters(j.Model)
	if err != nil {
		return err
	}
	if params[0].Kind != ops.ImageWeight {
		return settings.Errorf("train.whiten", "%s has no plain first convolution, it is %s; set model.stem.conv to another",
			j.Model.Variant, params[0].Layer)
	}
	j.Train.Freeze = append(slices.Clone(j.Train.Freeze), params[0].Layer)
	return nil
}

// whiten makes the filters of the first convolution those that whiten patches of
// training images: their principal components, the strongest first, each divided
// by its deviation, and all of them once more with the other sign, since what
// follows cuts at zero (Jordan, "94% on CIFAR-10 in 3.29 Seconds on a Single GPU",
// arXiv 2404.00498, section 3.1). Outputs that are left keep random filters.
func (r *run) whiten(ctx context.Context) error {
	if !r.recipe.Train.Whiten {
		return nil
	}
	first := r.weights.Params[0]
	outputs, window := first.Shape[0], first.Shape[2]
	cov, err := r.patches(ctx, window)
	if err != nil {
		return fmt.Errorf("train.whiten: %w", err)
	}
	n := cov.SymmetricDim()
	var eigen mat.EigenSym
	if !eigen.Factorize(cov, true) {
		return errors.New("train.whiten: the patches of the training images have no principal components")
	}
	var components mat.Dense
	eigen.VectorsTo(&components)
	variances, filters := eigen.Values(nil), first.Values() // from the weakest to the strongest
	pairs := min(n, outputs/2)
	for k := range pairs {
		at := n - 1 - k
		scale := 1 / math.Sqrt(math.Max(0, variances[at])+whitenEps)
		for i := range n {
			v := float32(scale * components.At(i, at))
			filters[k*n+i], filters[(pairs+k)*n+i] = v, -v
		}
	}
	if err := first.SetValues(filters); err != nil {
		return err
	}
	if r.average != nil {
		r.average.Weights.CopyFrom(r.weights)
	}
	return nil
}

// whitenEps is added to variances, so that noise is not made as large as what
// images show.
const whitenEps = 5e-4

// patches returns the mean products of the values of patches of training images,
// [3][window][window], as the network sees them without augmentation. Of large
// images it takes some thousand patches each.
func (r *run) patches(ctx context.Context, window int) (*mat.SymDense, error) {
	n := 3 * window * window
	set := dataset.Sample(r.data.train, max(100, 2000*27/n))
	loader := dataset.NewLoader(set, dataset.LoaderOptions{
		Batch: min(64, set.Len()), Workers: r.job.Data.Workers, Preprocess: r.data.preprocess, SkipUnreadable: true,
	})
	batches := loader.Epoch(ctx, 0, 0)
	defer batches.Close()
	size := r.data.preprocess.Size
	sums, patch, count := make([]float64, n*n), make([]float64, n), 0
	for {
		b, err := batches.Next()
		if err == io.EOF { // nothing else: a picture may wrap one
			break
		}
		if err != nil {
			return nil, err
		}
		for i, label := range b.Labels {
			if label >= 0 {
				count += addPatches(sums, patch, b.Images[i*3*size*size:][:3*size*size], size, window)
			}
		}
	}
	if count == 0 {
		return nil, errors.New("none of the training images can be read, or they are smaller than the convolution")
	}
	for i := range sums {
		sums[i] /= float64(count)
	}
	return mat.NewSymDense(n, sums), nil
}

// addPatches adds the products of the values of patches of an image, above and on
// the diagonal, and returns how many patches it took.
func addPatches(sums, patch []float64, image []float32, size, window int) (count int) {
	n, step := len(patch), max(1, size/32)
	for top := 0; top+window <= size; top += step {
		for left := 0; left+window <= size; left += step {
			for i := range patch {
				c, y, x := i/(window*window), i/window%window, i%window
				patch[i] = float64(image[(c*size+top+y)*size+left+x])
			}
			for i, v := range patch {
				row := sums[i*n : (i+1)*n]
				for j := i; j < n; j++ {
					row[j] += v * patch[j]
				}
			}
			count++
		}
	}
	return count
}
