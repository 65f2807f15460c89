# package: gcf gunzipcsv

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
  labels  = merge(var.labels, { pipeline = var.name })
  columns = length(var.csv.columns) > 0 ? var.csv.columns : try(var.logpush.fields, [])

  secrets = merge(
    { R2_SECRET_ACCESS_KEY = module.r2_secret.reference },
    var.push == null ? { CF_API_TOKEN = module.queue_token[0].reference } : {},
    var.push != null ? { FUNCTION_TOKEN = module.push_token[0].reference } : {},
  )
  environment = merge(var.settings, module.logs.environment, { CSV_HEADER = tostring(var.csv.header) },
  length(local.columns) == 0 ? {} : { CSV_COLUMNS = join(",", local.columns) })
}

module "logs" {
  source = "../../modules/r2-logs"

  account_id          = var.account_id
  name                = var.name
  jurisdiction        = var.jurisdiction
  prefix              = var.prefix
  expire_days         = var.expire_days
  logpush             = var.logpush
  run_timeout_seconds = var.run_timeout_seconds

  push = var.push == null ? null : {
    batch_size      = var.push.batch_size
    wait_seconds    = var.push.wait_seconds
    concurrency     = var.push.concurrency
    verify_schedule = try(var.verify.schedule, null)
  }
  function_url   = var.push == null ? null : module.function.uri
  function_token = var.push == null ? null : var.push_token
}

# A token's value is in this configuration's state, since Cloudflare's provider makes
# it; on Google's side it is in none.
module "r2_secret" {
  source = "../../modules/secret"

  project       = var.project
  name          = "${var.name}-r2-secret"
  value         = module.logs.secrets.R2_SECRET_ACCESS_KEY
  value_version = module.logs.secret_versions.R2_SECRET_ACCESS_KEY
  labels        = local.labels
  accessors     = { (var.name) = module.function.run_account }

  depends_on = [google_project_service.api]
}

module "queue_token" {
  count  = var.push == null ? 1 : 0
  source = "../../modules/secret"

  project       = var.project
  name          = "${var.name}-queue-token"
  value         = module.logs.secrets.CF_API_TOKEN
  value_version = module.logs.secret_versions.CF_API_TOKEN
  labels        = local.labels
  accessors     = { (var.name) = module.function.run_account }

  depends_on = [google_project_service.api]
}

moved {
  from = module.queue_token
  to   = module.queue_token[0]
}

module "push_token" {
  count  = var.push == null ? 0 : 1
  source = "../../modules/secret"

  project = var.project
  name    = "${var.name}-push-token"
  value   = var.push_token
  # Another token is another version. These 32 bits of a hash tell nobody which.
  value_version = 1 + parseint(substr(sha256(nonsensitive(var.push_token)), 0, 8), 16)
  labels        = local.labels
  accessors     = { (var.name) = module.function.run_account }

  depends_on = [google_project_service.api]
}

module "function" {
  source = "../../modules/scheduled-function"

  project             = var.project
  project_number      = data.google_project.this.number
  region              = var.region
  name                = var.name
  function            = "gunzipcsv"
  source_archive      = coalesce(var.source_archive, "${path.root}/../../../dist/gunzipcsv.zip")
  memory              = var.memory
  max_instances       = var.max_instances
  interval_minutes    = var.interval_minutes
  run_timeout_seconds = var.run_timeout_seconds
  # The time-outs around a run: the platform's half a minute later, and Pub/Sub's
  # at its most.
  timeout_seconds      = var.run_timeout_seconds + 60
  ack_deadline_seconds = 600
  verify               = var.verify
  open                 = var.push != null
  environment          = local.environment
  secrets              = local.secrets
  labels               = local.labels

  depends_on = [google_project_service.api]
}

module "backfill" {
  count  = var.backfill == null ? 0 : 1
  source = "../../modules/backfill-job"

  project     = var.project
  region      = var.region
  name        = "${var.name}-backfill"
  image       = var.backfill.image
  tasks       = var.backfill.tasks
  account     = module.function.run_account
  arguments   = ["backfill", "gunzipcsv"]
  environment = local.environment
  secrets     = { for name, reference in local.secrets : name => reference if name != "FUNCTION_TOKEN" } # nobody calls a job
  labels      = local.labels

  depends_on = [google_project_service.api]
}

module "alerts" {
  count  = var.alerts == null ? 0 : 1
  source = "../../modules/pipeline-alerts"

  project  = var.project
  name     = var.name
  resource = { kind = "service", name = module.function.name }
  # What is pushed runs when logs come, and not before.
  interval_minutes    = var.push == null ? module.function.interval_minutes : var.push.quiet_minutes
  run_timeout_seconds = module.function.run_timeout_seconds
  dead_subscription   = module.function.dead_subscription
  verifies            = module.function.verifies
  lag_minutes         = var.alerts.lag_minutes == 0 ? null : var.alerts.lag_minutes
  silent_hours        = var.alerts.silent_hours == 0 ? null : var.alerts.silent_hours
  retention_hours     = module.logs.retention_hours
  channels            = { page = var.alerts.page, ticket = var.alerts.ticket }

  depends_on = [google_project_service.api]
}
