package labels

import (
	_ "embed"
	"strings"
	"sync"
)

// ImageNet returns the English names of ImageNet's 1000 classes in the order
// of a classifier's rows.
func ImageNet() []string {
	var labels []string
	for _, c := range imageNetClasses() {
		labels = append(labels, c.names[0])
	}
	return labels
}

// imageNetTSV has a line for each of the 1000 classes of ImageNet's challenge
// (ILSVRC 2012) in the order of the wnids, which is that of every tool's
// classifiers: wnid, English name, and what else WordNet calls it where
// another class goes by that name, too. The names are torchvision's.
//
//go:embed imagenet.tsv
var imageNetTSV string

// imageNetClass is a class of ImageNet.
type imageNetClass struct {
	wnid  string
	names []string // English; the first is the label
}

// imageNetClasses are the classes of imageNetTSV.
var imageNetClasses = sync.OnceValue(func() []imageNetClass {
	var classes []imageNetClass
	for line := range strings.Lines(imageNetTSV) {
		fields := strings.Split(strings.TrimSpace(line), "\t")
		classes = append(classes, imageNetClass{fields[0], fields[1:]})
	}
	return classes
})

// imageNetRows returns ImageNet's classes if labels are theirs, in whatever
// way they are written: as wnids or as names, of which tools have slightly
// different lists. Else it returns nil.
func imageNetRows(labels []string) []imageNetClass {
	classes := imageNetClasses()
	if len(labels) != len(classes) {
		return nil
	}
	const most = 50 // that may be called otherwise
	strange := 0
	for i, label := range labels {
		name, known := plain(firstName(label)), false
		for _, own := range append(classes[i].names, classes[i].wnid) {
			known = known || name == plain(own)
		}
		if !known && !strings.HasPrefix(label, classes[i].wnid) {
			strange++
		}
	}
	if strange > most {
		return nil
	}
	return classes
}
