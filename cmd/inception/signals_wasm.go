//go:build js || wasip1

package main

import "os"

// These systems send neither.
var hangups, brokenPipes []os.Signal
