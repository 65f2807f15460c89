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

run "as_the_function_and_nobody_else" {
  command = apply

  assert {
    condition     = google_cloud_run_v2_job.this.template[0].template[0].service_account == "run@acme.iam.gserviceaccount.com"
    error_message = "the job runs as another account"
  }
}
