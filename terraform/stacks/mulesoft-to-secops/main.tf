# package: gcf muleaudit

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
  labels        = merge(var.labels, { pipeline = var.name })
  bucket_prefix = coalesce(var.bucket_prefix, "${var.project}-${var.name}")

  environment = merge(var.settings, {
    MULE_ORG_ID          = join(",", var.anypoint.org_ids)
    MULE_INCLUDE_SUBORGS = tostring(var.anypoint.include_suborgs)
    MULE_CONTROL_PLANE   = var.anypoint.control_plane
    CLIENT_ID            = var.anypoint.client_id
    OUTPUT_URL           = module.feed.output_url
    STATE_URL            = module.state.url
    MULE_FEED_DELETES    = tostring(try(var.secops.deletes, false))
  })
}

module "feed" {
  source = "../../modules/feed-bucket"

  project     = var.project
  name        = "${local.bucket_prefix}-feed"
  location    = var.region
  expire_days = var.expire_days
  retention   = var.retention
  labels      = local.labels

  writers = { (var.name) = module.function.run_account }
  readers = var.secops == null ? {} : {
    secops = { email = var.secops.service_account, deletes = var.secops.deletes }
  }

  depends_on = [google_project_service.api]
}

module "state" {
  source = "../../modules/state-bucket"

  project      = var.project
  name         = "${local.bucket_prefix}-state"
  location     = var.region
  functions    = ["muleaudit"]
  receipt_days = var.receipt_days
  labels       = local.labels

  writers = { (var.name) = module.function.run_account }

  depends_on = [google_project_service.api]
}

module "client_secret" {
  source = "../../modules/secret"

  project         = var.project
  name            = "${var.name}-client-secret"
  value           = var.client_secret
  value_version   = var.client_secret_version
  outside_version = var.client_secret_outside_version
  labels          = local.labels

  accessors = { (var.name) = module.function.run_account }

  depends_on = [google_project_service.api]
}

module "function" {
  source = "../../modules/scheduled-function"

  project             = var.project
  project_number      = data.google_project.this.number
  region              = var.region
  name                = var.name
  function            = "muleaudit"
  source_archive      = coalesce(var.source_archive, "${path.root}/../../../dist/muleaudit.zip")
  memory              = var.memory
  interval_minutes    = var.interval_minutes
  run_timeout_seconds = var.run_timeout_seconds
  # The time-outs around a run: the platform's half a minute later, and Pub/Sub's
  # at its most.
  timeout_seconds      = var.run_timeout_seconds + 60
  ack_deadline_seconds = 600
  verify               = var.verify
  environment          = local.environment
  secrets              = { CLIENT_SECRET = module.client_secret.reference }
  labels               = local.labels

  depends_on = [google_project_service.api]
}

module "alerts" {
  count  = var.alerts == null ? 0 : 1
  source = "../../modules/pipeline-alerts"

  project             = var.project
  name                = var.name
  resource            = { kind = "service", name = module.function.name }
  interval_minutes    = module.function.interval_minutes
  run_timeout_seconds = module.function.run_timeout_seconds
  dead_subscription   = module.function.dead_subscription
  verifies            = module.function.verifies
  lag_minutes         = var.alerts.lag_minutes == 0 ? null : var.alerts.lag_minutes
  silent_hours        = var.alerts.silent_hours == 0 ? null : var.alerts.silent_hours
  retention_hours     = var.alerts.retention_hours == 0 ? null : var.alerts.retention_hours
  channels            = { page = var.alerts.page, ticket = var.alerts.ticket }

  depends_on = [google_project_service.api]
}
