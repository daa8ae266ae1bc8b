package evaluate

import (
	"fmt"
	"math"
	"slices"
)

// Class is a class with its probability.
type Class struct {
	Index int     `json:"index"` // row of the classifier
	Label string  `json:"label"` // its name, or the index where there are no names
	Prob  float64 `json:"prob"`
	Logit float32 `json:"logit"` // of several answers the logarithm of their mean probability
}

// Top returns the k most probable classes, the most probable first; of equal
// ones the smaller index comes first. labels may be empty.
func Top[T float32 | float64](logits []T, labels []string, k int) []Class {
	k = min(k, len(logits))
	order := make([]int, 0, k+1)
	for class, v := range logits {
		at := len(order)
		for at > 0 && v > logits[order[at-1]] {
			at--
		}
		if at < k {
			order = slices.Insert(order, at, class)
			order = order[:min(k, len(order))]
		}
	}
	norm := logSumExp(logits)
	top := make([]Class, k)
	for i, class := range order {
		top[i] = classOf(logits, labels, class, norm)
	}
	return top
}

// ClassOf returns one class of an answer. labels may be empty.
func ClassOf[T float32 | float64](logits []T, labels []string, class int) Class {
	return classOf(logits, labels, class, logSumExp(logits))
}

func classOf[T float32 | float64](logits []T, labels []string, class int, norm float64) Class {
	return Class{class, nameOf(class, labels), math.Exp(float64(logits[class]) - norm), float32(logits[class])}
}

func nameOf(class int, labels []string) string {
	if class < len(labels) {
		return labels[class]
	}
	return fmt.Sprint(class)
}

// Rank returns the place of a class among all, from 1: of equal logits the
// smaller index comes first, as in Top, and NaN is below nothing.
func Rank[T float32 | float64](logits []T, class int) int {
	rank := 1
	for other, v := range logits {
		if other != class && !(v < logits[class] || v == logits[class] && other > class) {
			rank++
		}
	}
	return rank
}

// logSumExp returns the logarithm of the softmax's divisor.
func logSumExp[T float32 | float64](logits []T) float64 {
	largest := math.Inf(-1)
	for _, v := range logits {
		largest = math.Max(largest, float64(v))
	}
	sum := 0.0
	for _, v := range logits {
		sum += math.Exp(float64(v) - largest)
	}
	return largest + math.Log(sum)
}

// CrossEntropy returns an image's loss: the negative logarithm of the
// probability that its logits give to a class.
func CrossEntropy(logits []float32, class int) float64 {
	return logSumExp(logits) - float64(logits[class])
}
