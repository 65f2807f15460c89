output "run_command" {
  description = "Runs the job, and waits for its end."
  value       = "gcloud run jobs execute ${google_cloud_run_v2_job.this.name} --project=${var.project} --region=${var.region} --wait"
}
