package ablate

import (
	"strings"
	"testing"

	"github.com/inception-go/inception/configs"
	"github.com/inception-go/inception/internal/config"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/optimize"
)

func TestSuiteErrorsNameTheLineAndWhatWasMeant(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"empty":      {"", "suite s.yaml: has no rows"},
		"no YAML":    {"rows: [", "suite s.yaml: line 1"},
		"no mapping": {"- a\n", "suite s.yaml:1: a suite must be a mapping"},
		"unknown key": {"cumulativ: true\n",
			`suite s.yaml:1: unknown key "cumulativ" in a suite; did you mean cumulative?`},
		"unknown key of a row": {"rows:\n  - name: a\n    changes: x\n",
			`suite s.yaml:3: unknown key "changes" in a row; did you mean change?`},
		"unknown key of paper": {"rows:\n  - name: a\n    paper: {opps: 3}\n",
			`suite s.yaml:3: unknown key "opps" in paper; did you mean ops?`},
		"a key twice":           {"rows:\n  - name: a\n    name: b\n", `suite s.yaml:3: key "name" appears twice`},
		"rows that are no list": {"rows: {a: b}\n", "suite s.yaml:1: must be a list of rows"},
		"a row without a name":  {"rows:\n  - title: A\n", "suite s.yaml:2: a row's name consists of lower-case letters"},
		"a name for no folder":  {"rows:\n  - name: ../up\n", "suite s.yaml:2: a row's name"},
		"a name twice":          {"rows:\n  - name: a\n  - name: a\n", `suite s.yaml:3: another row is also called "a"`},
		"text for a number": {"rows:\n  - name: a\n    paper: {top1: low}\n",
			`suite s.yaml:3: must be an error in percent, is "low"`},
		"settings in a list": {"rows:\n  - name: a\n    set: [a, b]\n", "suite s.yaml:3: set must be a mapping"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parse("s", "s.yaml", []byte(c.text))
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error is %v, want one line with %q", err, c.want)
			}
		})
	}
}

func TestARowsWrongSettingIsFoundWhereItStands(t *testing.T) {
	for text, want := range map[string]string{
		"optimizer.nme: sgd":          `row a: suite s.yaml:3: unknown key "optimizer.nme"; did you mean optimizer.name?`,
		"optimizer.lr: fast":          `row a: suite s.yaml:3: optimizer.lr: must be a number, is "fast"`,
		"optimizer.name: sdg":         `row a: suite s.yaml:3: optimizer.name: "sdg" is unknown`,
		"model.variant: googlenet-v9": `row a: suite s.yaml:3: model.variant: must be one of`,
	} {
		s, err := parse("s", "s.yaml", []byte("rows:\n  - name: a\n    set: {"+text+"}\n"))
		if err != nil {
			t.Fatal(err)
		}
		_, err = Prepare(Options{Suite: s, Base: tinyBase(t), Seeds: 1})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %q", err, want)
		}
	}
}

func TestSettingsOfEveryKindReachTheConfiguration(t *testing.T) {
	s, err := parse("s", "s.yaml", []byte(`
set: {train.epochs: 3}
rows:
  - name: a
    set:
      model: {width: 0.5, stem: {stride: 1}}
      data.augment.scale: [0.25, 1]
      model.stem.conv: "7x7"
      train.max_time: 90s
      train.freeze: [Conv2d, Mixed_5]
      label_smoothing: 0.2
`))
	if err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(config.Sources{Env: []string{}, Over: s.changes(false)[0].all()})
	if err != nil {
		t.Fatal(err)
	}
	if c.Train.Epochs != 3 || c.Model.Width != 0.5 || c.Model.Stem.Stride != 1 ||
		c.Data.Augment.Scale != [2]float64{0.25, 1} ||
		c.Model.Stem.Conv != "7x7" || c.Train.MaxTime.Seconds() != 90 || len(c.Train.Freeze) != 2 ||
		c.LabelSmoothing.Epsilon != 0.2 {
		t.Errorf("got %+v", c.Config)
	}
}

func TestOnlyCumulativeRowsKeepWhatStandsAbove(t *testing.T) {
	const rows = "rows:\n  - {name: a, set: {optimizer.lr: 0.5}}\n  - {name: b, set: {model.width: 0.5}}\n" +
		"baselines:\n  - {name: z, set: {optimizer.lr: 7}}\n"
	for _, cumulative := range []bool{true, false} {
		text := rows
		if cumulative {
			text = "cumulative: true\n" + rows
		}
		s, err := parse("s", "s.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		base := config.Sources{Env: []string{}, Set: []string{"optimizer.lr=0.1", "a:train.epochs=7"}}
		changes := s.changes(true)
		if err := takeRowSettings(&base, changes); err != nil {
			t.Fatal(err)
		}
		base.Over = changes[2].all() // b
		c, err := config.Load(base)
		if err != nil {
			t.Fatal(err)
		}
		lr, epochs := 0.1, 100
		if cumulative {
			lr, epochs = 0.5, 7
		}
		if c.Optimizer.LR != lr || c.Train.Epochs != epochs || c.Model.Width != 0.5 {
			t.Errorf("cumulative %v: row b has optimizer.lr %g, train.epochs %d and model.width %g", cumulative,
				c.Optimizer.LR, c.Train.Epochs, c.Model.Width)
		}
	}
}

// The rows are those of the paper's Table 3: parameters and multiply-adds
// were counted layer by layer from its tables.
func TestTheLadderIsThePapersTable3(t *testing.T) {
	s, err := ReadSuite("ladder")
	if err != nil {
		t.Fatal(err)
	}
	want := []struct {
		optimizer          string
		epsilon            float64
		params, withAux    int
		macs               int64
		top1, top5, bilOps float64
	}{
		{optimize.SGD, 0, 23815336, 27141264, 5299886272, 23.4, 0, 3.8},
		{optimize.RMSProp, 0, 23815336, 27141264, 5299886272, 23.1, 6.3, 3.8},
		{optimize.RMSProp, 0.1, 23815336, 27141264, 5299886272, 22.8, 6.1, 3.8},
		{optimize.RMSProp, 0.1, 23834568, 27160496, 5713216096, 21.6, 5.8, 4.8},
		{optimize.RMSProp, 0.1, 23834568, 27161264, 5713216096, 21.2, 5.6, 4.8},
	}
	changes := s.changes(false)
	if len(changes) != len(want) {
		t.Fatalf("%d rows, want %d", len(changes), len(want))
	}
	for i, row := range changes {
		w := want[i]
		// Even from a base that says otherwise.
		c, err := config.Load(config.Sources{Path: "v3", Env: []string{}, Set: []string{"model.classes=1000",
			"optimizer.name=adam"}, Over: row.all()})
		if err != nil {
			t.Fatal(err)
		}
		layers, err := model.Layers(c.Model)
		if err != nil {
			t.Fatal(err)
		}
		if c.Optimizer.Name != w.optimizer || c.LabelSmoothing.Epsilon != w.epsilon || row.Paper != (Paper{Top1: w.top1, Top5: w.top5,
			Ops: w.bilOps}) {
			t.Errorf("%s: optimizer %s, smoothing %g, paper %+v; want %+v", row.Name, c.Optimizer.Name,
				c.LabelSmoothing.Epsilon, row.Paper, w)
		}
		if p, a, m := model.Params(layers, false), model.Params(layers, true),
			model.MACs(layers); p != w.params || a != w.withAux || m != w.macs {
			t.Errorf("%s: %d parameters, %d with aux, %d MACs; want %d, %d, %d", row.Name, p, a, m, w.params, w.withAux, w.macs)
		}
	}
}

// Table 2 compares resolutions at nearly equal cost: without the pool the
// stem's first layers work on a smaller grid.
func TestLowResolutionsCostTheSame(t *testing.T) {
	for suite, limit := range map[string]float64{"lowres": 0.07, "lowres-128": 0.12} {
		s, err := ReadSuite(suite)
		if err != nil {
			t.Fatal(err)
		}
		var first int64
		for _, row := range s.changes(false) {
			c, err := config.Load(config.Sources{Path: "v3", Env: []string{}, Set: []string{"model.classes=1000"},
				Over: row.all()})
			if err != nil {
				t.Fatal(err)
			}
			layers, err := model.Layers(c.Model)
			if err != nil {
				t.Fatal(err)
			}
			macs := model.MACs(layers)
			if first == 0 {
				first = macs
			}
			if off := float64(first-macs) / float64(first); off < 0 || off > limit {
				t.Errorf("%s %s: %d MACs, the first row has %d", suite, row.Name, macs, first)
			}
		}
	}
}

func TestEveryEmbeddedSuiteIsRight(t *testing.T) {
	for _, e := range configs.Suites() {
		s, err := ReadSuite(e.Name)
		if err != nil {
			t.Error(err)
			continue
		}
		if e.About == "" {
			t.Errorf("%s does not say what it is", e.Name)
		}
		base := tinyBase(t)
		if strings.HasPrefix(e.Name, "lowres") {
			base.Set = append(base.Set, "train.batch_size=1")
		}
		if len(s.Baselines) > 0 { // which are other networks, whatever the base's switches
			base.Set = append(base.Set, "model.stem.conv=3x3", "model.grid_reduction=efficient",
				"model.expanded_8x8=true", "model.aux_early=false", "model.avgpool_count_include_pad=true")
		}
		p, err := Prepare(Options{Suite: s, Base: base, Seeds: 2, Baselines: len(s.Baselines) > 0})
		if err != nil {
			t.Errorf("suite %s: %v", e.Name, err)
			continue
		}
		texts := map[string]string{}
		for _, r := range p.rows {
			text := string(r.config.YAML())
			if other := texts[text]; other != "" {
				t.Errorf("suite %s: rows %s and %s are the same", e.Name, other, r.Name)
			}
			texts[text] = r.Name
		}
	}
}

func TestARecipesSuiteHasItsConfigurationAndLeavesOneSettingOut(t *testing.T) {
	for _, e := range configs.Suites() {
		recipe, ok := strings.CutPrefix(e.Name, "recipe-")
		if !ok {
			continue
		}
		s, err := ReadSuite(e.Name)
		if err != nil {
			t.Fatal(err)
		}
		load := func(over []config.Setting) string {
			c, err := config.Load(config.Sources{Path: recipe, Env: []string{}, Over: over})
			if err != nil {
				t.Fatal(err)
			}
			return string(c.YAML())
		}
		published := load(nil)
		for _, row := range s.changes(false) {
			if same := load(row.all()) == published; same != (row.Name == "full") {
				t.Errorf("suite %s: row %s is as the configuration: %t", e.Name, row.Name, same)
			}
		}
	}
}

func FuzzSuite(f *testing.F) {
	for _, e := range configs.Suites() {
		text, _ := configs.ReadSuite(e.Name)
		f.Add(text)
	}
	f.Add([]byte("rows: &a [*a]"))
	f.Add([]byte("rows:\n- &x {name: a, set: *x}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := parse("s", "s", text)
		if err == nil {
			for _, c := range s.changes(true) {
				c.all()
			}
		}
	})
}
