package main

import (
	"bytes"
	"errors"
	"fmt"
	"syscall"
	"testing"
)

func TestExitStatus(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int
		text string
	}{
		{nil, 0, ""},
		{errors.New("disk is full"), 1, "inception: disk is full\n"},
		{usageError{errors.New("no such flag")}, 2, "inception: no such flag\n"},
		{signalled{syscall.SIGINT}, 130, ""},
		{fmt.Errorf("validation: %w", signalled{syscall.SIGTERM}), 143, ""},
	} {
		var out bytes.Buffer
		if got := status(c.err, &out); got != c.want || out.String() != c.text {
			t.Errorf("%v: status %d, %q; want %d, %q", c.err, got, out.String(), c.want, c.text)
		}
	}
}

func TestThousands(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 23834568: "23,834,568"} {
		if got := thousands(n); got != want {
			t.Errorf("%d is written %s, want %s", n, got, want)
		}
	}
}
