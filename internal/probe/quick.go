package probe

import (
	"math"

	"github.com/inception-go/inception/internal/kernel"
	"github.com/inception-go/inception/internal/parallel"
)

// quick is the loss of some examples in float32, by the networks' own kernels: a
// hundred times as fast as in float64 where there are hundreds of classes, and exact
// enough to compare strengths. Examples are the pixels of one image, one below
// the other, so that a 1x1 convolution gives the logits of all.
type quick struct {
	*problem
	rows            []int
	conv            kernel.Conv
	x, logits       kernel.Map // [1][Width/16][N][1][16], and of the classes
	weights, packed []float32  // [Classes][Width], and as the convolution has them
	bias            []float32
	parts           []quickPart
}

// quickPart is the share of a fixed piece of the examples in what is summed in
// float64.
type quickPart struct {
	loss   float64
	right  int
	biases []float64 // derivatives
}

func newQuick(p *problem, rows []int) *quick {
	c, k := blocks(p.Width), blocks(p.Classes)
	q := &quick{
		problem: p, rows: rows, conv: kernel.Conv{C: c, K: k, Window: kernel.Window{R: 1, S: 1, StrideH: 1, StrideW: 1}},
		x:       kernel.MapOf(make([]float32, c*len(rows)), 1, c, len(rows), 1),
		logits:  kernel.MapOf(make([]float32, k*len(rows)), 1, k, len(rows), 1),
		weights: make([]float32, p.Classes*p.Width), packed: make([]float32, kernel.PackedLen(k, c, 1, 1)),
		bias: make([]float32, k), parts: make([]quickPart, pieces),
	}
	for i := range q.parts {
		q.parts[i].biases = make([]float64, p.Classes)
	}
	q.eachPiece(func(_, from, to int) {
		for i := from; i < to; i++ {
			for j, v := range p.row(rows[i]) {
				q.x.Data[at(i, j, len(rows))] = float32((float64(v) - p.mean[j]) / p.scale)
			}
		}
	})
	return q
}

// blocks rounds channels up to what the kernels take.
func blocks(n int) int { return (n + kernel.Block - 1) / kernel.Block * kernel.Block }

// at returns where channel c of example i lies among n.
func at(i, c, n int) int { return (c/kernel.Block*n+i)*kernel.Block + c%kernel.Block }

func (q *quick) eachPiece(do func(piece, from, to int)) {
	n := len(q.rows)
	parallel.For(pieces, func(i int) { do(i, i*n/pieces, (i+1)*n/pieces) })
}

func (q *quick) loss(strength float64, params, gradient []float64) float64 {
	all := q.Classes * q.Width
	q.forward(params)
	q.conv.BackwardWeights(q.packed, q.x, q.logits)
	kernel.UnpackOIHW(q.weights, q.packed, q.Classes, q.Width, 1, 1)

	n, loss := float64(len(q.rows)), 0.0
	clear(gradient[all:])
	for _, part := range q.parts {
		loss += part.loss
		for k, v := range part.biases {
			gradient[all+k] += v / n
		}
	}
	for i, v := range params[:all] {
		gradient[i] = (float64(q.weights[i]) + v/strength) / n
		loss += v * v / (2 * strength)
	}
	return loss / n
}

// answers returns how many of the examples a classifier has right, and the sum of
// their losses.
func (q *quick) answers(params []float64) (right, loss float64) {
	q.forward(params)
	for _, part := range q.parts {
		right, loss = right+float64(part.right), loss+part.loss
	}
	return right, loss
}

// forward computes the logits and what slopes does.
func (q *quick) forward(params []float64) {
	all := q.Classes * q.Width
	for i, v := range params[:all] {
		q.weights[i] = float32(v)
	}
	for k, v := range params[all:] {
		q.bias[k] = float32(v)
	}
	kernel.PackOIHW(q.packed, q.weights, q.Classes, q.Width, 1, 1)
	q.conv.ForwardBias(q.logits, q.x, q.packed, q.bias, false)
	q.eachPiece(q.slopes)
}

// slopes replaces the logits of a piece by the derivatives of their loss, and sums
// both.
func (q *quick) slopes(piece, from, to int) {
	part, values := &q.parts[piece], q.logits.Data
	part.loss, part.right = 0, 0
	clear(part.biases)
	for i := from; i < to; i++ {
		largest, answer := math.Inf(-1), 0
		for k := range q.Classes {
			if v := float64(values[at(i, k, len(q.rows))]); v > largest {
				largest, answer = v, k
			}
		}
		sum := 0.0
		for k := range q.Classes {
			sum += math.Exp(float64(values[at(i, k, len(q.rows))]) - largest)
		}
		norm := largest + math.Log(sum)
		label := q.Labels[q.rows[i]]
		if part.loss += norm - float64(values[at(i, label, len(q.rows))]); answer == label {
			part.right++
		}
		for k := range q.Classes {
			value := &values[at(i, k, len(q.rows))]
			slope := math.Exp(float64(*value) - norm)
			if k == label {
				slope--
			}
			part.biases[k] += slope
			*value = float32(slope)
		}
	}
}
