mock_provider "google" {}

variables {
  project             = "acme"
  name                = "mule-audit"
  resource            = { kind = "service", name = "mule-audit" }
  interval_minutes    = 10
  run_timeout_seconds = 480
  retention_hours     = 720
  dead_subscription   = "mule-audit-dead"
  channels = {
    page   = ["projects/acme/notificationChannels/1"]
    ticket = ["projects/acme/notificationChannels/2"]
  }
}

run "valid" {
  command = plan
}

run "name_in_capitals" {
  command = plan
  variables {
    name = "MuleAudit"
  }
  expect_failures = [var.name]
}

run "kind_nobody_knows" {
  command = plan
  variables {
    resource = { kind = "function", name = "x" }
  }
  expect_failures = [var.resource]
}

run "no_interval" {
  command = plan
  variables {
    interval_minutes = 0
  }
  expect_failures = [var.interval_minutes]
}

run "run_longer_than_an_hour" {
  command = plan
  variables {
    run_timeout_seconds = 3601
  }
  expect_failures = [var.run_timeout_seconds]
}

run "one_missed_run" {
  command = plan
  variables {
    missed_runs = 1
  }
  expect_failures = [var.missed_runs]
}

run "absence_of_more_than_23_5_hours" {
  command = plan
  variables {
    interval_minutes = 480
    lag_minutes      = null
  }
  expect_failures = [var.missed_runs]
}

run "absence_and_hold_of_more_than_25_hours" {
  command = plan
  variables {
    interval_minutes = 400
    lag_minutes      = null
    silent_hours     = null
  }
  expect_failures = [var.missed_runs]
}

run "lag_of_a_healthy_pipeline" {
  command = plan
  variables {
    lag_minutes = 18
  }
  expect_failures = [var.lag_minutes]
}

run "woken_before_told" {
  command = plan
  variables {
    retention_hours = 2
  }
  expect_failures = [var.retention_hours]
}

run "silence_of_a_day" {
  command = plan
  variables {
    silent_hours = 24
  }
  expect_failures = [var.silent_hours]
}

run "channel_by_its_name" {
  command = plan
  variables {
    channels = { page = ["on-call"] }
  }
  expect_failures = [var.channels]
}

run "tile_without_a_widget" {
  command = plan
  variables {
    tiles = ["{\"xPos\":0}"]
  }
  expect_failures = [var.tiles]
}

run "fifty_tiles" {
  command = plan
  variables {
    tiles = [for i in range(43) : "{\"xPos\":0,\"yPos\":${24 + i},\"width\":48,\"height\":1,\"widget\":{}}"]
  }
  assert {
    condition     = length(jsondecode(google_monitoring_dashboard.this.dashboard_json).mosaicLayout.tiles) == 50
    error_message = "the tiles asked for are not on the dashboard"
  }
}

run "fifty_one_tiles" {
  command = plan
  variables {
    tiles = [for i in range(44) : "{\"xPos\":0,\"yPos\":${24 + i},\"width\":48,\"height\":1,\"widget\":{}}"]
  }
  expect_failures = [google_monitoring_dashboard.this]
}
