output "name" {
  description = "Id of the secret."
  value       = google_secret_manager_secret.this.secret_id
}

output "reference" {
  description = "What a function or worker pool is given: project, secret and version. It is known only once the accessors may read it, so that what starts with it can."
  value = {
    project = var.project
    secret  = google_secret_manager_secret.this.secret_id
    version = var.outside_version == null ? google_secret_manager_secret_version.this[0].version : tostring(var.outside_version)
  }
  depends_on = [google_secret_manager_secret_iam_member.accessor]
}
