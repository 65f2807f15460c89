# package: fc slshec

locals {
  # What is empty counts as not set.
  environment = { for k, v in merge(var.settings, {
    SLS_ENDPOINT   = "${var.sls.region}-intranet.log.aliyuncs.com"
    SLS_PROJECT    = var.sls.project
    SLS_LOGSTORE   = var.sls.logstore
    SLS_CG         = var.sls.consumer_group
    HEC_URL        = join(",", var.splunk.urls)
    HEC_INDEX      = var.splunk.index
    HEC_SOURCETYPE = var.splunk.sourcetype
    HEC_SOURCE     = var.splunk.source
    HEC_HOST       = var.splunk.host
    HEC_JSON_KEYS  = join(",", var.splunk.json_keys)
    HEC_FIELDS     = join(",", [for k, v in var.splunk.fields : "${k}=${v}"])
    HEC_ACK        = tostring(var.splunk.ack)
  }) : k => v if v != "" }
}

# The target is Splunk: it makes no logstore but that of its own log, and needs no
# right besides those of every function that reads one.
module "function" {
  source = "../../modules/fc-function"

  account_id          = var.sls.account_id
  region              = var.sls.region
  name                = var.name
  function            = "slshec"
  archive             = coalesce(var.archive, "${path.root}/../../../dist/slshec-fc.zip")
  bucket_prefix       = var.bucket_prefix
  source_logstore     = { project = var.sls.project, logstore = var.sls.logstore }
  retention_hours     = var.sls.ttl_days * 24
  log_project         = coalesce(var.log_project, var.sls.project)
  trigger             = var.trigger
  verify              = var.verify
  run_timeout_seconds = var.run_timeout_seconds
  memory_mb           = var.memory_mb
  receipt_days        = var.receipt_days
  alerts              = var.alerts
  protect             = var.protect
  environment         = merge(local.environment, { HEC_TOKEN = var.hec_token })
}
