//go:build unix

package main

import (
	"bytes"
	"context"
	"errors"
	"syscall"
	"testing"
)

func TestFirstSignalEndsTheContextWithItsCause(t *testing.T) {
	var out bytes.Buffer
	ctx, stop := withSignals(context.Background(), &out)
	defer stop()
	if err := syscall.Kill(syscall.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-ctx.Done()
	var by signalled
	if !errors.As(context.Cause(ctx), &by) || by.Signal != syscall.SIGTERM {
		t.Errorf("cause is %v, want SIGTERM", context.Cause(ctx))
	}
}
