package cluster

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// Both sides send whenever they like, also long messages, and hear all of it in
// order, however long they are silent in between.
func TestLinkCarriesMessagesBothWays(t *testing.T) {
	together(2, func(c *Cluster) {
		const limit = 80 * time.Millisecond
		c.SetTimeout(limit)
		l := c.Link(1 - c.Rank())
		text := func(rank, i int) string { return strings.Repeat(fmt.Sprint(rank, "-", i, " "), 1+200*(i%2)) }
		for i := range 10 {
			if err := l.Send([]byte(text(c.Rank(), i))); err != nil {
				t.Error(err)
			}
			if got := string(<-l.Received); got != text(1-c.Rank(), i) {
				t.Errorf("rank %d hears %q", c.Rank(), got)
			}
			if i == 5 {
				time.Sleep(3 * limit)
			}
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if err := l.Send(nil); !errors.Is(err, errClosed) {
			t.Errorf("after the end: %v", err)
		}
	})
}

// A rank that is silent is named, though nobody has asked it anything.
func TestLinkNoticesAStall(t *testing.T) {
	for _, limit := range []time.Duration{50 * time.Millisecond, time.Nanosecond} {
		together(2, func(c *Cluster) {
			c.SetTimeout(limit)
			if c.Rank() == 1 {
				return
			}
			l := c.Link(1)
			var stall *StallError
			if _, ok := <-l.Received; ok || !errors.As(l.Err(), &stall) || stall.Rank != "rank 1 on here" {
				t.Errorf("error is %v", l.Err())
			}
		})
	}
}

// What groups do together stays in the group.
func TestGroupsAreApart(t *testing.T) {
	together(6, func(c *Cluster) {
		g := c.Group(2)
		if g.Rank() != c.Rank()%2 || g.Size() != 2 || g.Name(1) != fmt.Sprintf("rank %d on here", c.Rank()|1) {
			t.Errorf("rank %d is %d of %d", c.Rank(), g.Rank(), g.Size())
		}
		all, err := g.AllGather([]byte{byte(c.Rank())})
		if err != nil || int(all[0][0]) != c.Rank()/2*2 || int(all[1][0]) != c.Rank()/2*2+1 {
			t.Errorf("rank %d gathers %v, %v", c.Rank(), all, err)
		}
		if alone := c.Group(1); alone.Size() != 1 {
			t.Errorf("a group of one has %d ranks", alone.Size())
		}
	})
}

func TestSharingCountsTheRanksOfOneHost(t *testing.T) {
	together(3, func(c *Cluster) {
		c.hosts = []string{"here", "here", "there"}
		things := []string{"all", fmt.Sprint("of rank ", c.Rank())}
		counts, err := c.Sharing(things)
		want := []int{2, 1}
		if c.Rank() == 2 {
			want = []int{1, 1}
		}
		if err != nil || fmt.Sprint(counts) != fmt.Sprint(want) {
			t.Errorf("rank %d counts %v, %v; want %v", c.Rank(), counts, err, want)
		}
	})
	var alone *Cluster
	if counts, err := alone.Sharing([]string{"x"}); err != nil || counts[0] != 1 {
		t.Errorf("one process counts %v, %v", counts, err)
	}
}
