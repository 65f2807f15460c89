package main

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

// What is granted is found wherever it stands: in a policy, in a local that the
// policy names, in what a module is told to grant.
func TestGrantsAreFoundWhereverTheyStand(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.tf"), []byte(`
locals {
  read   = concat(["log:ListShards"], local.pull)
  pull   = ["log:GetCursorOrData"]
  unused = ["log:DeleteProject"]
}
resource "alicloud_ram_policy" "run" {
  policy_document = jsonencode({ Statement = [{ Action = local.read }, { Action = ["oss:GetObject"], Resource = [local.read[0]] }] })
}
resource "alicloud_oss_bucket" "state" {
  bucket = "oss:PutObject"
}
module "role" {
  source = "elsewhere"
  name   = "fc:InvokeFunction"
  grants = [{ actions = ["log:PostLogStoreLogs"], resources = ["acs:log:*"] }]
}
`), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := load(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := []grant{
		{"alicloud_ram_policy.run", []string{"log:GetCursorOrData", "log:ListShards", "oss:GetObject"}},
		{"module.role", []string{"log:PostLogStoreLogs"}},
	}
	if got := grants([]*configuration{c}); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v\nwant %+v", got, want)
	}
}
