//go:build !js && !wasip1

package main

import (
	"os"
	"syscall"
)

// What a terminal's end and a reader's end send.
var (
	hangups     = []os.Signal{syscall.SIGHUP}
	brokenPipes = []os.Signal{syscall.SIGPIPE}
)
