package settings

import "testing"

func TestNumbersAreNumbersToEveryReader(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 1: "1", 0.1: "0.1", 4e-5: "4.0e-05", 4.5e-5: "4.5e-05", 1e21: "1.0e+21", 299: "299", -2e-9: "-2.0e-09",
		4. / 3: "1.3333333333333333",
	} {
		if got := number(v); got != want {
			t.Errorf("%g is written %s, want %s", v, got, want)
		}
	}
}
