package config

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite docs/configuration.md")

const docs = "../../docs/configuration.md"

// The page lists every key as the program knows it.
func TestDocumentationListsEveryKey(t *testing.T) {
	var b strings.Builder
	b.WriteString(`# Configuration

Values come from these sources, each overriding those before it: the defaults; the file that ` + "`" + `--config` + "`" + ` names (a path,
or the name of an embedded configuration; a file takes precedence); variables ` + "`" + `INCEPTION_KEY_PATH` + "`" + `, such as
` + "`" + `INCEPTION_OPTIMIZER_LR=0.01` + "`" + `; ` + "`" + `--set key.path=value` + "`" + `; and flags of their own (` + "`" + `--data` + "`" + `, ` + "`" + `--val` + "`" + `, ` + "`" + `--max-steps` + "`" + `,
` + "`" + `--batch` + "`" + `). Values are YAML, but in variables and ` + "`" + `--set` + "`" + ` text needs no quotes (` + "`" + `data.train=shapes:` + "`" + `; in a file this
value does). null means the default, also for a whole section. ` + "`" + `inception config show NAME > my.yaml` + "`" + ` starts a file,
and ` + "`" + `inception config show my.yaml --origin` + "`" + ` says where each value came from. A bare number for ` + "`" + `label_smoothing` + "`" + ` is
its epsilon, spread uniformly.

| key | type | default | meaning |
|---|---|---|---|
`)
	for _, k := range Keys() {
		fmt.Fprintf(&b, "| `%s` | %s | `%s` | %s |\n", k.Name, k.Type, k.Default, strings.ReplaceAll(k.Help, "|", `\|`))
	}
	if *update {
		if err := os.WriteFile(docs, []byte(b.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(docs)
	if err != nil || string(text) != b.String() {
		t.Errorf("%s is not what the keys say (%v); run go test ./internal/config -update", docs, err)
	}
}

func TestEveryKeyHasAMeaning(t *testing.T) {
	for _, k := range Keys() {
		if k.Help == "" {
			t.Errorf("%s has no help", k.Name)
		}
	}
}
