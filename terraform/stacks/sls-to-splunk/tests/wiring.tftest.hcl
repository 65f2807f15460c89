mock_provider "alicloud" {}
mock_provider "google" {
  mock_data "google_project" {
    defaults = { number = "1234567890" }
  }
}

override_resource {
  target = google_service_account.run
  values = { email = "run@acme-siem.iam.gserviceaccount.com", unique_id = "111222333444" }
}

variables {
  project        = "acme-siem"
  region         = "asia-southeast1"
  source_archive = "tests/testdata/source.zip"

  # The value is not used: OpenTofu's mocks keep what is write-only, and could not
  # apply it twice; Terraform's tests cannot apply what leaves it unset.
  hec_token                 = "s3cret"
  hec_token_outside_version = 4

  google_fingerprints = ["0123456789abcdef0123456789abcdef01234567"]
  sls = {
    account_id = "1234567890123456"
    region     = "cn-hangzhou"
    project    = "acme-audit"
    logstore   = "trail"
    ttl_days   = 30
  }
  splunk = {
    urls = ["https://a.example:8088", "https://b.example:8088"]
  }
}

run "what_splunk_gets" {
  command = apply

  variables {
    settings = { SLS_START = "begin" }
    splunk = {
      urls       = ["https://a.example:8088"]
      index      = "{tag:team}"
      sourcetype = "aliyun:{topic}"
      source     = "s"
      host       = "h"
      json_keys  = ["event", "user"]
      fields     = { env = "prod", owner = "soc" }
      ack        = true
    }
  }
  assert {
    condition     = [for k in ["HEC_URL", "HEC_INDEX", "HEC_SOURCETYPE", "HEC_SOURCE", "HEC_HOST", "HEC_JSON_KEYS", "HEC_FIELDS", "HEC_ACK", "SLS_START"] : local.environment[k]] == ["https://a.example:8088", "{tag:team}", "aliyun:{topic}", "s", "h", "event,user", "env=prod,owner=soc", "true", "begin"]
    error_message = "events are given something else"
  }
}

run "always_on" {
  command = apply

  variables {
    run = { on = "worker_pool", image = "registry/slshec@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", instances = 2 }
  }
  assert {
    condition     = length(module.function) == 0 && length(module.pool) == 1 && module.pool[0].run_account == "run@acme-siem.iam.gserviceaccount.com"
    error_message = "it is not a worker pool, or has not its rights"
  }
  assert {
    condition     = module.alerts[0].alerts == tolist(["deadline", "findings", "lag", "misconfigured", "no-success", "quarantine", "retention", "silent", "unproven"]) && module.alerts[0].absence_window_seconds == 1380
    error_message = "alerts watch over triggers that a pool has not, or not over its proof"
  }
  assert {
    condition     = module.pool[0].verifier == "slshec-verify" && strcontains(module.alerts[0].logs_url, urlencode("service_name=\"slshec-verify\""))
    error_message = "alerts look for the proof in another log than where it is made"
  }
  assert {
    condition     = strcontains(output.logs_url, urlencode("worker_pool_name=\"slshec\"")) && strcontains(output.logs_url, urlencode("service_name=\"slshec-verify\"")) && strcontains(output.next_steps, "The proof comes every day")
    error_message = "the log is elsewhere, or nobody is told that the proof comes"
  }
}

run "always_on_without_a_proof" {
  command = apply

  variables {
    run    = { on = "worker_pool", image = "registry/slshec@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" }
    verify = null
  }
  assert {
    condition     = module.pool[0].verifier == null && !contains(module.alerts[0].alerts, "unproven") && !contains(module.alerts[0].alerts, "findings")
    error_message = "alerts wait for a proof that nobody asks for"
  }
  assert {
    condition     = endswith(output.logs_url, "${replace(urlencode("(resource.type=\"cloud_run_worker_pool\" AND resource.labels.worker_pool_name=\"slshec\")"), "+", "%20")}?project=acme-siem") && strcontains(output.next_steps, "No proof comes by itself")
    error_message = "the log of a service that is not there is shown, or nobody is told that there is no proof"
  }
}

run "what_to_do_next" {
  command = apply

  assert {
    condition     = !strcontains(output.doctor_env, "ALIBABA_") && strcontains(output.doctor_env, "STATE_URL=gs://acme-siem-slshec-state\n") && strcontains(output.doctor_env, "RUN_TIMEOUT=480s\n")
    error_message = "the doctor is given a role that only Google gives, or other variables"
  }
  assert {
    condition     = strcontains(output.verify_command, "gcloud secrets versions access 4 --secret=slshec-hec-token --project=acme-siem") && strcontains(output.verify_command, "siemfeed verify slshec --env-file")
    error_message = "the proof is asked for otherwise"
  }
}
