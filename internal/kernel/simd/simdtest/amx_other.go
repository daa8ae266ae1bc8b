//go:build !linux || !amd64

package simdtest

func amxAllowed() bool { return false }
