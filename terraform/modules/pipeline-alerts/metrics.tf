# Everything is counted from two records of the log: "run finished", which every
# run ends in ("interval finished" where one never ends), and "verify finished". No collector is needed, and nothing that an
# instance which lives for one run could not deliver.

locals {
  kinds = {
    service     = { type = "cloud_run_revision", label = "service_name", record = "run finished" }
    worker_pool = { type = "cloud_run_worker_pool", label = "worker_pool_name", record = "interval finished" }
    job         = { type = "cloud_run_job", label = "job_name", record = "run finished" }
  }
  kind     = local.kinds[var.resource.kind]
  verifier = var.verifier == null ? local.kind : local.kinds.service

  written_by = "resource.type=\"${local.kind.type}\" AND resource.labels.${local.kind.label}=\"${var.resource.name}\""
  proven_by  = var.verifier == null ? local.written_by : "resource.type=\"${local.verifier.type}\" AND resource.labels.${local.verifier.label}=\"${var.verifier}\""
  of_both    = var.verifier == null ? local.written_by : "((${local.written_by}) OR (${local.proven_by}))"
  runs       = "${local.written_by} AND jsonPayload.message=\"${local.kind.record}\""
  proofs     = "${local.proven_by} AND jsonPayload.message=\"verify finished\""

  # In PromQL a log-based metric is logging_googleapis_com:user_<name>, with an
  # underscore for whatever is no letter or digit.
  prefix   = "siemfeed_${replace(var.name, "-", "_")}"
  series   = "logging_googleapis_com:user_${local.prefix}"
  selector = "monitored_resource=\"${local.kind.type}\""
  proven   = "monitored_resource=\"${local.verifier.type}\""
}

resource "google_logging_metric" "runs" {
  project     = var.project
  name        = "${local.prefix}_runs"
  description = "Runs of ${var.name} by how they ended"
  filter      = local.runs

  label_extractors = {
    status = "EXTRACT(jsonPayload.receipt.status)"
    code   = "EXTRACT(jsonPayload.receipt.code)"
  }
  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    unit        = "1"
    labels {
      key         = "status"
      value_type  = "STRING"
      description = "ok, partial, busy or failed"
    }
    labels {
      key         = "code"
      value_type  = "STRING"
      description = "why it failed: misconfigured, unavailable or timeout"
    }
  }
}

# Distributions, because only these take a value from a record; what is read of
# them is their sum.
resource "google_logging_metric" "value" {
  for_each = {
    in          = { field = "in", unit = "1", what = "records read" }
    out         = { field = "out", unit = "1", what = "records delivered" }
    filtered    = { field = "filtered", unit = "1", what = "records left out as configured" }
    quarantined = { field = "quarantined", unit = "1", what = "records set aside" }
    lag         = { field = "lag_seconds", unit = "s", what = "lag of the oldest checkpoint" }
    seconds     = { field = "seconds", unit = "s", what = "time that runs took" }
  }

  project         = var.project
  name            = "${local.prefix}_${each.key}"
  description     = "${var.name}: ${each.value.what}"
  filter          = local.runs
  value_extractor = "EXTRACT(jsonPayload.receipt.${each.value.field})"

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "DISTRIBUTION"
    unit        = each.value.unit
  }
  bucket_options {
    exponential_buckets {
      num_finite_buckets = 40
      growth_factor      = 2
      scale              = 0.01
    }
  }
}

resource "google_logging_metric" "proofs" {
  project     = var.project
  name        = "${local.prefix}_proofs"
  description = "Verifications of ${var.name} that could be made, whatever they found"
  filter      = local.proofs

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    unit        = "1"
  }
}

resource "google_logging_metric" "findings" {
  project         = var.project
  name            = "${local.prefix}_findings"
  description     = "Findings of the verifications of ${var.name}"
  filter          = local.proofs
  value_extractor = "EXTRACT(jsonPayload.verify.findings)"

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "DISTRIBUTION"
    unit        = "1"
  }
  bucket_options {
    exponential_buckets {
      num_finite_buckets = 40
      growth_factor      = 2
      scale              = 0.01
    }
  }
}
