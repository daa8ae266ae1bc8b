package kernel

import (
	"math/rand/v2"
	"testing"
)

func TestBiasBackward(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	dy := newViewMap(r, 3, 48, 5, 7, true, true)
	db, sums := newGuarded(48), make([]float64, 48)
	for i, v := range dy.values() {
		sums[i/35%48] += float64(v)
	}
	BiasBackward(db.data, dy.Map)
	near(t, "BiasBackward", db.data, sums, 105)
	dy.check(t, "dy")
	db.check(t, "db")
}
