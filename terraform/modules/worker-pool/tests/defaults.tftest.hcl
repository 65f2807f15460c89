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

run "what_costs_money" {
  command = apply

  assert {
    condition     = google_cloud_run_v2_worker_pool.this.scaling[0].manual_instance_count == 1 && google_cloud_run_v2_worker_pool.this.template[0].containers[0].resources[0].limits == tomap({ cpu = "1", memory = "512Mi" })
    error_message = "the pool is of another size"
  }
  assert {
    condition     = google_cloud_run_v2_worker_pool.this.deletion_protection == false
    error_message = "destroy would stop half-way"
  }
}
