locals {
  buckets = { logs = "${var.name}-logs", csv = "${var.name}-csv", state = "${var.name}-state" }
  day     = 86400

  # Of the state only receipts go by age: the rest is what is done and what is not.
  ages = {
    logs  = var.expire_days.logs == 0 ? {} : { "" = var.expire_days.logs }
    csv   = var.expire_days.csv == 0 ? {} : { "" = var.expire_days.csv }
    state = { "gunzipcsv/receipts/" = var.expire_days.receipts, "gunzipcsv/verify/" = var.expire_days.receipts }
  }
}

resource "cloudflare_r2_bucket" "this" {
  for_each = local.buckets

  account_id   = var.account_id
  name         = each.value
  jurisdiction = var.jurisdiction
}

resource "cloudflare_r2_bucket_lifecycle" "this" {
  for_each = cloudflare_r2_bucket.this

  account_id   = var.account_id
  bucket_name  = each.value.name
  jurisdiction = var.jurisdiction

  rules = concat([{
    id         = "broken-uploads"
    enabled    = true
    conditions = { prefix = "" }
    abort_multipart_uploads_transition = {
      condition = { type = "Age", max_age = 7 * local.day }
    }
    }], [for prefix, days in local.ages[each.key] : {
    id         = prefix == "" ? "age" : "age of ${prefix}"
    enabled    = true
    conditions = { prefix = prefix }
    delete_objects_transition = {
      condition = { type = "Age", max_age = days * local.day }
    }
  }])
}

resource "cloudflare_logpush_job" "this" {
  count = var.logpush == null ? 0 : 1

  account_id = var.logpush.zone_id == null ? var.account_id : null
  zone_id    = var.logpush.zone_id
  name       = var.name
  dataset    = var.logpush.dataset
  enabled    = true
  filter     = var.logpush.filter

  # For R2 the credentials stand in the destination: there is nothing else that
  # Logpush takes. The token can only write to this bucket. A destination of the kind
  # r2 has no place for a jurisdiction, and finds no bucket in one: that is reached as
  # any other store that speaks S3.
  destination_conf = join("", [
    var.jurisdiction == "default" ? "r2" : "s3",
    "://${cloudflare_r2_bucket.this["logs"].name}/${var.prefix}{DATE}",
    var.jurisdiction == "default" ? "?account-id=${var.account_id}" : "?region=auto",
    "&access-key-id=${cloudflare_account_token.logpush[0].id}",
    "&secret-access-key=${sha256(cloudflare_account_token.logpush[0].value)}",
    var.jurisdiction == "default" ? "" : "&endpoint=${var.account_id}.${var.jurisdiction}.r2.cloudflarestorage.com",
  ])

  max_upload_interval_seconds = var.logpush.max_interval_seconds

  output_options = {
    output_type      = var.logpush.output_type
    field_names      = var.logpush.fields
    timestamp_format = var.logpush.timestamp_format
  }
}
