package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/inception-go/inception/internal/config"
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

// someArgs takes one argument or more, which what names.
func someArgs(what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) == 0 {
			return fmt.Errorf("needs an argument: %s", what)
		}
		return nil
	}
}

// groups makes the commands that only hold others refuse a name that none of
// them has.
func groups(c *cobra.Command) {
	for _, sub := range c.Commands() {
		groups(sub)
	}
	if c.Runnable() || !c.HasSubCommands() {
		return
	}
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
	return fmt.Errorf("unknown command %q%s", name, didYouMean(name, names, ""))
}

// didYouMean suggests the nearest of names, written with prefix, if it is near.
func didYouMean(name string, names []string, prefix string) string {
	nearest, ok := spelling.Near(name, names)
	if !ok {
		return ""
	}
	return "; did you mean " + prefix + nearest + "?"
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

// explainFlag says what is wrong with a flag and what was probably meant.
func explainFlag(c *cobra.Command, err error) error {
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

// unknownFlag suggests the flag of the command that was probably meant, or the
// key that other tools have a flag for.
func unknownFlag(c *cobra.Command, name string) error {
	var names []string
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, f.Name)
		}
	})
	suggestion := didYouMean(name, names, "--")
	key, known := config.KeyOf(name)
	switch {
	case name == "device" || name == "gpu" || name == "cuda" || name == "gpus":
		return fmt.Errorf("unknown flag --%s: inception computes on the processor and on nothing else; leave it out", name)
	case known && readsConfig(c):
		return fmt.Errorf("unknown flag --%s; --set %s=VALUE sets it", name, key)
	case known && suggestion == "":
		suggestion = "; " + key + " is a key of the configuration, which this command does not read"
	}
	return fmt.Errorf("unknown flag --%s%s", name, suggestion)
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
				return usageError{unknownCommand(c, rest[0])}
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
