# package: gcf slshec
# package: oci slshec

data "google_project" "this" {
  project_id = var.project
}

resource "google_project_service" "api" {
  for_each = var.enable_apis ? toset([
    "artifactregistry.googleapis.com",
    "cloudbuild.googleapis.com",
    "cloudfunctions.googleapis.com",
    "cloudresourcemanager.googleapis.com",
    "cloudscheduler.googleapis.com",
    "iam.googleapis.com",
    "logging.googleapis.com",
    "monitoring.googleapis.com",
    "pubsub.googleapis.com",
    "run.googleapis.com",
    "secretmanager.googleapis.com",
    "storage.googleapis.com",
  ]) : []

  project            = var.project
  service            = each.key
  disable_on_destroy = false # others of the project use them too
}

locals {
  labels    = merge(var.labels, { pipeline = var.name })
  scheduled = var.run.on == "schedule"
  account   = { email = google_service_account.run.email, number = google_service_account.run.unique_id }

  # What is empty counts as not set.
  environment = { for k, v in merge(var.settings, module.role.environment, {
    SLS_ENDPOINT   = "${var.sls.region}.log.aliyuncs.com"
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
    LEASE_TTL      = "${var.lease_ttl_seconds}s"
    STATE_URL      = module.state.url
  }) : k => v if v != "" }

  # The project named in the ARN is one of that account and region; the consumer
  # group belongs to the logstore.
  logstore = "acs:log:${var.sls.region}:${var.sls.account_id}:project/${var.sls.project}/logstore/${var.sls.logstore}"
}

# Made here, so that it stays the same, with its rights on Alibaba Cloud, whichever
# way the function runs.
resource "google_service_account" "run" {
  project      = var.project
  account_id   = "${var.name}-run"
  display_name = "${var.name}: runs the function"

  depends_on = [google_project_service.api]
}

module "role" {
  source = "../../modules/google-to-alibaba"

  account_id   = var.sls.account_id
  name         = var.name
  subject      = local.account.number
  fingerprints = var.google_fingerprints

  grants = [{
    actions = [
      "log:GetCursorOrData",
      "log:ListShards",
      "log:CreateConsumerGroup",
      "log:ListConsumerGroup",
      "log:UpdateConsumerGroup",
      "log:ConsumerGroupHeartBeat",
      "log:ConsumerGroupUpdateCheckPoint",
      "log:GetConsumerGroupCheckPoint",
    ]
    resources = [local.logstore, "${local.logstore}/consumergroup/*"]
  }]
}

module "state" {
  source = "../../modules/state-bucket"

  project      = var.project
  name         = "${var.project}-${var.name}-state"
  location     = var.region
  functions    = ["slshec"]
  receipt_days = var.receipt_days
  labels       = local.labels
  writers      = { (var.name) = local.account.email }

  depends_on = [google_project_service.api]
}

module "hec_token" {
  source = "../../modules/secret"

  project         = var.project
  name            = "${var.name}-hec-token"
  value           = var.hec_token
  value_version   = var.hec_token_version
  outside_version = var.hec_token_outside_version
  labels          = local.labels
  accessors       = { (var.name) = local.account.email }

  depends_on = [google_project_service.api]
}

module "function" {
  count  = local.scheduled ? 1 : 0
  source = "../../modules/scheduled-function"

  project             = var.project
  project_number      = data.google_project.this.number
  region              = var.region
  name                = var.name
  function            = "slshec"
  source_archive      = coalesce(var.source_archive, "${path.root}/../../../dist/slshec.zip")
  memory              = var.memory
  interval_minutes    = var.interval_minutes
  lease_ttl_seconds   = var.lease_ttl_seconds
  run_timeout_seconds = var.run_timeout_seconds
  # The time-outs around a run: the platform's half a minute later, and Pub/Sub's
  # at its most.
  timeout_seconds      = var.run_timeout_seconds + 60
  ack_deadline_seconds = 600
  verify               = var.verify
  account              = local.account
  environment          = local.environment
  secrets              = { HEC_TOKEN = module.hec_token.reference }
  labels               = local.labels

  depends_on = [google_project_service.api]
}

module "pool" {
  count  = local.scheduled ? 0 : 1
  source = "../../modules/worker-pool"

  project     = var.project
  region      = var.region
  name        = var.name
  image       = var.run.image
  instances   = var.run.instances
  memory      = var.memory
  verify      = var.verify
  account     = local.account
  environment = local.environment
  secrets     = { HEC_TOKEN = module.hec_token.reference }
  labels      = local.labels

  run_timeout_seconds = var.run_timeout_seconds # of the proof

  depends_on = [google_project_service.api]
}

module "alerts" {
  count  = var.alerts == null ? 0 : 1
  source = "../../modules/pipeline-alerts"

  project             = var.project
  name                = var.name
  resource            = { kind = local.scheduled ? "service" : "worker_pool", name = var.name }
  interval_minutes    = local.scheduled ? var.interval_minutes : 5 # a follower's receipt is finished every five
  run_timeout_seconds = var.run_timeout_seconds
  dead_subscription   = one(module.function[*].dead_subscription)
  verifies            = var.verify != null
  verifier            = one(module.pool[*].verifier)
  lag_minutes         = var.alerts.lag_minutes == 0 ? null : var.alerts.lag_minutes
  silent_hours        = var.alerts.silent_hours == 0 ? null : var.alerts.silent_hours
  retention_hours     = var.sls.ttl_days * 24
  channels            = { page = var.alerts.page, ticket = var.alerts.ticket }

  depends_on = [google_project_service.api]
}
