package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/inception-go/inception/configs"
	"github.com/inception-go/inception/internal/ablate"
	"github.com/inception-go/inception/internal/bench"
	"github.com/inception-go/inception/internal/config"
	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/explain"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/picture"
	"github.com/inception-go/inception/internal/rundir"
	"github.com/inception-go/inception/internal/settings"
	"github.com/inception-go/inception/internal/weights"
	"github.com/inception-go/inception/internal/weights/convert"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// completion lists what the last word of a command line may become.
type completion = func(c *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective)

// completeValues gives every flag whose values are known, and the arguments of
// some commands, their completions.
func completeValues(root *cobra.Command) {
	flags := map[string]completion{
		"config": fileOr(entries(configs.List()), ".yaml", ".yml"),
		"suite":  fileOr(entries(configs.Suites()), ".yaml", ".yml"),
		"set":    completeSetting,
		"data":   imagesOr(), "val": imagesOr(dataset.ValHoldOut),
		"weights": weightFiles, "init": weightFiles,
		"format": oneOf(convert.Formats()...), "from": oneOf(convert.Families()...),
		"variant": oneOf(model.Variants()...), "split": oneOf("train", "val", "test"),
		"crops": oneOf("1", "10", "12", "144"), "mode": oneOf(bench.Eval, bench.Train),
		"precision":       oneOf(precisions...),
		"eval precision":  oneOf(append(precisions, allPrecisions)...),
		"bench precision": oneOf(append(precisions, allPrecisions)...),
		"train precision": oneOf(precisions[:2]...), "lr-find precision": oneOf(precisions[:2]...),
		"interpolation": oneOf(config.Choices("data.interpolation")...),
		"geometry":      oneOf(picture.Geometries()...),
		"method":        oneOf(names(explain.Methods())...),
		"preprocess":    oneOf(config.Choices("data.preprocess")...),
		"tta":           oneOf(config.Choices("eval.tta")...),
		"design":        oneOf(ablate.Designs()...), "equal": oneOf(ablate.Footings()...),
		"at": ofWeights(points), "layer": ofWeights(points), "class": ofWeights(classes), "head": ofWeights(heads),
	}
	arguments := map[string]completion{
		"config show": configArgument, "config validate": configArgument,
		"dataset info": firstOnly(imagesOr()), "dataset verify": firstOnly(imagesOr()),
		"train": resumed, "compare": runsOr(), "check": runsOr(".safetensors", ".onnx", ".pth"),
		"ablate verify": firstOnly(fileOr(nil)),
	}
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			// The flags of the root are those of all others, too: they are told once.
			complete := flags[f.Name]
			if own := flags[c.Name()+" "+f.Name]; own != nil {
				complete = own
			}
			if complete != nil && (c == root || root.PersistentFlags().Lookup(f.Name) == nil) {
				_ = c.RegisterFlagCompletionFunc(f.Name, complete)
			}
		})
		name := strings.TrimPrefix(c.CommandPath(), root.Name()+" ")
		if complete := arguments[name]; complete != nil {
			c.ValidArgsFunction = complete
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(root)
}

// precisions are those of networks that run; the first two of those that train.
var precisions = []string{model.FP32.String(), model.BF16.String(), model.INT8.String()}

// oneOf completes a word to one of a few.
func oneOf(values ...string) completion {
	return func(_ *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		return values, cobra.ShellCompDirectiveNoFileComp
	}
}

// names are those of choices.
func names(choices []settings.Choice) (words []string) {
	for _, c := range choices {
		words = append(words, c.Name)
	}
	return words
}

// entries are the names of embedded files, with what they are.
func entries(list []configs.Entry) (words []string) {
	for _, e := range list {
		words = append(words, cobra.CompletionWithDesc(e.Name, e.About))
	}
	return words
}

// imagesOr completes a SPEC of images: a folder, a kind, what follows the kind, or
// one of words.
func imagesOr(words ...string) completion {
	return func(c *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
		kind, path, ok := strings.Cut(word, ":")
		named := func(k dataset.Kind) bool { return k.Name == kind && k.Spec != word }
		if !ok || !slices.ContainsFunc(dataset.Kinds(), named) {
			return fileOr(append(kinds(), words...))(c, args, word)
		}
		found, directive := fileOr(nil)(c, args, path)
		return behind(kind+":", found), directive
	}
}

// behind puts a beginning before completions.
func behind(beginning string, completions []string) []string {
	for i := range completions {
		completions[i] = beginning + completions[i]
	}
	return completions
}

// ofWeights completes to what list reads from the weights that the line names.
func ofWeights(list func(m weights.Metadata, word string) []string) completion {
	return func(c *cobra.Command, _ []string, word string) ([]string, cobra.ShellCompDirective) {
		m, err := weights.LoadMetadata(c.Flags().Lookup("weights").Value.String())
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return list(m, word), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
	}
}

// points are the modules of a network and the layers outside them; those inside
// one follow its name.
func points(m weights.Metadata, word string) (names []string) {
	layers, _ := model.Layers(m.Spec)
	for _, l := range layers {
		switch {
		case l.Aux:
		case l.Module == "" || strings.HasPrefix(word, l.Module+"."):
			names = append(names, l.Name)
		case !slices.Contains(names, l.Module):
			names = append(names, l.Module)
		}
	}
	return names
}

// heads are the values of --head for a network.
func heads(m weights.Metadata, _ string) []string {
	names := []string{mainHead}
	layers, _ := model.Layers(m.Spec)
	for _, module := range model.Modules(layers) {
		if module.Aux {
			names = append(names, module.Name)
		}
	}
	if len(names) > 1 {
		names = slices.Insert(names, 1, model.AnyAux)
	}
	return names
}

// classes are the labels of weights.
func classes(m weights.Metadata, _ string) []string { return m.ClassNames() }

// kinds are the beginnings of the SPECs of images.
func kinds() (words []string) {
	for _, k := range dataset.Kinds() {
		words = append(words, cobra.CompletionWithDesc(k.Name+":", k.About))
	}
	return words
}

// fileOr completes to one of words, to a folder, or to a file with one of these
// endings.
func fileOr(words []string, endings ...string) completion {
	return func(_ *cobra.Command, _ []string, word string) ([]string, cobra.ShellCompDirective) {
		found := append(slices.Clone(words), files(word, endings)...)
		directive := cobra.ShellCompDirectiveNoFileComp
		if !slices.ContainsFunc(found, func(f string) bool {
			return strings.HasPrefix(f, word) && !endsOpen(f)
		}) {
			directive |= cobra.ShellCompDirectiveNoSpace // more has to follow
		}
		return found, directive
	}
}

// endsOpen reports whether something has to follow a completion.
func endsOpen(completion string) bool {
	word, _, _ := strings.Cut(completion, "\t")
	whole := slices.ContainsFunc(dataset.Kinds(), func(k dataset.Kind) bool { return k.Spec == word })
	return strings.HasSuffix(word, "/") || strings.HasSuffix(word, ":") && !whole
}

// files lists the folders that begin with word, and the files with one of these
// endings.
func files(word string, endings []string) (found []string) {
	dir, base := filepath.Split(word)
	list, _ := os.ReadDir(filepath.Clean(dir + "."))
	for _, e := range list {
		name := e.Name()
		if !strings.HasPrefix(name, base) || strings.HasPrefix(name, ".") && base == "" {
			continue
		}
		info, err := os.Stat(dir + name)
		switch {
		case err != nil:
		case info.IsDir():
			found = append(found, dir+name+"/")
		case slices.Contains(endings, filepath.Ext(name)):
			found = append(found, dir+name)
		}
	}
	return found
}

// resumed completes the run that train --resume takes.
func resumed(c *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	if !c.Flags().Changed("resume") || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return runsOr()(c, args, word)
}

// weightFiles completes to a run folder or a weight file.
var weightFiles = runsOr(".safetensors")

// runsOr completes to the runs under runs/, the newest first, to another folder,
// or to a file with one of these endings.
func runsOr(endings ...string) completion {
	return func(c *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
		runs, _ := rundir.NewestFirst(rundir.Root)
		found, directive := fileOr(runs, endings...)(c, args, word)
		known := func(f string) bool { return slices.Contains(runs, strings.TrimSuffix(f, "/")) }
		found = append(found[:len(runs)], slices.DeleteFunc(found[len(runs):], known)...)
		return found, directive | cobra.ShellCompDirectiveKeepOrder
	}
}

// configArgument completes the one argument of config show.
func configArgument(c *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	return firstOnly(fileOr(entries(configs.List()), ".yaml", ".yml"))(c, args, word)
}

// firstOnly completes the first argument and no other.
func firstOnly(complete completion) completion {
	return func(c *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return complete(c, args, word)
	}
}

// completeSetting completes key=value: the keys, then the values of a key that
// has only a few. For ablate, rows may stand before the keys.
func completeSetting(c *cobra.Command, _ []string, word string) ([]string, cobra.ShellCompDirective) {
	const open = cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	row, rest := "", word
	if before, after, ok := strings.Cut(word, ":"); ok && !strings.Contains(before, "=") {
		row, rest = before+":", after
	}
	var found []string
	if key, _, ok := strings.Cut(rest, "="); ok {
		if key == "data.train" || key == "data.val" {
			found, directive := imagesOr()(c, nil, rest[len(key)+1:])
			return behind(row+key+"=", found), directive
		}
		for _, value := range config.Choices(key) {
			found = append(found, row+key+"="+value)
		}
		return found, cobra.ShellCompDirectiveNoFileComp
	}
	for _, k := range config.Keys() {
		found = append(found, cobra.CompletionWithDesc(row+k.Name+"=", k.Help))
	}
	if suite := c.Flags().Lookup("suite"); suite != nil && row == "" {
		if s, err := ablate.ReadSuite(suite.Value.String()); err == nil {
			for _, r := range s.Rows {
				found = append(found, cobra.CompletionWithDesc(r.Name+":", r.Change))
			}
		}
	}
	return found, open
}
