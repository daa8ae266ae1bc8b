package config

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/configuration.md anew")

func TestEveryKeyIsDescribed(t *testing.T) {
	for _, k := range Keys() {
		if k.Help == "" {
			t.Errorf("%s has no help", k.Name)
		}
		if k.Name != strings.ToLower(k.Name) {
			t.Errorf("%s is not in lower case, as Viper needs it", k.Name)
		}
		if strings.ContainsAny(k.Type, ".[]") {
			t.Errorf("%s has the type %s, which says nothing to people", k.Name, k.Type)
		}
	}
}

func TestVariablesNameOneKey(t *testing.T) {
	seen := map[string]string{}
	for _, k := range Keys() {
		if other := seen[envName(k.Name)]; other != "" {
			t.Errorf("%s means both %s and %s", envName(k.Name), other, k.Name)
		}
		seen[envName(k.Name)] = k.Name
	}
}

func TestDocumentationIsUpToDate(t *testing.T) {
	const path = "../../docs/configuration.md"
	want := document()
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is out of date; go test ./internal/config -update writes it anew", path)
	}
}

// document writes docs/configuration.md.
func document() string {
	var b strings.Builder
	b.WriteString(preface)
	section := ""
	for _, k := range Keys() {
		if s, _, _ := strings.Cut(k.Name, "."); s != section {
			section = s
			fmt.Fprintf(&b, "\n## %s\n\n| key | type | default | meaning |\n|---|---|---|---|\n", section)
		}
		value := "`" + k.Default + "`"
		if k.Default == `""` {
			value = "empty"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", k.Name, k.Type, value, strings.ReplaceAll(k.Help, "|", `\|`))
	}
	return b.String()
}

const preface = `# Configuration

<!-- Written by "go test ./internal/config -update"; edit the help tags of the options instead. -->

A configuration is a YAML file, or the name of one inside the program (` + "`inception config list`" + `):

    inception config show v3 > my.yaml          # start one's own, with every key
    inception config validate my.yaml
    inception train --config my.yaml

A file needs only what differs from the defaults below, which are the paper's where it has any. ` + "`model.variant`" + `
chooses the defaults of the other ` + "`model`" + ` keys: those of ` + "`v3`" + ` are shown; ` + "`v2`" + ` has a 7x7 stem and a plain
auxiliary head.

## Where values come from

The later ones win:

1. the defaults
2. the file that ` + "`--config`" + ` names, ` + "`v3`" + ` without it; a file wins over an embedded configuration of its name
3. variables: ` + "`INCEPTION_OPTIMIZER_LR=0.01`" + ` is ` + "`optimizer.lr`" + `; empty ones do not count, and one that names no key
   is only a warning
4. ` + "`--set optimizer.lr=0.01`" + `, any number of times, a later one winning
5. flags of their own: ` + "`--data`, `--val`, `--max-steps`, `--batch`" + `

` + "`inception config show my.yaml --origin`" + ` says where each value came from.

## Values

- Variables and ` + "`--set`" + ` take YAML: ` + "`data.augment.scale=[0.08,1]`, `train.freeze=[Conv2d]`" + `. Text is taken as it stands,
  ` + "`data.train=shapes:`" + `; in a file such text needs quotes. ` + "`null`" + ` goes back to the default, of a whole section too.
- Times are written ` + "`90m`" + ` or ` + "`8h`" + `.
- ` + "`label_smoothing: 0.1`" + ` is short for ` + "`{epsilon: 0.1, spread: uniform}`" + `.
- Relative paths are relative to the current folder. ` + "`data.train`" + ` and ` + "`data.val`" + ` are absolute in the configuration
  that a run folder keeps.
- A key that does not exist, stands there twice, or has an impossible value is an error with its file and line. The error
  for an unknown key names the nearest one, also for what other tools call it.
`
