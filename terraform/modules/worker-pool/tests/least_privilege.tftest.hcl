mock_provider "google" {
  override_resource {
    target = google_service_account.run
    values = { email = "run@acme.iam.gserviceaccount.com", unique_id = "111222333" }
  }
}

variables {
  project = "acme"
  region  = "europe-west3"
  name    = "slshec"
  image   = "europe-west3-docker.pkg.dev/acme/siemfeed/slshec@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
}

run "an_account_of_its_own_without_rights" {
  command = apply

  assert {
    condition     = google_service_account.run[0].account_id == "slshec-run" && google_service_account.run[0].project == "acme"
    error_message = "the pool shares an account"
  }
  assert {
    condition     = alltrue([for e in google_cloud_run_v2_worker_pool.this.template[0].containers[0].env : !can(regex("(KEY|SECRET|TOKEN)", e.name))])
    error_message = "a secret is a plain variable"
  }
}
