package dataset

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/inception-go/inception/internal/picture"
)

// archived is a set of pictures in larger files, the shards: tar archives or TFRecords.
type archived struct {
	shards  []string // their paths
	classes []string // in Unicode's form NFC
	files   []member
	// intact, unless it is nil, says what is wrong with what holds a picture.
	intact func(shard *os.File, m member) error
	decoding
}

// member is where a picture lies.
type member struct {
	shard, label int
	record       int64 // where what holds it begins
	at, size     int64 // of its own bytes
	name, key    string
}

func (a *archived) Len() int          { return len(a.files) }
func (a *archived) Classes() []string { return a.classes }
func (a *archived) Label(i int) int   { return a.files[i].label }
func (a *archived) Name(i int) string { return a.shards[a.files[i].shard] + ":" + a.files[i].name }
func (a *archived) key(i int) string  { return a.files[i].key }

// Image reads and decodes picture i.
func (a *archived) Image(i int) (picture.Image, error) {
	data, err := a.encoded(i, maxFile)
	if err != nil {
		return picture.Image{}, err
	}
	return a.decoder.Decode(data)
}

// Lend reads and decodes picture i.
func (a *archived) Lend(i int) (picture.Image, func(), error) {
	data, err := a.encoded(i, maxFile)
	if err != nil {
		return picture.Image{}, func() {}, err
	}
	return a.decoder.Lend(data)
}

func (a *archived) encoded(i int, most int64) ([]byte, error) {
	m := a.files[i]
	f, err := openRegular(a.shards[m.shard])
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data := make([]byte, min(m.size, most))
	if _, err := f.ReadAt(data, m.at); err != nil {
		return nil, fmt.Errorf("%s is shorter than it was: %w", a.shards[m.shard], withoutPath(err))
	}
	if a.intact != nil && m.size <= most {
		err = a.intact(f, m)
	}
	return data, err
}

// shardsOf lists the files that a pattern of paths names, or those in a folder that one of
// some patterns does, sorted.
func shardsOf(pattern string, within ...string) (all []string, err error) {
	info, err := os.Stat(pattern) // whose name may hold * and [
	switch {
	case err == nil && info.IsDir():
		all, err = filesLike(pattern, within...)
	case err == nil:
		all = []string{pattern}
	default:
		if all, err = filepath.Glob(pattern); err != nil {
			err = fmt.Errorf("%w; * stands for any characters, [0-9] for one of some", err)
		}
	}
	if err == nil && len(all) == 0 {
		err = errors.New("no file is called so; give a path in which * stands for any characters")
	}
	return all, err
}

// filesLike lists the files right in a folder that one of some patterns names, sorted.
func filesLike(dir string, patterns ...string) (all []string, err error) {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		named := func(pattern string) bool { ok, _ := filepath.Match(pattern, e.Name()); return ok }
		if !e.IsDir() && slices.ContainsFunc(patterns, named) {
			all = append(all, filepath.Join(dir, e.Name()))
		}
	}
	return all, err
}

// archives gives the pictures of shards their parts and classes.
type archives struct {
	parts    map[string]*archivePart
	left     leftOut // of none of the parts
	warnings []string
}

// archivePart is a part that grows.
type archivePart struct {
	files   []member
	classes []string // of files
	called  []string // what else their classes are called, "" if nothing
	left    leftOut
}

func newArchives() *archives { return &archives{parts: map[string]*archivePart{}, left: leftOut{}} }

// part returns that of a name, which for "" is train.
func (a *archives) part(name string) *archivePart {
	name = cmp.Or(name, "train")
	if a.parts[name] == nil {
		a.parts[name] = &archivePart{left: leftOut{}}
	}
	return a.parts[name]
}

func (p *archivePart) take(m member, class, called string) {
	m.key = norm.NFC.String(m.key)
	p.files = append(p.files, m)
	p.classes, p.called = append(p.classes, norm.NFC.String(class)), append(p.called, norm.NFC.String(called))
}

// source makes the sets, whose classes are in the order of their names, or of their
// numbers if all are.
func (a *archives) source(set archived) (*Source, error) {
	src := &Source{left: map[string]leftOut{}, Warnings: a.warnings}
	sets := map[string]*Set{"train": &src.Train, "val": &src.Val, "test": &src.Test}
	for name, p := range a.parts {
		if len(p.files) == 0 {
			a.left.merge(p.left)
			continue
		}
		*sets[name], src.left[name] = p.set(set), p.left
	}
	parts := src.Parts()
	if len(parts) == 0 {
		return nil, fmt.Errorf("no picture has a class; %s", cmp.Or(DescribeLeftOut(a.left.list()), "nothing is there"))
	}
	src.left[parts[0].Name].merge(a.left)
	return src, nil
}

// set fills a set that has shards.
func (p *archivePart) set(set archived) *archived {
	p.nameClasses()
	classes := slices.Compact(slices.SortedFunc(slices.Values(p.classes), byNumberOrName(p.classes)))
	labels := map[string]int{}
	for i, class := range classes {
		labels[class] = i
	}
	for i := range p.files {
		p.files[i].label = labels[p.classes[i]]
	}
	keys := map[string]int{}
	for i, file := range p.files {
		if keys[file.key]++; keys[file.key] > 1 { // samples of several shards may be called alike
			p.files[i].key = fmt.Sprintf("%s %d", file.key, keys[file.key])
		}
	}
	slices.SortStableFunc(p.files, func(a, b member) int { return cmp.Or(a.label-b.label, comparePaths(a.key, b.key)) })
	set.classes, set.files = classes, p.files
	return &set
}

// comparePaths orders paths as a walk through their folders finds them.
func comparePaths(a, b string) int {
	for {
		stepA, restA, moreA := strings.Cut(a, "/")
		stepB, restB, moreB := strings.Cut(b, "/")
		if stepA != stepB || !moreA || !moreB {
			return cmp.Or(strings.Compare(stepA, stepB), len(restA)-len(restB))
		}
		a, b = restA, restB
	}
}

// nameClasses calls numbered classes by what else they are called, where each has a name of
// its own.
func (p *archivePart) nameClasses() {
	nameOf, classOf := map[string]string{}, map[string]string{}
	for i, class := range p.classes {
		name := p.called[i]
		_, err := strconv.Atoi(class)
		if n, c := nameOf[class], classOf[name]; err != nil || name == "" || n != "" && n != name || c != "" && c != class {
			return
		}
		nameOf[class], classOf[name] = name, class
	}
	copy(p.classes, p.called)
}

// byNumberOrName returns the order of classes.
func byNumberOrName(classes []string) func(a, b string) int {
	numbers := map[string]int{}
	for _, class := range classes {
		n, err := strconv.Atoi(class)
		if err != nil {
			return strings.Compare
		}
		numbers[class] = n
	}
	return func(a, b string) int { return cmp.Or(cmp.Compare(numbers[a], numbers[b]), strings.Compare(a, b)) }
}
