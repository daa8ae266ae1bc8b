//go:build js || wasip1

package dataset

// withoutWaiting is nothing: these systems have no such flag.
const withoutWaiting = 0
