package ablate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/inception-go/inception/internal/cluster"
	"github.com/inception-go/inception/internal/rundir"
	"github.com/inception-go/inception/internal/train"
)

// onRanks runs a plan on so many ranks that are goroutines, in crews of size, and
// returns rank 0's result and all errors.
func onRanks(ctx context.Context, p *Plan, dir string, ranks, size int, progress Progress) (r *Result, errs []error) {
	errs = make([]error, ranks)
	var all sync.WaitGroup
	for rank, c := range cluster.InProcess(ranks) {
		all.Go(func() {
			crew := &Crew{Cluster: c, Size: size}
			if rank > 0 {
				errs[rank] = crew.Work(ctx)
				return
			}
			own := *p
			own.crew = crew
			r, errs[0] = own.Run(ctx, dir, progress)
		})
	}
	all.Wait()
	return r, errs
}

// quartered is the suite with updates of four batches, which ranks can share.
var quartered = []string{"train.batch_size=2", "train.grad_accum_steps=4"}

// sameRuns compares the weights of all runs, and what the tables say of them.
func sameRuns(t *testing.T, want, got *Result) {
	t.Helper()
	for i, row := range want.Rows {
		if len(got.Rows[i].Runs) != len(row.Runs) || got.Rows[i].Top1 != row.Top1 {
			t.Errorf("row %s: %d runs with errors %+v, want %d with %+v", row.Name, len(got.Rows[i].Runs),
				got.Rows[i].Top1, len(row.Runs), row.Top1)
			continue
		}
		for s, o := range row.Runs {
			a, errA := os.ReadFile(filepath.Join(want.Dir, o.Run, rundir.Last))
			b, errB := os.ReadFile(filepath.Join(got.Dir, o.Run, rundir.Last))
			if errA != nil || errB != nil || !bytes.Equal(a, b) || got.Rows[i].Runs[s].Identity != o.Identity {
				t.Errorf("%s: another run (%v, %v)", o.Run, errA, errB)
			}
		}
	}
}

// How the ranks share the runs, and how many there are, cannot be seen in the
// table, also if the ablation is stopped in between.
func TestAnAblationEndsTheSameOnAnyRanks(t *testing.T) {
	plan := prepared(t, twoRows, 2, quartered...)
	want, err := plan.Run(context.Background(), t.TempDir(), listening().progress())
	if err != nil {
		t.Fatal(err)
	}
	// Three ranks with a run each; stopped in the first run of rank 0.
	dir := t.TempDir()
	ctx, cancel := context.WithCancelCause(context.Background())
	l := listening()
	l.stopIn, l.cancel = "plain/seed-1", cancel
	var elsewhere []string
	progress := l.progress()
	begin := progress.Begin
	progress.Begin = func(u Upcoming) train.Reporter {
		if u.Where == "" {
			return begin(u)
		}
		elsewhere = append(elsewhere, u.Where)
		return nil
	}
	_, errs := onRanks(ctx, plan, dir, 3, 1, progress)
	if !errors.Is(errs[0], errStop) || len(elsewhere) < 2 || elsewhere[0] != "rank 1 on here" || elsewhere[1] != "rank 2 on here" {
		t.Fatalf("runs were given to %q; errors %v", elsewhere, errs)
	}
	for rank, err := range errs[1:] {
		if err == nil || !strings.Contains(err.Error(), errStop.Error()) {
			t.Errorf("rank %d does not end with rank 0's error: %v", rank+1, err)
		}
	}
	// Gone on with in two crews of two ranks, each with half of the batches.
	l = listening()
	got, errs := onRanks(context.Background(), plan, dir, 4, 2, l.elsewhereSilent())
	if errors.Join(errs...) != nil {
		t.Fatal(errs)
	}
	sameRuns(t, want, got)
	var rows []RowResult
	text, err := os.ReadFile(filepath.Join(dir, "table.json"))
	if err == nil {
		err = json.Unmarshal(text, &rows)
	}
	if err != nil || len(rows) != 2 || rows[1].Top1 != want.Rows[1].Top1 {
		t.Errorf("the table has %+v (%v)", rows, err)
	}
}

// elsewhereSilent is progress that hears of the own crew's runs alone.
func (l *listener) elsewhereSilent() Progress {
	progress := l.progress()
	begin := progress.Begin
	progress.Begin = func(u Upcoming) train.Reporter {
		if u.Where != "" {
			return nil
		}
		return begin(u)
	}
	return progress
}

// A rank that fails ends the ablation for all, and what others have made stays.
func TestARankThatFailsEndsTheAblation(t *testing.T) {
	dir := t.TempDir()
	progress := listening().progress()
	begin := progress.Begin
	progress.Begin = func(u Upcoming) train.Reporter {
		if u.Where == "" {
			return begin(u)
		}
		if err := os.MkdirAll(filepath.Dir(u.Dir), 0o777); err != nil {
			t.Error(err)
		}
		if err := os.WriteFile(u.Dir, nil, 0o666); err != nil { // no folder can be made there
			t.Error(err)
		}
		return nil
	}
	_, errs := onRanks(context.Background(), prepared(t, twoRows, 1), dir, 2, 1, progress)
	for rank, err := range errs {
		if err == nil || !strings.Contains(err.Error(), "rank 1 on here: ") || !strings.Contains(err.Error(), "seed-1") {
			t.Errorf("rank %d: %v", rank, err)
		}
	}
}

// A rank that stalls is named, though nobody waits for its batches.
func TestARankThatStallsEndsTheAblation(t *testing.T) {
	plan := prepared(t, twoRows, 1, "cluster.timeout=3s")
	all := cluster.InProcess(2)
	gone := &Crew{Cluster: all[1], Size: 1}
	go func() { _ = gone.meet(cluster.Options{}) }()
	plan.crew = &Crew{Cluster: all[0], Size: 1}
	var stall *cluster.StallError
	if _, err := plan.Run(context.Background(), t.TempDir(), listening().elsewhereSilent()); !errors.As(err, &stall) ||
		stall.Rank != "rank 1 on here" {
		t.Errorf("error is %v", err)
	}
}

// A rank that stalls in another crew than rank 0's ends the ablation by way of
// rank 0, which has its own run saved first.
func TestACrewThatStallsIsNamedByRank0(t *testing.T) {
	plan := prepared(t, twoRows, 1, append([]string{"cluster.timeout=3s", "train.epochs=1000"}, quartered...)...)
	all := cluster.InProcess(4)
	gone := &Crew{Cluster: all[3], Size: 2}
	go func() { _ = gone.meet(cluster.Options{}) }()
	errs := make([]error, 3)
	var others sync.WaitGroup
	for rank := 1; rank < 3; rank++ {
		others.Go(func() { errs[rank] = (&Crew{Cluster: all[rank], Size: 2}).Work(context.Background()) })
	}
	plan.crew = &Crew{Cluster: all[0], Size: 2}
	dir := t.TempDir()
	_, errs[0] = plan.Run(context.Background(), dir, listening().elsewhereSilent())
	others.Wait()
	for rank, err := range errs {
		if err == nil || !strings.Contains(err.Error(), "rank 2 on here: rank 3 on here has not answered for 3s") {
			t.Errorf("rank %d: %v", rank, err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "plain", "seed-1", rundir.Last)); err != nil {
		t.Errorf("rank 0's run is not saved: %v", err)
	}
}

// A budget ends the runs of all ranks; the same command goes on with them.
func TestABudgetEndsTheRunsOfAllRanks(t *testing.T) {
	dir := t.TempDir()
	plan := prepared(t, twoRows, 9)
	plan.budget = time.Hour
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	l := listening()
	l.stopIn, l.cancel = "plain/seed-1", func(error) { cancel(errBudget) }
	r, errs := onRanks(ctx, plan, dir, 2, 1, l.elsewhereSilent())
	if errors.Join(errs...) != nil || r.Count(Failed) > 0 || r.Count(Pending) == 0 {
		t.Fatalf("%d runs are pending, errors %v", r.Count(Pending), errs)
	}
}

// The folder may show the end of a run before the crew that makes it says so.
func TestARunThatHasBegunIsCountedOnce(t *testing.T) {
	r := &Result{Rows: []RowResult{
		{Runs: []Outcome{{State: Done}, {State: Pending}}}, {Runs: []Outcome{{State: Pending}, {State: Failed}}},
	}}
	if n := r.begun(map[turn]bool{{0, 0}: true, {0, 1}: true}); n != 3 {
		t.Errorf("%d runs have begun, want two that are over and one under way", n)
	}
}

func TestCrewsShareTheTimeOfABudget(t *testing.T) {
	l := &ledger{crews: 2, seconds: []float64{10, 30}, has: map[turn]bool{}, first: 2, last: 2}
	if runs, seconds := l.plan(unlimited); runs[0] != 2 || runs[1] != 2 || seconds != 40 {
		t.Errorf("two crews make runs %v in %g s, want two of each in 40 s", runs, seconds)
	}
}

func TestCrewsThatCannotShareAreRefused(t *testing.T) {
	four := cluster.InProcess(4)[0]
	for _, c := range []struct {
		crew Crew
		want string
	}{
		{Crew{Size: 0}, "must be at least 1"},
		{Crew{Size: 2}, "is 2, but this is one process; start it by mpirun -n 2"},
		{Crew{Cluster: four, Size: 3}, "4 ranks cannot be divided into groups of 3"},
		{Crew{Cluster: four, Size: 4}, "row plain: train.grad_accum_steps: is 1, and 4 ranks cannot share an update of so many batches; [1] can"},
	} {
		s, err := parse("two", "two.yaml", []byte(twoRows))
		if err != nil {
			t.Fatal(err)
		}
		_, err = Prepare(Options{Suite: s, Base: tinyBase(t), Seeds: 1, Crew: &c.crew})
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("error is %v, want %q", err, c.want)
		}
	}
}
