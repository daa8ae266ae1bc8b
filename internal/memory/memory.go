// Package memory knows how much memory this process may use, so that a
// training too large for it is refused by a sentence: the system would end the
// process without one.
package memory

import (
	"fmt"
	"math"
	"runtime/debug"
)

// Limit is how much memory there is, and for whom.
type Limit struct {
	Bytes int64  // 0 where the system does not tell
	Of    string // "this machine", "this cgroup"

	// Common is the same for all processes of a host that the limit is for
	// together; empty if each has a limit of its own.
	Common string
}

// Available returns the smallest of the limits that hold for this process.
func Available() Limit { return smallest(Limits()) }

// Limits returns all of them.
func Limits() []Limit { return limits() }

// Share returns what is left to each process where so many have to share each of
// the limits.
func Share(limits []Limit, processes []int) Limit {
	var own []Limit
	for i, l := range limits {
		if n := processes[i]; n > 1 && l.Common != "" {
			l = Limit{Bytes: l.Bytes / int64(n), Of: fmt.Sprintf("each of the %d ranks that share %s", n, l.Of)}
		}
		own = append(own, l)
	}
	return smallest(own)
}

// Machine returns the bytes of the machine's memory, 0 where the system does
// not tell.
func Machine() int64 { return machine() }

// Fits reports whether so many bytes are within the limit with something left
// for the rest of the process.
func (l Limit) Fits(bytes int64) bool { return l.Bytes == 0 || bytes <= l.Most() }

// Most returns the largest number of bytes that Fits.
func (l Limit) Most() int64 { return l.Bytes - l.Bytes/16 }

func (l Limit) String() string { return fmt.Sprintf("%s has %s", l.Of, Size(l.Bytes)) }

// Respect makes the garbage collector work harder near the limit, unless
// GOMEMLIMIT says what it is to do. Without it the heap may grow to twice of
// what is in use.
func Respect(l Limit) {
	if l.Bytes > 0 && debug.SetMemoryLimit(-1) == math.MaxInt64 {
		debug.SetMemoryLimit(l.Most())
	}
}

// Size writes bytes for people.
func Size(bytes int64) string {
	switch {
	case bytes >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(bytes)/(1<<30))
	case bytes >= 1<<20:
		return fmt.Sprintf("%.0f MiB", float64(bytes)/(1<<20))
	}
	return fmt.Sprintf("%d bytes", bytes)
}

func smallest(all []Limit) (least Limit) {
	for _, l := range all {
		if l.Bytes > 0 && (least.Bytes == 0 || l.Bytes < least.Bytes) {
			least = l
		}
	}
	return least
}
