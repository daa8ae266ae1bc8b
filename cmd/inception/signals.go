package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// signalled is the cause of a context that a signal has ended.
type signalled struct{ syscall.Signal }

func (s signalled) Error() string { return "stopped by " + s.Signal.String() }

// withSignals returns a context that ends with the first Ctrl-C, SIGTERM, or
// SIGHUP (the terminal's end) unless nohup ignores that. The second one ends the
// process.
func withSignals(parent context.Context, stderr io.Writer) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	for _, s := range hangups {
		if !signal.Ignored(s) {
			signal.Notify(signals, s)
		}
	}
	go func() {
		for s := range signals {
			number, _ := s.(syscall.Signal)
			if ctx.Err() != nil {
				os.Exit(128 + int(number))
			}
			fmt.Fprintln(stderr, "\nstopping; press Ctrl-C again to stop at once")
			cancel(signalled{number})
		}
	}()
	return ctx, func() { signal.Stop(signals); close(signals); cancel(nil) }
}

// outliveReaders makes writing to a closed standard output or error a failed
// write in place of the process's end: a training is worth more than its words.
func outliveReaders() {
	for _, s := range brokenPipes {
		signal.Ignore(s)
	}
}
