package explain

import (
	"slices"

	"github.com/inception-go/inception/internal/model"
)

// byGradients explains at most Together inputs in one run.
func (e *Explainer) byGradients(inputs []float32, asked []Question) ([]Explanation, error) {
	o, per := e.options, 3*e.options.Size*e.options.Size
	n, rows := len(inputs)/per, e.options.rows()
	batch := make([]float32, o.Batch*per)
	for i := range n * rows {
		copy(batch[i*per:], inputs[i/rows*per:][:per])
	}
	all := make([]Explanation, n)
	err := e.net.Score(batch, func(row int, logits, direction []float32) {
		if row >= n*rows {
			return
		}
		class, rival := asked[row/rows].of(logits)
		direction[class] = 1
		if row%rows == 0 {
			all[row/rows] = Explanation{Logits: slices.Clone(logits), Class: class, Rival: rival}
		} else if rival >= 0 {
			direction[rival] = -1
		}
	})
	if err != nil {
		return nil, err
	}
	for i := range all {
		if err := model.CheckFinite(all[i].Logits); err != nil {
			return nil, err
		}
	}
	return all, e.addMaps(all)
}

// addMaps reads the maps of the last run.
func (e *Explainer) addMaps(all []Explanation) error {
	rows := e.options.rows()
	for _, at := range e.options.At {
		values, shape, err := e.net.Point(at)
		if err != nil {
			return err
		}
		grad := e.net.PointGradient(at)
		h, w, size := shape[1], shape[2], shape[0]*shape[1]*shape[2]
		of := func(row int) activation { return activation{values[row*size:][:size], grad[row*size:][:size], h * w} }
		for i := range all {
			all[i].Maps = append(all[i].Maps, positive(at, h, w, of(i*rows).class(e.options.Method)))
			if rows > 1 {
				all[i].Apart = append(all[i].Apart, signed(at, h, w, of(i*rows+1).difference(e.options.Method)))
			}
		}
	}
	return nil
}

// activation is a layer's output for one input, [C][pixels], and the derivatives
// of the score by it.
type activation struct {
	values, grad []float32
	pixels       int
}

// class returns the evidence for the score at each pixel.
func (a activation) class(m Method) []float64 {
	if m == LayerCAM {
		return a.layerCAM(1)
	}
	return a.gradCAM()
}

// difference returns the evidence for the score less that against it. Grad-CAM is
// linear in the score, so it is that already.
func (a activation) difference(m Method) []float64 {
	if m != LayerCAM {
		return a.gradCAM()
	}
	pro, contra := a.layerCAM(1), a.layerCAM(-1)
	for i := range pro {
		pro[i] = max(pro[i], 0) - max(contra[i], 0)
	}
	return pro
}

func (a activation) gradCAM() []float64 {
	sum := make([]float64, a.pixels)
	for from := 0; from < len(a.grad); from += a.pixels {
		weight := 0.0
		for _, g := range a.grad[from : from+a.pixels] {
			weight += float64(g)
		}
		weight /= float64(a.pixels)
		for i, v := range a.values[from : from+a.pixels] {
			sum[i] += weight * float64(v)
		}
	}
	return sum
}

// layerCAM is the map of the score times sign.
func (a activation) layerCAM(sign float64) []float64 {
	sum := make([]float64, a.pixels)
	for i, g := range a.grad {
		sum[i%a.pixels] += max(sign*float64(g), 0) * float64(a.values[i])
	}
	return sum
}
