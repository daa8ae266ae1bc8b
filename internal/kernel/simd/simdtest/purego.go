//go:build purego

package simdtest

const purego = true
