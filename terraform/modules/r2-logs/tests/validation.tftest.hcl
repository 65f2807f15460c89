override_module {
  target = module.groups
  outputs = {
    ids = {
      "Workers R2 Storage Bucket Item Read"  = "r"
      "Workers R2 Storage Bucket Item Write" = "w"
      "Queues Read"                          = "qr"
      "Queues Write"                         = "qw"
      "Workers R2 Storage Write"             = "admin"
    }
  }
}

mock_provider "cloudflare" {
  # One id for all would hide that two are mixed up.
  override_resource {
    target = cloudflare_account_token.logpush
    values = { id = "id-of-logpush", value = "value-of-logpush" }
  }
  override_resource {
    target = cloudflare_account_token.function
    values = { id = "id-of-function", value = "value-of-function" }
  }
  override_resource {
    target = cloudflare_account_token.siem
    values = { id = "id-of-siem", value = "value-of-siem" }
  }
  override_resource {
    target = cloudflare_account_token.queue
    values = { id = "id-of-queue", value = "value-of-queue" }
  }
  override_resource {
    target = cloudflare_queue.notices
    values = { queue_id = "q-notices" }
  }
  override_resource {
    target = cloudflare_queue.dead
    values = { queue_id = "q-dead" }
  }
}

variables {
  account_id          = "0123456789abcdef0123456789abcdef"
  name                = "logpush"
  prefix              = "gateway/"
  run_timeout_seconds = 480
  logpush = {
    dataset = "gateway_http"
    fields  = ["Datetime", "URL"]
  }
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

run "name_of_51" {
  command = plan
  variables {
    name = "a23456789012345678901234567890123456789012345678901"
  }
  expect_failures = [var.name]
}

run "jurisdiction_nobody_knows" {
  command = plan
  variables {
    jurisdiction = "mars"
  }
  expect_failures = [var.jurisdiction]
}

run "prefix_without_a_slash" {
  command = plan
  variables {
    prefix = "gateway"
  }
  expect_failures = [var.prefix]
}

run "suffix_of_the_challenge" {
  command = plan
  variables {
    suffix = ".txt"
  }
  expect_failures = [var.suffix]
}

run "logs_gone_before_they_are_read" {
  command = plan
  variables {
    expire_days = { logs = 6 }
  }
  expect_failures = [var.expire_days]
}

run "receipts_for_ever" {
  command = plan
  variables {
    expire_days = { receipts = 0 }
  }
  expect_failures = [var.expire_days]
}

run "run_of_no_time" {
  command = plan
  variables {
    run_timeout_seconds = 29
  }
  expect_failures = [var.run_timeout_seconds]
}

run "hundred_and_one_retries" {
  command = plan
  variables {
    max_retries = 101
  }
  expect_failures = [var.max_retries]
}

run "no_fields" {
  command = plan
  variables {
    logpush = { dataset = "gateway_http", fields = [] }
  }
  expect_failures = [var.logpush]
}

run "parquet" {
  command = plan
  variables {
    logpush = { dataset = "gateway_http", fields = ["URL"], output_type = "parquet" }
  }
  expect_failures = [var.logpush]
}

run "timestamps_in_words" {
  command = plan
  variables {
    logpush = { dataset = "gateway_http", fields = ["URL"], timestamp_format = "english" }
  }
  expect_failures = [var.logpush]
}

run "uploads_every_ten_minutes" {
  command = plan
  variables {
    logpush = { dataset = "gateway_http", fields = ["URL"], max_interval_seconds = 600 }
  }
  expect_failures = [var.logpush]
}

run "permission_groups_were_renamed" {
  command = plan
  override_module {
    target  = module.groups
    outputs = { ids = { "Something else" = "r" } }
  }
  expect_failures = [cloudflare_account_token.function, cloudflare_account_token.logpush]
}

run "valid_with_push" {
  command = plan
  variables {
    push           = {}
    function_url   = "https://f.a.run.app"
    function_token = "a-token-of-thirty-two-characters"
  }
}

run "batch_of_101" {
  command = plan
  variables {
    push           = { batch_size = 101 }
    function_url   = "https://f.a.run.app"
    function_token = "a-token-of-thirty-two-characters"
  }
  expect_failures = [var.push]
}

run "batch_after_a_minute" {
  command = plan
  variables {
    push           = { wait_seconds = 61 }
    function_url   = "https://f.a.run.app"
    function_token = "a-token-of-thirty-two-characters"
  }
  expect_failures = [var.push]
}

run "no_batch_at_a_time" {
  command = plan
  variables {
    push           = { concurrency = 0 }
    function_url   = "https://f.a.run.app"
    function_token = "a-token-of-thirty-two-characters"
  }
  expect_failures = [var.push]
}

run "proof_every_minute" {
  command = plan
  variables {
    push           = { verify_schedule = "* * * * *" }
    function_url   = "https://f.a.run.app"
    function_token = "a-token-of-thirty-two-characters"
  }
  expect_failures = [var.push]
}

run "run_longer_than_a_worker" {
  command = plan
  variables {
    push                = {}
    function_url        = "https://f.a.run.app"
    function_token      = "a-token-of-thirty-two-characters"
    run_timeout_seconds = 841
  }
  expect_failures = [var.push]
}

run "token_over_http" {
  command = plan
  variables {
    push           = {}
    function_url   = "http://f.a.run.app"
    function_token = "a-token-of-thirty-two-characters"
  }
  expect_failures = [var.function_url]
}

run "pushed_nowhere" {
  command = plan
  variables {
    push           = {}
    function_url   = null
    function_token = "a-token-of-thirty-two-characters"
  }
  expect_failures = [var.function_url]
}

run "token_of_31" {
  command = plan
  variables {
    push           = {}
    function_url   = "https://f.a.run.app"
    function_token = "a-token-of-thirty-two-character"
  }
  expect_failures = [var.function_token]
}

run "token_with_a_line_end" {
  command = plan
  variables {
    push           = {}
    function_url   = "https://f.a.run.app"
    function_token = "a-token-of-thirty-two-characters\n"
  }
  expect_failures = [var.function_token]
}

run "no_token" {
  command = plan
  variables {
    push           = {}
    function_url   = "https://f.a.run.app"
    function_token = null
  }
  expect_failures = [var.function_token]
}
