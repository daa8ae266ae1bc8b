//go:build !linux && !darwin

package simd_test

import "testing"

// fenced returns n floats; this system has no guard pages for them.
func fenced(_ testing.TB, n int, _ bool) []float32 { return make([]float32, n) }
