package dataset

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// tarBuilder gives the pictures of archives their parts and classes.
type tarBuilder struct {
	shards []shard
	parts  map[string]*tarPart
	left   leftOut // of none of the parts

	warnings []string
}

// tarPart is a part that grows.
type tarPart struct {
	files   []tarFile
	classes []string // of files
	folders []string // in which files lie, of samples
	left    leftOut
}

func (b *tarBuilder) part(name string) *tarPart {
	name = cmp.Or(name, "train")
	if b.parts[name] == nil {
		b.parts[name] = &tarPart{left: leftOut{}}
	}
	return b.parts[name]
}

// takeSamples takes pictures whose sample has a class.
func (b *tarBuilder) takeSamples() {
	for i, s := range b.shards {
		p := b.part(s.part)
		for _, file := range s.pictures {
			sample := sampleOf(file.name)
			class, ok := s.labels[sample]
			switch {
			case !ok:
				p.left.add(withoutClass, file.name, 1)
			case file.name != sample+path.Ext(file.name):
				p.left.add(besidePicture, file.name, 1)
			default:
				file.shard, file.key = i, norm.NFC.String(file.name)
				p.files, p.classes = append(p.files, file), append(p.classes, class)
				p.folders = append(p.folders, norm.NFC.String(path.Base(path.Dir(file.name))))
			}
		}
		b.left.merge(s.left)
	}
	for _, p := range b.parts {
		p.nameByFolders()
	}
}

// nameByFolders calls numbered classes after the folders that they lie in, where each
// has one of its own.
func (p *tarPart) nameByFolders() {
	folderOf, classOf := map[string]string{}, map[string]string{}
	for i, class := range p.classes {
		folder := p.folders[i]
		_, err := strconv.Atoi(class)
		if f, c := folderOf[class], classOf[folder]; err != nil || folder == "." ||
			f != "" && f != folder || c != "" && c != class {
			return
		}
		folderOf[class], classOf[folder] = folder, class
	}
	copy(p.classes, p.folders)
}

// takeFolders takes pictures whose folder is their class, as in PART/CLASS/IMAGE, below
// folders that hold all of them.
func (b *tarBuilder) takeFolders() {
	top := b.top()
	firsts := map[string]bool{} // the folders there
	for _, s := range b.shards {
		for _, file := range s.pictures {
			if steps := strings.Split(file.name, "/")[top:]; len(steps) > 1 {
				firsts[steps[0]] = true
			}
		}
	}
	named, others := map[string]bool{}, 0
	for name := range firsts {
		if part := partOf(name); part != "" {
			named[part] = true
		} else {
			others++
		}
	}
	parts := len(named) > 1 || len(named) == 1 && others == 0
	for i, s := range b.shards {
		for _, file := range s.pictures {
			steps, part := strings.Split(file.name, "/")[top:], s.part
			if parts {
				if part = partOf(steps[0]); part == "" || len(steps) < 2 {
					b.left.add(besideParts, file.name, 1)
					continue
				}
				steps = steps[1:]
			}
			p := b.part(part)
			if len(steps) < 2 {
				p.left.add(outsideClasses, file.name, 1)
				continue
			}
			file.shard, file.key = i, norm.NFC.String(strings.Join(steps, "/"))
			p.files, p.classes = append(p.files, file), append(p.classes, norm.NFC.String(steps[0]))
		}
		b.left.merge(s.left)
	}
}

// top counts the folders that hold all pictures and are neither a class nor a part.
func (b *tarBuilder) top() (n int) {
	for ; ; n++ {
		common := ""
		for _, s := range b.shards {
			for _, file := range s.pictures {
				steps := strings.Split(file.name, "/")
				if len(steps) < n+3 || common != "" && steps[n] != common || partOf(steps[n]) != "" {
					return n
				}
				common = steps[n]
			}
		}
		if common == "" {
			return n
		}
	}
}

// source makes the sets, whose classes are in the order of their names, or of their
// numbers if all are.
func (b *tarBuilder) source(shards []string) (*Source, error) {
	src := &Source{left: map[string]leftOut{}, Warnings: b.warnings}
	sets := map[string]*Set{"train": &src.Train, "val": &src.Val, "test": &src.Test}
	for name, p := range b.parts {
		if len(p.files) == 0 {
			b.left.merge(p.left)
			continue
		}
		*sets[name], src.left[name] = p.set(shards), p.left
	}
	parts := src.Parts()
	if len(parts) == 0 {
		return nil, fmt.Errorf("no picture lies in a folder, CLASS/IMAGE.jpg, or beside a class, IMAGE.cls; %s",
			cmp.Or(DescribeLeftOut(b.left.list()), "the archives are empty"))
	}
	src.left[parts[0].Name].merge(b.left)
	return src, nil
}

func (p *tarPart) set(shards []string) *tarred {
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
	slices.SortStableFunc(p.files, func(a, b tarFile) int { return cmp.Or(a.label-b.label, strings.Compare(a.key, b.key)) })
	return &tarred{shards: shards, classes: classes, files: p.files}
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
	return func(a, b string) int { return cmp.Or(numbers[a]-numbers[b], strings.Compare(a, b)) }
}
