package train

import "github.com/inception-go/inception/internal/model"

// Outline is what is known of a job before it runs.
type Outline struct {
	Spec        model.Spec // with the classes of the data
	TrainImages int
	ValImages   int // 0 without validation
	Updates     int // at most
	Batches     int // of an epoch
	Epochs      int
}

// Check finds whatever may be wrong with a job without running it: its
// options, its data and its network. Its folder is not looked at.
func Check(job Job) (Outline, error) {
	job.Reporter = nil
	r, err := prepare(job)
	if err != nil {
		return Outline{}, err
	}
	defer r.net.Close()
	o := Outline{Spec: r.weights.Spec, TrainImages: r.data.train.Len(), Updates: r.updates(), Batches: r.data.batches,
		Epochs: r.recipe.Train.Epochs}
	if r.data.val != nil {
		o.ValImages = r.data.val.Len()
	}
	return o, nil
}
