package main

import (
	"fmt"

	"github.com/inception-go/inception/configs"
	"github.com/inception-go/inception/internal/config"
	"github.com/spf13/cobra"
)

func newConfig(s *session) *cobra.Command {
	c := &cobra.Command{Use: "config", Short: "List, show and check configurations"}
	list := &cobra.Command{
		Use: "list", Short: "List the configurations built into the program", Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			if s.json {
				return s.printJSON(configs.List())
			}
			for _, e := range configs.List() {
				s.print("%-14s %s\n", e.Name, e.About)
			}
			return nil
		},
	}
	var origin bool
	show := &cobra.Command{
		Use: "show [NAME | FILE]", Short: "Print a configuration with all its values", Args: oneArgAtMost("a configuration"),
		Example: "  inception config show v3 > my.yaml\n  inception config show my.yaml --origin",
		RunE:    func(_ *cobra.Command, args []string) error { return showConfig(s, first(args), origin) },
	}
	show.Flags().BoolVar(&origin, "origin", false, "say where each value came from")
	validate := &cobra.Command{
		Use: "validate [NAME | FILE]", Short: "Check a configuration", Args: oneArgAtMost("a configuration"),
		Example: "  inception config validate my.yaml",
		RunE: func(_ *cobra.Command, args []string) error {
			c, err := s.load(first(args), nil)
			if err != nil {
				return err
			}
			if s.json {
				return s.printJSON(map[string]any{"name": c.Name, "valid": true})
			}
			s.print("%s is valid\n", c.Name)
			return nil
		},
	}
	keys := &cobra.Command{
		Use: "keys", Short: "List every key with its default and meaning", Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			if s.json {
				return s.printJSON(config.Keys())
			}
			for _, k := range config.Keys() {
				s.print("%-34s %-9s %s\n%-44s %s\n", k.Name, k.Type, k.Default, "", k.Help)
			}
			return nil
		},
	}
	c.AddCommand(list, show, validate, keys)
	return c
}

func showConfig(s *session, name string, origin bool) error {
	c, err := s.load(name, nil)
	if err != nil {
		return err
	}
	if s.json {
		return s.printJSON(c.Config)
	}
	if !origin {
		s.print("%s", c.YAML())
		return nil
	}
	for _, k := range config.Keys() {
		value, _ := c.Value(k.Name)
		s.print("%-34s %-24s %s\n", k.Name, fmt.Sprint(value), c.Origin[k.Name])
	}
	return nil
}

func first(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}
