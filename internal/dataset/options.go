package dataset

import (
	"cmp"
	"math"

	"github.com/inception-go/inception/internal/picture"
	"github.com/inception-go/inception/internal/settings"
)

// Options are the data.* keys of a configuration.
type Options struct {
	Train         string  `yaml:"train" json:"train"`
	Val           string  `yaml:"val" json:"val" help:"validation images; empty for the part that data.train brings, or else a share of it; hold-out for a share of it even where it brings a part"`
	ValFraction   float64 `yaml:"val_fraction" json:"val_fraction" help:"share of every class that is held out when there are no validation images; 0 trains without validation"`
	ValSeed       uint64  `yaml:"val_seed" json:"val_seed" help:"of the choice of held-out images, which train.seed does not change; an image that is added or removed moves at most one other of its class"`
	Balance       string  `yaml:"balance" json:"balance" help:"how often an epoch shows images: none (each once) or classes (all classes equally often, so those of small classes several times, each time augmented in another way)"`
	OnError       string  `yaml:"on_error" json:"on_error" help:"images that cannot be read: skip (they are counted, and each is named once) or fail"`
	MaxErrors     float64 `yaml:"max_errors" json:"max_errors" help:"share of the images, rounded up, that may be skipped; a training with more ends"`
	Truncated     string  `yaml:"truncated" json:"truncated" help:"pictures that are cut off or damaged: use (as far as they go; they are counted, and each is named once) or fail (they count as unreadable, see on_error)"`
	MaxPixels     int     `yaml:"max_pixels" json:"max_pixels" help:"pixels of the largest picture that is decoded; a larger one counts as unreadable"`
	DecodeMiB     int     `yaml:"decode_mib" json:"decode_mib" help:"MiB that the pictures being decoded at one time take together; the share of each follows from its header, and threads wait for each other"`
	Workers       int     `yaml:"workers" json:"workers" help:"threads that decode images; 0 for one per processor thread in use"`
	Preprocess    string  `yaml:"preprocess" json:"preprocess" help:"torchvision ([-1, 1], resized by the shorter side), inception (the released TensorFlow code's: [-1, 1], central crop), imagenet (mean and standard deviation of ImageNet), unit ([0, 1]), or SCALE,OFFSET for pixels from 0 to 255, such as 1/127.5,-1 or 1/255 (the offset is 0)"`
	Geometry      string  `yaml:"geometry" json:"geometry" help:"how evaluation frames pictures: shorter (resized by the shorter side, the middle cropped), central (the middle cropped, then resized), as-is (pictures of the input's size, pixel for pixel; others cannot be used); empty for what data.preprocess does"`
	Interpolation string  `yaml:"interpolation" json:"interpolation" help:"bilinear or bicubic, antialiased; or bilinear-tf1, TensorFlow 1's without antialiasing"`
	Augment       Augment `yaml:"augment" json:"augment"`
}

// ValHoldOut is the Options.Val that holds out training images whatever parts
// there are.
const ValHoldOut = "hold-out"

// The settings of Options.Balance, OnError and Truncated.
const (
	BalanceNone    = "none"
	BalanceClasses = "classes"

	OnErrorSkip = "skip"
	OnErrorFail = "fail"

	TruncatedUse  = "use"
	TruncatedFail = "fail"
)

// Help explains the key train by the list of kinds.
func (o Options) Help(name string) string {
	if name != "train" {
		return ""
	}
	return "training images: a path, or a SPEC of " + Specs()
}

// Augment are the data.augment.* keys: the random changes of training images.
type Augment struct {
	Scale  [2]float64 `yaml:"scale" json:"scale" help:"smallest and largest share of the image's area that a random crop shows; [1, 1] crops at random positions only if ratio leaves room"`
	Ratio  [2]float64 `yaml:"ratio" json:"ratio" help:"smallest and largest ratio of a random crop's width to its height"`
	HFlip  float64    `yaml:"hflip" json:"hflip" help:"probability of a horizontal flip"`
	Turns  bool       `yaml:"hflip_alternate" json:"hflip_alternate" help:"flips each image in every second epoch, beginning by chance, in place of hflip (Jordan 2024)"`
	Color  float64    `yaml:"color" json:"color" help:"strength of random brightness, saturation, hue and contrast, in random order; 0 for none, 1 for the released code's"`
	Pad    int        `yaml:"pad" json:"pad" help:"largest random shift in input pixels, both ways, that leaves the middle colour where it came from; 4 is CIFAR's usual one, with scale and ratio [1, 1]"`
	Erase  float64    `yaml:"erase" json:"erase" help:"probability that a rectangle of 2% to 33% of the input is set to the middle colour (random erasing, Zhong et al. 2017)"`
	Mixup  float64    `yaml:"mixup" json:"mixup" help:"probability that two images of a batch are blended in random shares, and their labels with them (mixup, Zhang et al. 2018)"`
	Cutmix float64    `yaml:"cutmix" json:"cutmix" help:"probability that two images of a batch exchange a random rectangle, and their labels by its area (CutMix, Yun et al. 2019); with mixup at most 1, two images are mixed in one way only"`

	Policy          string `yaml:"policy" json:"policy"` // its help lists the policies
	PolicyOps       int    `yaml:"policy_ops" json:"policy_ops" help:"operations that randaugment applies to an image"`
	PolicyMagnitude int    `yaml:"policy_magnitude" json:"policy_magnitude" help:"their strength, from 0 to 30"`
}

// Help explains the key policy by the list of policies.
func (Augment) Help(name string) string {
	if name != "policy" {
		return ""
	}
	return "random distortions of each image, torchvision's: " + settings.Choices(policies())
}

// DefaultOptions returns no data, torchvision's preprocessing, and random
// crops of 8% to 100% with flips.
func DefaultOptions() Options {
	return Options{
		ValFraction: 0.2, ValSeed: 1, Balance: BalanceNone, OnError: OnErrorSkip, MaxErrors: 0.05,
		Truncated: TruncatedUse, MaxPixels: picture.DefaultLimits().MaxPixels,
		DecodeMiB:  int(picture.DefaultLimits().Memory >> 20),
		Preprocess: "torchvision", Interpolation: picture.Bilinear,
		Augment: Augment{Scale: [2]float64{0.08, 1}, Ratio: [2]float64{3. / 4, 4. / 3}, HFlip: 0.5,
			Policy: PolicyNone, PolicyOps: 2, PolicyMagnitude: 9},
	}
}

// Validate returns the first thing wrong with the data.* keys.
func (o Options) Validate() error {
	if !(o.ValFraction >= 0 && o.ValFraction < 1) {
		return settings.Errorf("data.val_fraction", "must be at least 0 and below 1, is %g", o.ValFraction)
	}
	if err := settings.First(
		settings.OneOf("data.balance", o.Balance, []settings.Choice{{Name: BalanceNone}, {Name: BalanceClasses}}),
		settings.OneOf("data.on_error", o.OnError, []settings.Choice{{Name: OnErrorSkip}, {Name: OnErrorFail}}),
		settings.Within("data.max_errors", o.MaxErrors, 0, 1),
		settings.OneOf("data.truncated", o.Truncated, []settings.Choice{{Name: TruncatedUse}, {Name: TruncatedFail}}),
		settings.AtLeast("data.max_pixels", o.MaxPixels, 1),
	); err != nil {
		return err
	}
	if o.DecodeMiB < 1 || o.DecodeMiB > 1<<30 {
		return settings.Errorf("data.decode_mib", "must be from 1 to %d, is %d", 1<<30, o.DecodeMiB)
	}
	if o.Workers < 0 || o.Workers > 1024 {
		return settings.Errorf("data.workers", "must be from 0 to 1024, is %d", o.Workers)
	}
	if _, err := o.EvalPreprocess(1); err != nil {
		return err
	}
	return o.Augment.validate()
}

// Skips reports whether images that cannot be read are left out.
func (o Options) Skips() bool { return o.OnError == OnErrorSkip && o.MaxErrors > 0 }

// Skippable returns how many of so many images may be left out.
func (o Options) Skippable(images int) int { return int(math.Ceil(o.MaxErrors * float64(images))) }

func (a Augment) validate() error {
	for _, r := range []struct {
		key      string
		v        [2]float64
		low, top float64
	}{{"scale", a.Scale, 1e-4, 1}, {"ratio", a.Ratio, 0.01, 100}} {
		if !(r.v[0] >= r.low && r.v[0] <= r.v[1] && r.v[1] <= r.top) {
			return settings.Errorf("data.augment."+r.key, "must be two numbers from %g to %g, the smaller first, is [%g, %g]",
				r.low, r.top, r.v[0], r.v[1])
		}
	}
	if !(a.HFlip >= 0 && a.HFlip <= 1) {
		return settings.Errorf("data.augment.hflip", "must be from 0 to 1, is %g", a.HFlip)
	}
	if !(a.Color >= 0 && a.Color <= 2) {
		return settings.Errorf("data.augment.color", "must be from 0 to 2, is %g", a.Color)
	}
	if a.Pad < 0 || a.Pad > 4096 {
		return settings.Errorf("data.augment.pad", "must be from 0 to 4096, is %d", a.Pad)
	}
	if !(a.Erase >= 0 && a.Erase <= 1) {
		return settings.Errorf("data.augment.erase", "must be from 0 to 1, is %g", a.Erase)
	}
	if !(a.Mixup >= 0 && a.Mixup <= 1) {
		return settings.Errorf("data.augment.mixup", "must be from 0 to 1, is %g", a.Mixup)
	}
	if !(a.Cutmix >= 0 && a.Cutmix+a.Mixup <= 1) {
		return settings.Errorf("data.augment.cutmix", "must be at least 0 and with data.augment.mixup at most 1, is %g "+
			"beside %g", a.Cutmix, a.Mixup)
	}
	if a.PolicyMagnitude < 0 || a.PolicyMagnitude >= policyBins {
		return settings.Errorf("data.augment.policy_magnitude", "must be from 0 to %d, is %d",
			policyBins-1, a.PolicyMagnitude)
	}
	if a.Policy == RandAugment && a.PolicyOps < 1 {
		return settings.Errorf("data.augment.policy_ops", "must be at least 1, is %d", a.PolicyOps)
	}
	return settings.OneOf("data.augment.policy", cmp.Or(a.Policy, PolicyNone), policies())
}

// Decoder returns what decodes the pictures of a dataset: those being decoded
// at one time share its memory.
func (o Options) Decoder() *picture.Decoder {
	return picture.NewDecoder(picture.Limits{
		MaxPixels: o.MaxPixels, Memory: int64(o.DecodeMiB) << 20, FailTruncated: o.Truncated == TruncatedFail,
	})
}

// EvalPreprocess returns how evaluation makes inputs of inputSize pixels.
func (o Options) EvalPreprocess(inputSize int) (picture.Preprocess, error) {
	p, err := picture.NamedPreprocess(o.Preprocess, inputSize)
	if err != nil {
		return p, settings.ChoiceErrorf("data.preprocess",
			[]string{"torchvision", "inception", "imagenet", "unit"}, "%w", err)
	}
	if err := picture.CheckInterpolation(o.Interpolation); err != nil {
		return p, settings.ChoiceErrorf("data.interpolation",
			[]string{picture.Bilinear, picture.Bicubic, picture.BilinearTF1}, "%w", err)
	}
	if o.Geometry != "" {
		if err := picture.CheckGeometry(o.Geometry); err != nil {
			return p, settings.ChoiceErrorf("data.geometry", picture.Geometries(), "%w", err)
		}
	}
	p.Interpolation = o.Interpolation
	return p.WithGeometry(o.Geometry), nil
}
