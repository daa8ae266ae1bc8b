package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/inception-go/inception/internal/cluster"
)

// What all ranks have is rank 0's to say; what may be one rank's own, such as no
// MPI library on its machine, nobody else can.
func TestRanksApartSayWhatRank0MayNotKnow(t *testing.T) {
	s := &session{apart: cluster.Launch{Size: 2, Rank: 1, By: "mpirun"}}
	for _, c := range []struct {
		err    error
		status int
		want   string
	}{
		{errors.New("no MPI library"), statusFailure, "rank 1: no MPI library"},
		{fmt.Errorf("mpirun: %w", cluster.ErrAlone), statusFailure, ""},
		{usageError{errors.New("works in one process")}, statusUsage, ""},
	} {
		var said strings.Builder
		if status := s.end(c.err, &said); status != c.status {
			t.Errorf("%v: status is %d, want %d", c.err, status, c.status)
		}
		if got := said.String(); !strings.Contains(got, c.want) || (c.want == "") != (got == "") {
			t.Errorf("%v: says %q, want %q", c.err, got, c.want)
		}
	}
}
