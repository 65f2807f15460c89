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

run "what_runs" {
  command = apply

  variables {
    parallelism = 4
    arguments   = ["verify", "gunzipcsv", "--deep"]
    environment = { SOURCE_URL = "r2://logs" }
    secrets     = { R2_SECRET_ACCESS_KEY = { project = "vault", secret = "r2", version = "3" } }
  }
  assert {
    condition     = google_cloud_run_v2_job.this.template[0].task_count == 8 && google_cloud_run_v2_job.this.template[0].parallelism == 4
    error_message = "the work is shared otherwise"
  }
  assert {
    condition     = google_cloud_run_v2_job.this.template[0].template[0].containers[0].image == "registry/siemfeed@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" && google_cloud_run_v2_job.this.template[0].template[0].containers[0].args == tolist(["verify", "gunzipcsv", "--deep"])
    error_message = "something else runs"
  }
  assert {
    condition     = { for e in google_cloud_run_v2_job.this.template[0].template[0].containers[0].env : e.name => e.value if length(e.value_source) == 0 } == { SOURCE_URL = "r2://logs" } && [for e in google_cloud_run_v2_job.this.template[0].template[0].containers[0].env : [e.name, e.value_source[0].secret_key_ref[0].secret, e.value_source[0].secret_key_ref[0].version] if length(e.value_source) > 0] == [["R2_SECRET_ACCESS_KEY", "projects/vault/secrets/r2", "3"]]
    error_message = "the job gets other variables or secrets"
  }
  assert {
    condition     = output.run_command == "gcloud run jobs execute gunzipcsv-backfill --project=acme --region=europe-west3 --wait"
    error_message = "another job would be run"
  }
}
