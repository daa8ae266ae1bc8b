// Package quantize makes int8 weights of trained float32 weights: it runs the
// network on calibration images, chooses the range of each activation from what it
// sees, and rounds weights and biases. Weights, images and a choice of ranges
// enter; quantised weights and a report of their errors leave.
//
// Activations are bytes from 0, since each follows a ReLU; weights have a sign and
// one scale for each output channel. Branches that are joined share a scale, and a
// maximum that nothing joins keeps that of its input. Two refinements gave nothing
// that could be measured and are not here: a correction of the bias by what the
// rounding of weights does to a channel's mean (Nagel et al., "Data-Free Quantization
// Through Weight Equalization and Bias Correction", arXiv 1906.04721, section 4.2),
// and scales of weights that minimise their squared error.
package quantize

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/inception-go/inception/internal/kernel"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/ops"
	"github.com/inception-go/inception/internal/settings"
)

// The choices of an activation's range.
const (
	MinMax     = "minmax"
	percentile = "percentile"
	mse        = "mse"
	Auto       = "auto"
)

// Ranges lists the choices with a line each.
func Ranges() []settings.Choice {
	return []settings.Choice{
		{Name: Auto, About: "the one of the others whose logits are nearest to float32's"},
		{Name: MinMax, About: "up to the largest value seen"},
		{Name: percentile, About: "up to where 99.99% of the positive values lie"},
		{Name: mse, About: "where rounding and cutting off have the least squared error"},
	}
}

// Options say how to quantise.
type Options struct {
	Range string   // one of Ranges
	Keep  []string // layers that stay float32, by the beginnings of their names
	Batch int      // images run at once
	Size  int      // of the images, in pixels a side; 0 is that of the weights' structure
	Image kernel.ByteImage
}

// Images calls each with batches of preprocessed images, [rows][3][H][W], of at most
// Options.Batch rows, the same ones at every call. It stops at the first error.
type Images func(each func(images []float32, rows int) error) error

// Report is what was chosen, and how large the errors are.
type Report struct {
	Range  string        `json:"range"`           // that was used
	Tried  []TriedRange  `json:"tried,omitempty"` // with Auto
	Images int           `json:"images"`          // of the calibration
	Kept   []string      `json:"kept"`            // convolutions that stay float32
	Layers []LayerReport `json:"layers"`          // in order
	Logits float64       `json:"logits_snr_db"`   // signal to noise on calibration images
}

// TriedRange is a choice of ranges and the error of its logits.
type TriedRange struct {
	Range  string  `json:"range"`
	Logits float64 `json:"logits_snr_db"`
}

// LayerReport is the error of a layer's result, all layers before it being
// quantised too.
type LayerReport struct {
	Name  string  `json:"name"`
	Op    string  `json:"op"`
	Range float64 `json:"range"`  // the largest value that a byte can hold
	Seen  float64 `json:"seen"`   // the largest value seen
	SNR   float64 `json:"snr_db"` // signal to noise
}

// How many calibration images the measurements of errors take.
const (
	imagesForChoice = 256
	imagesForLayers = 32
)

// Run quantises w. It leaves w as it is.
func Run(w *model.Weights, images Images, o Options) (*model.Weights, *Report, error) {
	if err := settings.OneOf("--range", o.Range, Ranges()); err != nil {
		return nil, nil, err
	}
	c, err := calibrate(w, images, o)
	if err != nil {
		return nil, nil, err
	}
	defer c.net.Close()
	report := &Report{Range: o.Range, Images: c.images, Kept: c.kept}
	ranges := []string{o.Range}
	if o.Range == Auto {
		ranges = []string{MinMax, percentile, mse}
	}
	var best *model.Weights
	for _, name := range ranges {
		q, err := c.weights(w, name)
		if err != nil {
			return nil, nil, err
		}
		snr, err := c.compare(q, images)
		if err != nil {
			return nil, nil, err
		}
		if o.Range == Auto {
			report.Tried = append(report.Tried, TriedRange{name, snr})
		}
		if best == nil || snr > report.Logits {
			best, report.Range, report.Logits = q, name, snr
		}
	}
	report.Layers, err = c.layerErrors(w, best, images)
	return best, report, err
}

// keeps reports whether a layer stays float32.
func (o Options) keeps(layer string) bool {
	return slices.ContainsFunc(o.Keep, func(name string) bool { return strings.HasPrefix(layer, name) })
}

// weights rounds with a choice of ranges.
func (c *calibration) weights(w *model.Weights, how string) (*model.Weights, error) {
	q := &model.Int8{Image: c.options.Image, Convs: map[string]*model.Int8Conv{}, Scales: map[string]float32{}}
	for layer, group := range c.groups {
		q.Scales[layer] = scaleOf(c.seen[group].limit(how))
	}
	for i := range c.layers {
		l := &c.layers[i]
		if l.Op != ops.OpConv || slices.Contains(c.kept, l.Name) {
			continue
		}
		q.Convs[l.Name] = c.conv(q, l)
	}
	quantised, err := model.Int8Weights(c.net.Spec, q)
	if err != nil {
		return nil, fmt.Errorf("quantise: %w", err)
	}
	for _, p := range quantised.Params {
		if p.Data != nil {
			copy(p.Data, w.ByName(p.Name).Data)
		}
	}
	return quantised, nil
}

// scaleOf returns the scale of bytes up to a limit.
func scaleOf(limit float64) float32 {
	const most = 255
	if limit == 0 { // nothing was ever there
		limit = 1
	}
	return float32(max(limit/most, 1e-12))
}

// conv rounds the weights of a layer and its bias.
func (c *calibration) conv(q *model.Int8, l *ops.Layer) *model.Int8Conv {
	weights, bias := l.Folded()
	shape := l.Params[0].Shape
	k, channels, taps := shape[0], shape[1], shape[2]*shape[3]
	in, ofImage := 1.0, l.Inputs[0] < 0
	if !ofImage {
		in = float64(q.Scales[c.layers[l.Inputs[0]].Name])
	} else { // its bytes count from an offset, in units of the colours' own
		for i := range weights {
			weights[i] /= q.Image.Scale[i/taps%channels]
		}
	}
	conv := &model.Int8Conv{Weights: make([]int8, len(weights)), Scale: make([]float32, k), Bias: make([]int32, k)}
	for i := range k {
		row, rounded := weights[i*channels*taps:][:channels*taps], conv.Weights[i*channels*taps:][:channels*taps]
		scale := weightScale(row, float64(bias[i]), in)
		conv.Scale[i] = float32(scale)
		shift := float64(bias[i])
		for j, v := range row {
			r := math.RoundToEven(float64(v) / scale)
			rounded[j] = int8(r)
			if ofImage {
				shift -= r * scale * float64(q.Image.Offset[j/taps])
			}
		}
		conv.Bias[i] = int32(max(-kernel.MaxInt8Bias, min(kernel.MaxInt8Bias, math.RoundToEven(shift/(in*scale)))))
	}
	return conv
}

// weightScale returns the scale of an output channel, a float32: it fits the largest
// weight to 127 and the bias to its limit.
func weightScale(row []float32, bias, in float64) float64 {
	const most, spare = 127, 2 // the bias may grow
	largest := 0.0
	for _, v := range row {
		largest = max(largest, math.Abs(float64(v)))
	}
	scale := max(largest/most, math.Abs(bias)*spare/(in*kernel.MaxInt8Bias), 1e-12)
	rounded := float32(scale)
	if float64(rounded) < scale {
		rounded = math.Nextafter32(rounded, math.MaxFloat32)
	}
	return float64(rounded)
}
