locals {
  environment = merge(var.environment, {
    RUN_TIMEOUT = "${var.run_timeout_seconds}s"
    LEASE_TTL   = "${var.lease_ttl_seconds}s"
    STATE_URL   = "oss://${var.bucket_prefix}-state?region=${var.region}&internal=true"
  })
  function_arn = "acs:fc:${var.region}:${var.account_id}:functions/${var.name}"
  logstore = { for k, at in {
    source = "project/${var.source_logstore.project}/logstore/${var.source_logstore.logstore}"
    own    = "project/${var.log_project}/logstore/${var.name}-log"
  } : k => "acs:log:${var.region}:${var.account_id}:${at}" }
}

# Without versioning: OSS ignores there what has to be created only once.
resource "alicloud_oss_bucket" "state" {
  bucket        = "${var.bucket_prefix}-state"
  force_destroy = false

  # Only receipts go by age: the rest is what exactly-once rests on.
  dynamic "lifecycle_rule" {
    for_each = ["${var.function}/receipts/", "${var.function}/verify/"]
    content {
      id      = replace(lifecycle_rule.value, "/", "-")
      prefix  = lifecycle_rule.value
      enabled = true
      expiration {
        days = var.receipt_days
      }
    }
  }
  lifecycle_rule {
    id      = "broken-uploads"
    prefix  = ""
    enabled = true
    abort_multipart_upload {
      days = 7
    }
  }
}

resource "alicloud_oss_bucket" "code" {
  bucket        = "${var.bucket_prefix}-code"
  force_destroy = true # what lies here can be packaged again
}

resource "alicloud_oss_bucket_public_access_block" "this" {
  for_each = { state = alicloud_oss_bucket.state.bucket, code = alicloud_oss_bucket.code.bucket }

  bucket              = each.value
  block_public_access = true
}

# Function Compute never tells what code it has, so that only another name makes
# another deployment.
resource "alicloud_oss_bucket_object" "code" {
  bucket = alicloud_oss_bucket.code.bucket
  key    = "${var.function}-${filesha256(var.archive)}.zip"
  source = var.archive
}

resource "alicloud_fcv3_function" "this" {
  function_name = var.name
  description   = "siemfeed: ${var.function}"
  role          = alicloud_ram_role.run.arn

  runtime              = "custom.debian12"
  handler              = "bootstrap" # asked for, and not used by custom runtimes
  cpu                  = var.memory_mb / 1024
  memory_size          = var.memory_mb
  disk_size            = 512
  timeout              = var.run_timeout_seconds + 30
  instance_concurrency = 1
  internet_access      = true

  environment_variables = local.environment

  code {
    oss_bucket_name = alicloud_oss_bucket.code.bucket
    oss_object_name = alicloud_oss_bucket_object.code.key
  }
  custom_runtime_config {
    port = 9000
  }
  log_config {
    project                 = var.log_project
    logstore                = alicloud_log_store.own.logstore_name
    enable_request_metrics  = true
    enable_instance_metrics = true
    log_begin_rule          = "None"
  }

  lifecycle {
    precondition {
      condition     = sum([for k, v in local.environment : length(k) + length(v)]) <= 4096
      error_message = "Function Compute takes 4 KB of environment variables at most, names and values together."
    }
  }
  depends_on = [alicloud_ram_role_policy_attachment.run]
}
