//go:build !linux

package memory

// limits and machine are not known here.
func limits() []Limit { return nil }
func machine() int64  { return 0 }
