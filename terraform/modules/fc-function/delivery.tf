resource "alicloud_fcv3_trigger" "run" {
  function_name = alicloud_fcv3_function.this.function_name
  trigger_name  = "run"
  trigger_type  = var.trigger.kind
  qualifier     = "LATEST"

  source_arn      = var.trigger.kind == "log" ? "acs:log:${var.region}:${var.account_id}:project/${var.source_logstore.project}" : null
  invocation_role = var.trigger.kind == "log" ? alicloud_ram_role.trigger[0].arn : null

  trigger_config = var.trigger.kind == "timer" ? jsonencode({
    cronExpression = "@every ${var.trigger.minutes}m"
    payload        = "{}"
    enable         = true
    }) : jsonencode({
    # From the newest log on. Said, since Function Compute answers with it: left out, it
    # would be a difference in every plan.
    sourceConfig      = { logstore = var.source_logstore.logstore, startTime = null }
    jobConfig         = { triggerInterval = var.trigger.seconds, maxRetryTime = var.trigger.max_retries } # a number of times
    functionParameter = {}
    logConfig         = { project = var.log_project, logstore = alicloud_log_store.own.logstore_name }
    enable            = true
  })
}

resource "alicloud_fcv3_trigger" "verify" {
  count = var.verify == null ? 0 : 1

  function_name = alicloud_fcv3_function.this.function_name
  trigger_name  = "verify"
  trigger_type  = "timer"
  qualifier     = "LATEST"

  trigger_config = jsonencode({
    cronExpression = "CRON_TZ=UTC 0 ${var.verify.minute} ${var.verify.hour} * * *"
    payload        = jsonencode({ verify = {} })
    enable         = true
  })
}

# A tick that fails is not repeated: the next one reads the same.
resource "alicloud_fcv3_async_invoke_config" "this" {
  function_name                  = alicloud_fcv3_function.this.function_name
  max_async_retry_attempts       = 0
  max_async_event_age_in_seconds = 600
}

resource "alicloud_log_store" "own" {
  project_name     = var.log_project
  logstore_name    = "${var.name}-log"
  retention_period = var.log_days
  shard_count      = 1
}

resource "alicloud_log_store_index" "own" {
  project  = var.log_project
  logstore = alicloud_log_store.own.logstore_name
  # Bytes of a field that are analysed; the most there are. A record of a run over many
  # shards has more than the 2048 that are the default.
  max_text_len = 16384

  full_text {
    case_sensitive = true
    token          = local.token
  }
  field_search {
    name             = "message"
    type             = "text"
    case_sensitive   = true
    enable_analytics = true
    token            = local.token
  }
}

resource "alicloud_log_store" "target" {
  count = var.target == null ? 0 : 1

  project_name     = var.target.project
  logstore_name    = var.target.logstore
  retention_period = var.target.retention_days
  shard_count      = var.target.shards
  auto_split       = true
  # Of a split there is no more than this.
  max_split_shard_count = 64
  append_meta           = true
}

resource "alicloud_log_store_index" "target" {
  count = var.target == null ? 0 : 1

  project  = var.target.project
  logstore = alicloud_log_store.target[0].logstore_name
  # The default, said: what the service answers would be taken away in every plan.
  max_text_len = 2048

  full_text {
    case_sensitive = false
    token          = local.token
  }
  dynamic "field_search" {
    for_each = toset(var.target.fields)
    content {
      name             = field_search.value
      type             = "text"
      enable_analytics = true
      token            = local.token
    }
  }
}

# The Log Service deletes a logstore with all that is in it, and knows no protection
# of its own. This goes before all else does: a destroy that is refused has taken
# nothing down.
module "protection" {
  source = "./protection"

  protect   = var.protect
  logstores = concat(["${var.log_project}/${var.name}-log"], var.target == null ? [] : ["${var.target.project}/${var.target.logstore}"])

  depends_on = [
    alicloud_fcv3_async_invoke_config.this,
    alicloud_fcv3_trigger.run,
    alicloud_fcv3_trigger.verify,
    alicloud_log_dashboard.this,
    alicloud_log_store_index.own,
    alicloud_log_store_index.target,
    alicloud_oss_bucket_public_access_block.this,
    alicloud_ram_role_policy_attachment.run,
    alicloud_ram_role_policy_attachment.trigger,
    alicloud_sls_alert.this,
  ]
}

locals {
  token = ", '\";=()[]{}?@&<>/:\n\t\r"
}
