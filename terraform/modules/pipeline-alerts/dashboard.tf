locals {
  sum_of = { for m in ["in", "out", "filtered", "quarantined"] : m => "sum(increase(${local.series}_${m}_sum{${local.selector}}[$${__interval}]))" }

  own_tiles = [
    {
      xPos = 0, yPos = 0, width = 16, height = 8
      widget = {
        title = "Freshness: seconds since the last success"
        xyChart = { dataSets = [{ plotType = "LINE", timeSeriesQuery = {
          # A result's timestamp is when it was asked for; the subquery asks for each minute of the day.
          prometheusQuery = "time() - max(max_over_time(timestamp(increase(${local.series}_runs{${local.selector},status=~\"ok|partial\"}[2m]) > 0)[1d:1m]))"
        } }] }
      }
    },
    {
      xPos = 16, yPos = 0, width = 16, height = 8
      widget = {
        title = "Lag of the oldest checkpoint, seconds"
        xyChart = { dataSets = [{ plotType = "LINE", timeSeriesQuery = {
          prometheusQuery = "sum(increase(${local.series}_lag_sum{${local.selector}}[$${__interval}])) / sum(increase(${local.series}_lag_count{${local.selector}}[$${__interval}]))"
        } }] }
      }
    },
    {
      xPos = 32, yPos = 0, width = 16, height = 8
      widget = {
        title = "Last proof: findings, and proofs made"
        xyChart = { dataSets = [
          { plotType = "LINE", legendTemplate = "findings", timeSeriesQuery = { prometheusQuery = "sum(increase(${local.series}_findings_sum{${local.proven}}[1d]))" } },
          { plotType = "LINE", legendTemplate = "proofs", timeSeriesQuery = { prometheusQuery = "sum(increase(${local.series}_proofs{${local.proven}}[1d]))" } },
        ] }
      }
    },
    {
      xPos = 0, yPos = 8, width = 24, height = 8
      widget = {
        title = "Records: in = out + filtered + quarantined"
        xyChart = { dataSets = [for m, query in local.sum_of : {
          plotType = m == "in" ? "LINE" : "STACKED_AREA", legendTemplate = m, timeSeriesQuery = { prometheusQuery = query }
        }] }
      }
    },
    {
      xPos = 24, yPos = 8, width = 24, height = 8
      widget = {
        title = "Runs by status and code"
        xyChart = { dataSets = [{ plotType = "STACKED_BAR", timeSeriesQuery = {
          prometheusQuery = "sum by (status, code) (increase(${local.series}_runs{${local.selector}}[$${__interval}]))"
        } }] }
      }
    },
    {
      xPos = 0, yPos = 16, width = 24, height = 8
      widget = {
        title = "Time of runs against their budget, seconds"
        xyChart = {
          dataSets = [{ plotType = "LINE", timeSeriesQuery = {
            prometheusQuery = "sum(increase(${local.series}_seconds_sum{${local.selector}}[$${__interval}])) / sum(increase(${local.series}_seconds_count{${local.selector}}[$${__interval}]))"
          } }]
          thresholds = [{ label = "RUN_TIMEOUT", value = var.run_timeout_seconds }]
        }
      }
    },
    {
      xPos = 24, yPos = 16, width = 24, height = 8
      widget = {
        title = "Warnings and errors"
        logsPanel = {
          filter        = "${local.of_both} AND severity>=WARNING"
          resourceNames = ["projects/${var.project}"]
        }
      }
    },
  ]
  # The API leaves a position of 0 out of what it gives back, and every plan would want
  # to put it in again.
  tiles = [for tile in concat([for t in local.own_tiles : jsonencode(t)], var.tiles) :
    { for k, v in jsondecode(tile) : k => v if !(contains(["xPos", "yPos"], k) && v == 0) }
  ]
}

resource "google_monitoring_dashboard" "this" {
  project = var.project
  dashboard_json = jsonencode({
    displayName  = "siemfeed ${var.name}"
    mosaicLayout = { columns = 48, tiles = local.tiles }
  })

  lifecycle {
    precondition {
      condition     = length(local.tiles) <= 50
      error_message = "A dashboard has 50 tiles at most; the module's own are ${length(local.own_tiles)}."
    }
  }
}
