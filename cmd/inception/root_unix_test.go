//go:build unix

package main

import (
	"bytes"
	"context"
	"errors"
	"os/signal"
	"syscall"
	"testing"
)

func TestFirstSignalEndsTheContextWithItsCause(t *testing.T) {
	for _, number := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP} {
		if signal.Ignored(number) { // of a test run under nohup
			continue
		}
		var out bytes.Buffer
		ctx, stop := withSignals(context.Background(), &out)
		if err := syscall.Kill(syscall.Getpid(), number); err != nil {
			t.Fatal(err)
		}
		<-ctx.Done()
		var by signalled
		if !errors.As(context.Cause(ctx), &by) || by.Signal != number {
			t.Errorf("cause is %v, want %v", context.Cause(ctx), number)
		}
		stop()
	}
}

func TestAnIgnoredHangupStaysIgnored(t *testing.T) {
	signal.Ignore(syscall.SIGHUP)
	defer signal.Reset(syscall.SIGHUP)
	var out bytes.Buffer
	ctx, stop := withSignals(context.Background(), &out)
	defer stop()
	for _, number := range []syscall.Signal{syscall.SIGHUP, syscall.SIGTERM} {
		if err := syscall.Kill(syscall.Getpid(), number); err != nil {
			t.Fatal(err)
		}
	}
	<-ctx.Done()
	if cause := context.Cause(ctx); !errors.Is(cause, signalled{syscall.SIGTERM}) {
		t.Errorf("cause is %v, want SIGTERM", cause)
	}
}
