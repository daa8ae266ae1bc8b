package probe

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Float32 finds the loss and the derivatives that float64 does, for numbers of
// examples, features and classes that fill the kernels' blocks or do not.
func TestFloat32AndFloat64HaveOneLoss(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, c := range []struct{ classes, images, width int }{{2, 3, 1}, {5, 40, 15}, {16, 33, 16}, {17, 100, 50}} {
		p := newProblem(clouds(c.classes, c.images, c.width))
		var rows []int
		for i := range c.images {
			if i%3 != 1 {
				rows = append(rows, i)
			}
		}
		params, want, got := p.zero(), p.zero(), p.zero()
		for i := range params {
			params[i] = rng.NormFloat64()
		}
		exactly := (&sums{p, rows}).loss(2, params, want)
		q := newQuick(p, rows)
		if loss := q.loss(2, params, got); math.Abs(loss-exactly) > 1e-6*exactly {
			t.Errorf("%+v: the loss is %.9g, in float64 %.9g", c, loss, exactly)
		}
		for i := range want {
			if math.Abs(got[i]-want[i]) > 1e-6 {
				t.Errorf("%+v: derivative %d is %.9g, in float64 %.9g", c, i, got[i], want[i])
			}
		}
		right, l := 0.0, p.linear(params)
		for _, row := range rows {
			logits := l.Logits(p.row(row))
			best := 0
			for k, v := range logits {
				if v > logits[best] {
					best = k
				}
			}
			if best == p.Labels[row] {
				right++
			}
		}
		if is, _ := q.answers(params); is != right {
			t.Errorf("%+v: %g answers are right, of float64's %g", c, is, right)
		}
	}
	q := newQuick(newProblem(clouds(3, 30, 4)), []int{0, 1, 2, 3, 4, 5})
	if right, _ := q.answers(q.zero()); right != 2 {
		t.Errorf("a classifier that knows nothing has %g of 6 right; it answers with the first class, which 2 have", right)
	}
}
