package train

import "time"

// due reports whether the end of the epoch under way is validated, whether or
// not the run ends there.
func (r *run) due() bool {
	every := r.job.Eval.Every
	return r.data.val != nil && every > 0 && r.at.epoch()%every == 0
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

// Validations counts those of a training that goes from one number of epochs
// done to another and ends there.
func Validations(from, to, every int) int {
	if to <= from {
		return 0
	}
	if every < 1 {
		return 1
	}
	n := to/every - from/every
	if to%every > 0 {
		n++ // at the end
	}
	return n
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
