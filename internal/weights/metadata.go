package weights

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/inception-go/inception/internal/labels"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/picture"
	"github.com/inception-go/inception/internal/textfile"
)

// Metadata is what a weight file says beside its tensors, so that it can be
// used alone.
type Metadata struct {
	Spec       model.Spec         // the structure
	Labels     []string           // of the classes in order; empty if nobody named them
	Preprocess picture.Preprocess // what made those images
	TTA        string             // the views of an image in its own evaluation, TTANone or TTAFlip; empty if nobody said
	NoHead     bool               // the classifier is missing: features only
	Int8       bool               // the weights are quantised
	Version    string             // of the product that wrote the file
	Golden     Golden             // pictures with the network's answers; of files of other tools none
	Extra      map[string]string  // further facts, kept as they are

	Notes []string // what Load had to guess and why; not saved

	scales int8Scales // with Int8
}

// The keys of the header's metadata: one for each fact, for people to read,
// and the structure once more in a form for machines.
const (
	keyFormat     = "format" // "pt", as safetensors' own PyTorch writer has it
	keyVersion    = "version"
	keyVariant    = "variant"
	keyClasses    = "classes"
	keyLabels     = "labels"
	keyInputSize  = "input_size"
	keyPreprocess = "preprocess"
	keyPool       = "avgpool_count_include_pad"
	keyTTA        = "eval_tta"
	keyHead       = "head"
	keySpec       = "spec"
	keyPrecision  = "precision" // "int8", or missing
	keyInt8       = "int8"
	keyGolden     = "golden"
)

// The values of Metadata.TTA.
const (
	TTANone = "none" // the image itself
	TTAFlip = "flip" // its mirror image too
)

var ownKeys = []string{
	keyFormat, keyVersion, keyVariant, keyClasses, keyLabels, keyInputSize, keyPreprocess, keyPool, keyTTA,
	keyHead, keySpec, keyPrecision, keyInt8, keyGolden, sumsKey,
}

// Strings returns the metadata as a file carries it.
func (m Metadata) Strings() (map[string]string, error) {
	s := map[string]string{}
	maps.Copy(s, m.Extra)
	delete(s, keyFormat)
	s[keyVersion] = m.Version
	s[keyVariant] = m.Spec.Variant
	s[keyClasses] = strconv.Itoa(m.Classes())
	s[keyInputSize] = strconv.Itoa(m.Network().InputSize)
	s[keyPool] = strconv.FormatBool(m.Spec.AvgPoolCountIncludePad)
	delete(s, keyTTA)
	if m.TTA != "" {
		s[keyTTA] = m.TTA
	}
	delete(s, keyHead)
	if m.NoHead {
		s[keyHead] = "none"
	}
	for _, f := range m.jsonFields() {
		b, err := json.Marshal(f.value)
		if err != nil {
			return nil, fmt.Errorf("metadata %s: %w", f.key, err)
		}
		s[f.key] = string(b)
	}
	if len(m.Labels) == 0 {
		delete(s, keyLabels)
	}
	if len(m.Golden) == 0 {
		delete(s, keyGolden)
	}
	delete(s, keyPrecision)
	if m.Int8 {
		s[keyPrecision] = model.INT8.String()
	}
	return s, nil
}

// jsonField is a fact that stands in the header as JSON.
type jsonField struct {
	key   string
	value any // a pointer to the field
}

func (m *Metadata) jsonFields() []jsonField {
	fields := []jsonField{
		{keySpec, &m.Spec}, {keyPreprocess, &m.Preprocess}, {keyLabels, &m.Labels}, {keyGolden, &m.Golden},
	}
	if m.Int8 {
		fields = append(fields, jsonField{keyInt8, &m.scales})
	}
	return fields
}

// Classes returns how many classes the weights tell apart, 0 without a
// classifier.
func (m Metadata) Classes() int {
	if m.NoHead {
		return 0
	}
	return m.Spec.Classes
}

// Network returns the structure for the images that the preprocessing makes, whose
// size may differ from Spec's: tables of the network are of this one.
func (m Metadata) Network() model.Spec { return m.Spec.At(m.Preprocess.Size) }

// ClassNames returns a name for each row of the classifier: its label, or its
// index where the weights have no labels.
func (m Metadata) ClassNames() []string {
	if len(m.Labels) > 0 {
		return m.Labels
	}
	names := make([]string, m.Spec.Classes)
	for i := range names {
		names[i] = strconv.Itoa(i)
	}
	return names
}

// NameClasses labels the classes of a file that another tool has written:
// 1000 are ImageNet's.
func (m *Metadata) NameClasses() {
	if names := labels.ImageNet(); !m.NoHead && m.Spec.Classes == len(names) {
		m.Labels = names
		m.Notes = append(m.Notes, "labels of ImageNet's 1000 classes")
	}
}

// ParseMetadata reads what Strings wrote, from wherever a file has it. known is false
// for another tool's file, which has no structure in it.
func ParseMetadata(s map[string]string) (m Metadata, known bool, err error) {
	if _, known = s[keySpec]; !known {
		return m, false, nil
	}
	m.Spec = model.Older()
	switch p := s[keyPrecision]; p {
	case "":
	case model.INT8.String():
		m.Int8 = true
	default:
		return m, true, fmt.Errorf("metadata %s: %q is unknown; weights are in float32 or %v", keyPrecision, p, model.INT8)
	}
	for _, f := range m.jsonFields() {
		text, ok := s[f.key]
		if !ok {
			continue
		}
		if err := json.Unmarshal([]byte(text), f.value); err != nil {
			return m, true, fmt.Errorf("metadata %s: %w", f.key, textfile.JSONError(err))
		}
	}
	m.Version, m.NoHead = s[keyVersion], s[keyHead] == "none"
	if m.TTA = s[keyTTA]; !slices.Contains([]string{"", TTANone, TTAFlip}, m.TTA) {
		return m, true, fmt.Errorf("metadata %s: must be %s or %s, is %q", keyTTA, TTANone, TTAFlip, m.TTA)
	}
	size, err := strconv.Atoi(s[keyInputSize])
	if err != nil {
		return m, true, fmt.Errorf("metadata %s: %q is not a number", keyInputSize, s[keyInputSize])
	}
	if size < 1 || size > model.MaxInputSize {
		return m, true, fmt.Errorf("metadata %s: must be from 1 to %d, is %d", keyInputSize, model.MaxInputSize, size)
	}
	m.Preprocess.Size = size
	if err := m.Spec.Validate(); err != nil {
		return m, true, fmt.Errorf("metadata %s: %w", keySpec, err)
	}
	if err := m.Preprocess.Validate(); err != nil {
		return m, true, fmt.Errorf("metadata %s: %w", keyPreprocess, err)
	}
	if n := len(m.Labels); n > 0 && n != m.Spec.Classes && !m.NoHead {
		return m, true, fmt.Errorf("metadata %s: %d labels for %d classes", keyLabels, n, m.Spec.Classes)
	}
	m.Extra = maps.Clone(s)
	for _, key := range ownKeys {
		delete(m.Extra, key)
	}
	return m, true, nil
}
