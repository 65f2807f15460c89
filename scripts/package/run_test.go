package main

import (
	"strings"
	"testing"
)

func TestTargets(t *testing.T) {
	for kind, want := range map[string]string{
		"gcf": ".zip", "lambda": "-lambda-arm64.zip -lambda-amd64.zip", "fc": "-fc.zip", "oci": "-oci.tar",
		"command": "-linux-amd64.tar.gz -linux-arm64.tar.gz -darwin-amd64.tar.gz -darwin-arm64.tar.gz",
	} {
		if got := suffixes(formats[kind]); got != want {
			t.Errorf("%s writes %s", kind, got)
		}
	}
}

func TestTargetsOfSomePlatforms(t *testing.T) {
	for kind, want := range map[string]string{
		"gcf": ".zip", "lambda": "-lambda-arm64.zip", "fc": "", "oci": "-oci.tar", "command": "-linux-arm64.tar.gz -darwin-arm64.tar.gz",
	} {
		some, err := onlyOn(formats[kind], "linux/arm64,darwin/arm64")
		if err != nil {
			t.Fatal(err)
		}
		if got := suffixes(some); got != want {
			t.Errorf("%s writes %s", kind, got)
		}
		if kind == "oci" && (len(some[0].on) != 1 || some[0].on[0] != linuxARM || len(formats[kind][0].on) != 2) {
			t.Errorf("images for %v, of %v", some[0].on, formats[kind][0].on)
		}
	}
	if _, err := onlyOn(formats["oci"], "linux/amd64,plan9/arm64"); err == nil {
		t.Error("a platform that nothing is for")
	}
}

func suffixes(targets []target) string {
	var list []string
	for _, t := range targets {
		list = append(list, t.suffix)
	}
	return strings.Join(list, " ")
}
