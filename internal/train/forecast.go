package train

import (
	"time"

	"github.com/inception-go/inception/internal/kernel"
)

// left estimates how long the run still takes.
func (r *run) left() time.Duration {
	left := r.ahead()
	if limit := r.recipe.Train.MaxTime; limit > 0 {
		left = min(left, max(0, limit-r.clock.elapsed()))
	}
	return left
}

// ahead estimates how long the updates that are left take, without a limit.
func (r *run) ahead() time.Duration {
	if r.clock.steps == 0 {
		return 0
	}
	updates := max(0, r.updates()-r.at.Step)
	return time.Duration(r.effort(updates)*float64(r.clock.pace)) +
		time.Duration(r.validationsUntil(updates))*r.validationTime()
}

// effort returns the updates that are ahead, counted in those of the size under
// way.
func (r *run) effort(updates int) float64 {
	if len(r.recipe.Train.Sizes) == 0 {
		return float64(updates)
	}
	perEpoch, done, sum := r.data.updates(r.shards), r.at.Step, 0.0
	for updates > 0 {
		epoch := done / perEpoch
		n := min(updates, (epoch+1)*perEpoch-done)
		sum += float64(n) * area(r.sizeOf(epoch), r.net.Spec.InputSize)
		done, updates = done+n, updates-n
	}
	return sum
}

// validationsUntil returns how many validations the updates that are left
// bring.
func (r *run) validationsUntil(updates int) int {
	if r.data.val == nil || updates == 0 {
		return 0
	}
	perEpoch := r.data.updates(r.shards)
	return Validations(r.at.Epoch, r.at.Epoch+(updates+perEpoch-1)/perEpoch, r.job.Eval.Every)
}

// validationTime returns what a validation takes: as long as the last one;
// before there is one, half as long as training on so many images takes at its
// fastest, for there is no way back.
func (r *run) validationTime() time.Duration {
	if r.data.val == nil {
		return 0
	}
	if r.clock.validation > 0 {
		return r.clock.validation
	}
	perImage := float64(r.clock.fastest) / float64(r.effectiveBatch())
	return time.Duration(perImage / 2 * float64(r.data.val.Len()))
}

// outOfTime reports whether train.max_time is over once the validation that
// ends the run is added. A validation may not take more than half of it, or
// there would be nothing to validate.
func (r *run) outOfTime() bool {
	limit := r.recipe.Train.MaxTime
	return limit > 0 && r.clock.elapsed()+min(r.validationTime(), limit/2) >= limit
}

// endTime names a moment: the hour today, else the day too.
func endTime(now time.Time, left time.Duration) string {
	end := now.Add(left)
	if end.YearDay() == now.YearDay() && end.Year() == now.Year() {
		return end.Format("15:04")
	}
	return end.Format("15:04 on Mon, 2 Jan")
}

// plainGoTime estimates how long so many images take of so many multiply-adds each.
func plainGoTime(macs int64, images int, peakGFLOPS float64) time.Duration {
	flops := 2 * float64(macs) * float64(images)
	seconds := flops / (peakGFLOPS * 1e9 * kernel.PlainGoShare)
	const most = 100 * 365 * 24 * time.Hour // what a time.Duration holds
	return time.Duration(min(seconds, most.Seconds()) * float64(time.Second))
}
