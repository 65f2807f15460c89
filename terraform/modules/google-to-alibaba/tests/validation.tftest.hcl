mock_provider "alicloud" {}

variables {
  account_id   = "1234567890123456"
  name         = "slshec"
  subject      = "111222333444555666777"
  fingerprints = ["0123456789abcdef0123456789abcdef01234567", "89abcdef0123456789abcdef0123456789abcdef"]
  grants = [{
    actions   = ["log:ListShards"]
    resources = ["acs:log:cn-hangzhou:1234567890123456:project/p/logstore/l"]
  }]
}

run "valid" {
  command = plan
}

run "account_by_its_name" {
  command = plan
  variables {
    account_id = "acme"
  }
  expect_failures = [var.account_id]
}

run "name_with_a_slash" {
  command = plan
  variables {
    name = "a/b"
  }
  expect_failures = [var.name]
}

run "subject_that_is_an_email" {
  command = plan
  variables {
    subject = "run@acme.iam.gserviceaccount.com"
  }
  expect_failures = [var.subject]
}

run "audience_with_a_space" {
  command = plan
  variables {
    audience = "two words"
  }
  expect_failures = [var.audience]
}

run "fingerprint_with_colons" {
  command = plan
  variables {
    fingerprints = ["01:23"]
  }
  expect_failures = [var.fingerprints]
}

run "no_fingerprint" {
  command = plan
  variables {
    fingerprints = []
  }
  expect_failures = [var.fingerprints]
}

run "every_action" {
  command = plan
  variables {
    grants = [{ actions = ["log:*"], resources = ["acs:log:*:*:project/p"] }]
  }
  expect_failures = [var.grants]
}

run "every_resource" {
  command = plan
  variables {
    grants = [{ actions = ["log:ListShards"], resources = ["acs:log:*:*:*"] }]
  }
  expect_failures = [var.grants]
}
