package train

import (
	"time"

	"github.com/inception-go/inception/internal/evaluate"
	"github.com/inception-go/inception/internal/model"
)

// window sums what is measured of the training images over a while.
type window struct {
	Images   int           `json:"images"`
	Batches  int           `json:"batches"`
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
func (w *window) add(loss model.Loss, logits []float32, labels []int) {
	classes := len(logits) / len(labels)
	images := 0
	for i, label := range labels {
		if label < 0 {
			continue
		}
		images++
		rank := evaluate.Rank(logits[i*classes:(i+1)*classes], label)
		if rank <= 1 {
			w.Top1++
		}
		if rank <= 5 {
			w.Top5++
		}
	}
	w.Images += images
	w.Batches++
	w.Loss += float64(loss.Main) * float64(images)
	w.Aux += float64(loss.Aux) * float64(images)
	w.AuxEarly += float64(loss.AuxEarly) * float64(images)
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
