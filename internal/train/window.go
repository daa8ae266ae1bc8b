package train

import "time"

// window sums what is measured of the training images over a while.
type window struct {
	Images   int           `json:"images"`
	Top1     int           `json:"top1"` // images whose class comes first
	Top5     int           `json:"top5"` // or among the first five
	Loss     float64       `json:"loss"` // summed over images
	Aux      float64       `json:"aux"`
	AuxEarly float64       `json:"aux_early"`
	Time     time.Duration `json:"time"`
	Wait     time.Duration `json:"wait"` // for images, in Time
	Rate     float64       `json:"rate"` // learning rate of the last update
}

// add takes in a batch.
func (w *window) add(s shard) {
	w.Images += s.Images
	w.Top1 += s.Top1
	w.Top5 += s.Top5
	w.Loss += float64(s.Loss.Main) * float64(s.Images)
	w.Aux += float64(s.Loss.Aux) * float64(s.Images)
	w.AuxEarly += float64(s.Loss.AuxEarly) * float64(s.Images)
}

// took adds the time of an update, and its learning rate.
func (w *window) took(d time.Duration, rate float64) {
	w.Time += d
	w.Rate = rate
}

// next returns the empty window that follows.
func (w *window) next() window { return window{Rate: w.Rate} }

// mean returns a sum's mean over the window's images.
func (w *window) mean(sum float64) float64 { return sum / float64(max(1, w.Images)) }

// imagesPerSecond returns the speed of training alone, without validation.
func (w *window) imagesPerSecond() float64 {
	if w.Time <= 0 {
		return 0
	}
	return float64(w.Images) / w.Time.Seconds()
}
