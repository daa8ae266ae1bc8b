package config

import (
	"strings"
	"testing"
)

func TestKeysSuitPeopleAndViper(t *testing.T) {
	variables := map[string]string{}
	for _, k := range Keys() {
		if k.Name != strings.ToLower(k.Name) {
			t.Errorf("%s is not in lower case, as Viper needs it", k.Name)
		}
		if strings.ContainsAny(k.Type, ".[]") {
			t.Errorf("%s has the type %s, which says nothing to people", k.Name, k.Type)
		}
		if other := variables[envName(k.Name)]; other != "" {
			t.Errorf("%s means both %s and %s", envName(k.Name), other, k.Name)
		}
		variables[envName(k.Name)] = k.Name
	}
}
