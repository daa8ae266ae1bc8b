package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/inception-go/inception/internal/config"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/spelling"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// wrongCall returns the error for a call that is wrong: one line that ends with
// where to look.
func wrongCall(c *cobra.Command, err error) error {
	text := strings.Join(strings.Fields(err.Error()), " ")
	switch {
	case strings.Contains(text, "--help"):
	case strings.HasSuffix(text, "?"):
		text += " See " + c.CommandPath() + " --help"
	default:
		text += "; see " + c.CommandPath() + " --help"
	}
	return usageError{errors.New(text)}
}

// noArgs refuses arguments.
func noArgs(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("unexpected argument %q", args[0])
	}
	return nil
}

// oneArg takes one argument, which what names.
func oneArg(what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return fmt.Errorf("needs one argument, %s, has %d", what, len(args))
		}
		return nil
	}
}

// oneArgAtMost takes one argument or none, which what names.
func oneArgAtMost(what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) > 1 {
			return fmt.Errorf("takes one argument, %s, has %d", what, len(args))
		}
		return nil
	}
}

// someArgs takes one argument or more, which what names.
func someArgs(what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) == 0 {
			return fmt.Errorf("needs an argument: %s", what)
		}
		return nil
	}
}

// onlyHolds annotates the commands that do nothing but hold others.
const onlyHolds = "holds commands"

// groups makes the commands that only hold others refuse a name that none of
// them has.
func groups(c *cobra.Command) {
	for _, sub := range c.Commands() {
		groups(sub)
	}
	if c.Runnable() || !c.HasSubCommands() {
		return
	}
	annotate(c, onlyHolds, "true")
	c.DisableFlagsInUseLine = true
	c.Args = func(c *cobra.Command, args []string) error {
		if len(args) > 0 {
			return unknownCommand(c, args[0])
		}
		return nil
	}
	c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
}

// unknownCommand suggests the command below c that was probably meant.
func unknownCommand(c *cobra.Command, name string) error {
	var names []string
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			names = append(append(names, sub.Name()), sub.Aliases...)
		}
	}
	return fmt.Errorf("unknown command %q%s", name, spelling.Suggest(name, names))
}

// missingFlags names the required flags of a command that are not given.
func missingFlags(c *cobra.Command) error {
	var missing, what []string
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if slices.Equal(f.Annotations[cobra.BashCompOneRequiredFlag], []string{"true"}) && !f.Changed {
			_, usage := pflag.UnquoteUsage(f)
			missing, what = append(missing, "--"+f.Name), append(what, usage)
		}
	})
	switch len(missing) {
	case 0:
		return nil
	case 1:
		return fmt.Errorf("%s is missing (%s)", missing[0], what[0])
	}
	return fmt.Errorf("%s are missing", strings.Join(missing, ", "))
}

// atLeast1 refuses a number below 1 of a flag that is 0 where it is left out.
func atLeast1(flag string, n int) error {
	if n < 0 {
		return usageError{fmt.Errorf("--%s: must be at least 1, is %d", flag, n)}
	}
	return nil
}

// misnamed makes the name of a layer or head that the network does not have an
// error in the call.
func misnamed(err error) error {
	if errors.As(err, &model.NameError{}) {
		return usageError{err}
	}
	return err
}

// explainFlag says what is wrong with a flag and what was probably meant. Where no
// command has the name that stands before it, that is what is wrong.
func explainFlag(c *cobra.Command, err error) error {
	if c.Annotations[onlyHolds] != "" && c.Flags().NArg() > 0 {
		return unknownCommand(c, c.Flags().Arg(0))
	}
	var unknown *pflag.NotExistError
	var invalid *pflag.InvalidValueError
	var empty *pflag.ValueRequiredError
	switch {
	case errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() == "":
		return unknownFlag(c, unknown.GetSpecifiedName())
	case errors.As(err, &invalid):
		f := invalid.GetFlag()
		kinds := map[string]string{
			"int": "a whole number", "float64": "a number", "duration": "a duration such as 30s or 5m", "bool": "true or false",
		}
		if kind := kinds[f.Value.Type()]; kind != "" {
			return fmt.Errorf("--%s: must be %s, is %q", f.Name, kind, invalid.GetValue())
		}
	case errors.As(err, &empty):
		return fmt.Errorf("--%s needs a value", empty.GetSpecifiedName())
	}
	return err
}

// elsewhere are flags of other tools with ours that are for the same; the first
// that a command has counts.
var elsewhere = map[string][]string{
	"model": {"weights", "variant"}, "weights": {"init"}, "pretrained": {"init", "weights"},
	"checkpoint": {"init", "weights"}, "ckpt": {"init", "weights"},
	"name": {"out"}, "project": {"out"},
	"output": {"out", "csv"}, "output-dir": {"out", "csv"}, "save-dir": {"out", "csv"},
	"host": {"addr"}, "port": {"addr"},
}

// nowhere says of flags of other tools why no command has them.
func nowhere(name string) string {
	switch name {
	case "device", "cpu", "gpu", "gpus", "cuda":
		return "inception computes on the processor and on nothing else; leave it out"
	case "conf", "threshold":
		return "no class is left out for its probability; predict --top says how many are printed"
	case "opset":
		return "ONNX models have opset 17"
	}
	return ""
}

// unknownFlag suggests the flag of the command that was probably meant, or the
// key that other tools have a flag for.
func unknownFlag(c *cobra.Command, name string) error {
	asked := string(normalize(nil, strings.ReplaceAll(name, "_", "-")))
	if reason := nowhere(asked); reason != "" {
		return fmt.Errorf("unknown flag --%s: %s", name, reason)
	}
	for _, ours := range elsewhere[asked] {
		if f := c.Flags().Lookup(ours); f != nil {
			_, usage := pflag.UnquoteUsage(f)
			return fmt.Errorf("unknown flag --%s; --%s is for that (%s)", name, ours, usage)
		}
	}
	if c.Flags().Lookup(asked) != nil {
		return fmt.Errorf("unknown flag --%s; did you mean --%s?", name, asked)
	}
	if belowHas(c, asked) {
		return fmt.Errorf("unknown flag --%s before a command's name; write it after the command", name)
	}
	if key, known := config.KeyOf(asked); known && readsKey(c, key) {
		return fmt.Errorf("unknown flag --%s; --set %s=VALUE sets it", name, key)
	} else if known {
		return fmt.Errorf("unknown flag --%s; %s is a key of the configuration, which this command does not read",
			name, key)
	}
	var flags []string
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			flags = append(flags, f.Name)
		}
	})
	if nearest, ok := spelling.Near(name, flags); ok {
		return fmt.Errorf("unknown flag --%s; did you mean --%s?", name, nearest)
	}
	return fmt.Errorf("unknown flag --%s", name)
}

// belowHas reports whether a command below c has a flag.
func belowHas(c *cobra.Command, flag string) bool {
	return slices.ContainsFunc(c.Commands(), func(sub *cobra.Command) bool {
		f := sub.Flags().Lookup(flag)
		return !sub.Hidden && (f != nil && !f.Hidden || belowHas(sub, flag))
	})
}

// newHelp is `inception help`, which knows when there is no help.
func newHelp(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:         "help [COMMAND]",
		Short:       "Help about a command",
		Annotations: map[string]string{readsNoConfig: "true"},
		RunE: func(_ *cobra.Command, args []string) error {
			c, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return wrongCall(c, unknownCommand(c, rest[0]))
			}
			c.InitDefaultHelpFlag()
			return c.Help()
		},
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			var names []cobra.Completion
			if c, rest, err := root.Find(args); err == nil && len(rest) == 0 {
				for _, sub := range c.Commands() {
					if sub.IsAvailableCommand() {
						names = append(names, cobra.CompletionWithDesc(sub.Name(), sub.Short))
					}
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
	}
}
