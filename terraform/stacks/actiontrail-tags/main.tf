# package: fc trailtags

locals {
  # What is empty counts as not set, but for TAG_PREFIX.
  environment = merge(var.settings, {
    SLS_ENDPOINT        = "${var.region}-intranet.log.aliyuncs.com"
    SLS_PROJECT         = var.source_logstore.project
    SLS_LOGSTORE        = var.source_logstore.logstore
    SLS_CG              = var.source_logstore.consumer_group
    SLS_TARGET_PROJECT  = var.target.project
    SLS_TARGET_LOGSTORE = var.target.logstore
    ADMIN_ACCOUNT_ID    = var.admin.account_id
    RESOURCE_AK_ID      = var.admin.key_id
    ROLE_NAME           = var.admin.role
  })
  prefix = lookup(var.settings, "TAG_PREFIX", "tag_")
  fields = [
    "eventId", "eventName", "eventRW", "eventSource", "eventTime", "eventType", "acsRegion",
    "serviceName", "resourceType", "resourceName", "accountId", "principalId", "userName",
    "userType", "tagStatus", "resourceIndex", "resourceCount",
  ]
}

module "function" {
  source = "../../modules/fc-function"

  account_id          = var.account_id
  region              = var.region
  name                = var.name
  function            = "trailtags"
  archive             = coalesce(var.archive, "${path.root}/../../../dist/trailtags-fc.zip")
  bucket_prefix       = var.bucket_prefix
  source_logstore     = { project = var.source_logstore.project, logstore = var.source_logstore.logstore }
  retention_hours     = try(var.source_logstore.ttl_days * 24, null)
  log_project         = var.target.project
  trigger             = var.trigger
  verify              = var.verify
  run_timeout_seconds = var.run_timeout_seconds
  memory_mb           = var.memory_mb
  receipt_days        = var.receipt_days
  alerts              = var.alerts
  protect             = var.protect
  environment         = merge(local.environment, { RESOURCE_AK_KEY = var.admin_key })

  target = {
    project        = var.target.project
    logstore       = var.target.logstore
    retention_days = var.target.retention_days
    shards         = var.target.shards
    fields         = concat(local.fields, [for key in var.target.tags : "${local.prefix}${key}"])
  }
  # It writes the target, and reads it to prove that each row is there.
  grants = [{
    actions   = ["log:PostLogStoreLogs", "log:GetCursorOrData", "log:ListShards"]
    resources = ["acs:log:${var.region}:${var.account_id}:project/${var.target.project}/logstore/${var.target.logstore}"]
  }]
}
