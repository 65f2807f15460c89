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

run "each_token_has_its_place" {
  command = apply

  assert {
    condition = { for k, t in { function = cloudflare_account_token.function, logpush = cloudflare_account_token.logpush[0], queue = cloudflare_account_token.queue[0], siem = cloudflare_account_token.siem } : k => [for p in t.policies : [p.effect, [for g in p.permission_groups : g.id], jsondecode(p.resources)]] } == {
      function = [
        ["allow", ["r"], { "com.cloudflare.edge.r2.bucket.0123456789abcdef0123456789abcdef_default_logpush-logs" = "*" }],
        ["allow", ["r", "w"], { "com.cloudflare.edge.r2.bucket.0123456789abcdef0123456789abcdef_default_logpush-csv" = "*", "com.cloudflare.edge.r2.bucket.0123456789abcdef0123456789abcdef_default_logpush-state" = "*" }],
      ]
      logpush = [["allow", ["w"], { "com.cloudflare.edge.r2.bucket.0123456789abcdef0123456789abcdef_default_logpush-logs" = "*" }]]
      queue   = [["allow", ["qr", "qw"], { "com.cloudflare.api.account.0123456789abcdef0123456789abcdef" = "*" }]]
      siem    = [["allow", ["r"], { "com.cloudflare.edge.r2.bucket.0123456789abcdef0123456789abcdef_default_logpush-csv" = "*" }]]
    }
    error_message = "a token may do more or less than it needs"
  }
}

run "state_source_and_target_are_apart" {
  command = apply

  assert {
    condition     = length(toset(values(output.buckets))) == 3
    error_message = "what is written would be notified of, or read by the SIEM"
  }
  assert {
    condition     = !strcontains(jsonencode(output.environment), "value-of")
    error_message = "a secret is among the plain variables"
  }
}

run "a_worker_needs_no_token_of_the_queue" {
  command = apply

  variables {
    push           = {}
    function_url   = "https://f.a.run.app"
    function_token = "a-token-of-thirty-two-characters"
  }
  assert {
    condition     = length(cloudflare_account_token.queue) == 0
    error_message = "there is a token that nobody needs"
  }
  assert {
    condition     = [for b in cloudflare_workers_script.push[0].bindings : b.name if b.type == "secret_text"] == ["FUNCTION_TOKEN"] && issensitive(cloudflare_workers_script.push[0].bindings[0].text) && !strcontains(jsonencode([output.environment, output.secret_versions, output.buckets]), "a-token-of")
    error_message = "the token can be read at the Worker, or in an output"
  }
}
