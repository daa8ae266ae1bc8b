package settings

import (
	"errors"
	"reflect"
	"testing"

	"go.yaml.in/yaml/v3"
)

func TestNumbersAreNumbersToEveryReader(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 1: "1", 0.1: "0.1", 4e-5: "4.0e-05", 4.5e-5: "4.5e-05", 1e21: "1.0e+21", 299: "299", -2e-9: "-2.0e-09",
		4. / 3: "1.3333333333333333",
	} {
		if got := number(v); got != want {
			t.Errorf("%g is written %s, want %s", v, got, want)
		}
	}
}

// section has a key whose help is generated from a list.
type section struct {
	Name string  `yaml:"name"`
	Rate float64 `yaml:"rate" help:"how fast"`
}

func choices() []Choice { return []Choice{{"a", "the first"}, {"b", ""}, {"c", ""}} }

func (section) Help(string) string { return Choices(choices()) }

func TestHelpAndChecksReadTheSameChoices(t *testing.T) {
	c := struct {
		Part section `yaml:"part"`
	}{section{"b", 4e-5}}
	want := "part:\n  # a (the first), b or c\n  name: b\n  # how fast\n  rate: 4.0e-05\n"
	if got := string(YAML(&c)); got != want {
		t.Errorf("YAML is\n%s\nwant\n%s", got, want)
	}
	if err := OneOf("part.name", c.Part.Name, choices()); err != nil {
		t.Error(err)
	}
	err := OneOf("part.name", "d", choices())
	var wrong *KeyError
	if !errors.As(err, &wrong) || wrong.Key != "part.name" || err.Error() != `part.name: "d" is unknown; must be one of a, b, c` {
		t.Errorf("error is %v", err)
	}
}

func TestDifferencesListTheKeysWithEveryValue(t *testing.T) {
	type options struct {
		Rate  float64  `yaml:"rate"`
		Steps int      `yaml:"steps"`
		Names []string `yaml:"names"`
	}
	got := Differences([]*options{{Rate: 0.1, Steps: 3}, {Rate: 0.1, Steps: 3, Names: []string{"a"}}, {Rate: 0.2, Steps: 3}})
	want := []Differing{{"rate", []string{"0.1", "0.1", "0.2"}}, {"names", []string{"[]", `["a"]`, "[]"}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if same := Differences([]*options{{Rate: 1}, {Rate: 1}}); same != nil {
		t.Errorf("equal structs differ in %q", same)
	}
}

func TestListsOfNumbersAreReadAsTheyAreWritten(t *testing.T) {
	var c struct {
		Sizes []int  `yaml:"sizes"`
		Depth [3]int `yaml:"depth"`
	}
	leaf, three := Leaves(&c)[0], Leaves(&c)[1]
	for text, ok := range map[string]bool{"[]": true, "[32, 40]": true, "[7]": true, "32": false, "[1.5]": false, "[a]": false} {
		var n yaml.Node
		if err := yaml.Unmarshal([]byte(text), &n); err != nil {
			t.Fatal(err)
		}
		err := leaf.Decode(n.Content[0])
		if (err == nil) != ok || ok && leaf.Text() != text {
			t.Errorf("%s: reads as %s, %v", text, leaf.Text(), err)
		}
	}
	for text, ok := range map[string]bool{"[3, 4, 2]": true, "[3, 4]": false, "[1, 2, 3, 4]": false, "[1, 2, 0.5]": false} {
		var n yaml.Node
		if err := yaml.Unmarshal([]byte(text), &n); err != nil {
			t.Fatal(err)
		}
		err := three.Decode(n.Content[0])
		if (err == nil) != ok || ok && three.Text() != text {
			t.Errorf("%s: reads as %s, %v", text, three.Text(), err)
		}
	}
}

func TestADifferenceShowsEmptyValues(t *testing.T) {
	a, b := section{"b", 4e-5}, section{"", 4e-5}
	if key, was, is := Difference(&a, &b); key != "name" || was != "b" || is != `""` {
		t.Errorf("%s is %s and %s", key, was, is)
	}
	if key, _, _ := Difference(&a, &a); key != "" {
		t.Errorf("the same differs in %s", key)
	}
}
