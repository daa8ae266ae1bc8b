package statistics

import "math"

// McNemar returns the exact two-sided p of McNemar's test on two classifiers
// and the same images, of which only the first classifies onlyFirst correctly
// and only the second onlySecond: twice the binomial probability of at most the
// smaller count among both, at most 1 (McNemar, 1947; exact as in Edwards,
// 1948, without a correction).
func McNemar(onlyFirst, onlySecond int) float64 {
	n, k := onlyFirst+onlySecond, min(onlyFirst, onlySecond)
	p := 0.0
	for i := range k + 1 {
		p += math.Exp(logChoose(n, i) - float64(n)*math.Ln2)
	}
	return math.Min(1, 2*p)
}

func logChoose(n, k int) float64 {
	a, _ := math.Lgamma(float64(n + 1))
	b, _ := math.Lgamma(float64(k + 1))
	c, _ := math.Lgamma(float64(n - k + 1))
	return a - b - c
}

// PairedShares returns an interval for the difference of the shares of images
// that two classifiers classify correctly, the second's less the first's, on
// the same images: the adjusted Wald interval of Bonett and Price ("Adjusted
// Wald confidence interval for a difference of binomial proportions based on
// paired data", 2012), which adds one image to either count:
//
//	d = (onlySecond - onlyFirst) / (images + 2),
//	d ± z sqrt((p + q - d^2) / (images + 2)), p and q the adjusted shares.
func PairedShares(onlyFirst, onlySecond, images int, confidence float64) (low, high float64) {
	n := float64(images + 2)
	p, q := float64(onlyFirst+1)/n, float64(onlySecond+1)/n
	half := normalQuantile((1+confidence)/2) * math.Sqrt((p+q-(q-p)*(q-p))/n)
	return math.Max(-1, q-p-half), math.Min(1, q-p+half)
}
