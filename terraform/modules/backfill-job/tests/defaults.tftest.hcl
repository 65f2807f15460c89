mock_provider "google" {}

variables {
  project   = "acme"
  region    = "europe-west3"
  name      = "gunzipcsv-backfill"
  image     = "registry/siemfeed@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
  account   = "run@acme.iam.gserviceaccount.com"
  arguments = ["backfill", "gunzipcsv"]
  tasks     = 8
}

run "a_task_that_dies_is_repeated" {
  command = apply

  assert {
    condition     = google_cloud_run_v2_job.this.template[0].template[0].max_retries == 3 && google_cloud_run_v2_job.this.template[0].template[0].timeout == "86400s" && google_cloud_run_v2_job.this.template[0].template[0].containers[0].resources[0].limits == tomap({ cpu = "1", memory = "512Mi" })
    error_message = "a task is not repeated, or has another time or size"
  }
  assert {
    condition     = google_cloud_run_v2_job.this.deletion_protection == false
    error_message = "destroy would stop half-way"
  }
}
