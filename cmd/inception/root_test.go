package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/inception-go/inception/internal/rundir"
	"github.com/inception-go/inception/internal/settings"
)

func TestTheExitStatusTellsWrongCallsFromFailures(t *testing.T) {
	held := t.TempDir()
	if err := os.WriteFile(filepath.Join(held, rundir.Metrics), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		err  error
		want int
		text string
	}{
		{nil, 0, ""},
		{errors.New("disk is full"), 1, "inception: disk is full\n"},
		{usageError{errors.New("no such flag")}, 2, "inception: no such flag\n"},
		{fmt.Errorf("row a: %w", settings.Errorf("data.train", "is missing")), 2, "inception: row a: data.train: is missing\n"},
		{rundir.Refuse(held, false), 2, "inception: " + held + ": holds a run already; go on with it by --resume, or choose another folder\n"},
		{errors.Join(errors.New("a"), errors.New("b")), 1, "inception: a\ninception: b\n"},
		{signalled{syscall.SIGINT}, 130, ""},
		{fmt.Errorf("validation: %w", signalled{syscall.SIGTERM}), 143, ""},
	} {
		var out bytes.Buffer
		if got := status(c.err, &out); got != c.want || out.String() != c.text {
			t.Errorf("%v: status %d, %q; want %d, %q", c.err, got, out.String(), c.want, c.text)
		}
	}
}

func TestThousandsAreSetApartByCommas(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 23834568: "23,834,568"} {
		if got := thousands(n); got != want {
			t.Errorf("%d is written %s, want %s", n, got, want)
		}
	}
}
