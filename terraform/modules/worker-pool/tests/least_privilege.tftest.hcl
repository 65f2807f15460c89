mock_provider "google" {
  override_resource {
    target = google_service_account.run
    values = { email = "run@acme.iam.gserviceaccount.com", unique_id = "111222333" }
  }
  # One e-mail for all would hide that two are mixed up.
  override_resource {
    target = google_service_account.push
    values = { email = "push@acme.iam.gserviceaccount.com", unique_id = "444555666" }
  }
  override_resource {
    target = google_cloud_run_v2_service.verify
    values = { uri = "https://slshec-verify-x.run.app" }
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

run "only_the_schedule_asks_for_the_proof" {
  command = apply

  assert {
    condition     = google_cloud_run_v2_service_iam_member.push_invokes[0].member == "serviceAccount:push@acme.iam.gserviceaccount.com" && google_cloud_run_v2_service_iam_member.push_invokes[0].role == "roles/run.invoker" && google_cloud_run_v2_service_iam_member.push_invokes[0].name == "slshec-verify" && google_service_account.push[0].account_id == "slshec-push"
    error_message = "others may call the service, or the schedule may do more"
  }
  assert {
    condition     = google_cloud_run_v2_service.verify[0].ingress == "INGRESS_TRAFFIC_INTERNAL_ONLY" && google_cloud_run_v2_service.verify[0].invoker_iam_disabled != true
    error_message = "the service can be reached from the internet, or by everybody"
  }
  assert {
    condition     = google_cloud_run_v2_service.verify[0].template[0].service_account != google_service_account.push[0].email
    error_message = "who asks for the proof is who runs, and so may read the source and its secrets"
  }
}
