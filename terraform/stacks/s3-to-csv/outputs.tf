output "next_steps" {
  description = "What to do after the first apply."
  value       = <<-EOT
    1. ${var.source_bucket.exists ? "Turn EventBridge on for ${var.source_bucket.name}, if it is not (S3, bucket, Properties, Amazon EventBridge). It takes nothing from other notifications of the bucket." : "Let Logpush, or what else writes logs, write to s3://${var.source_bucket.name}/${var.source_bucket.prefix}."}
    2. Have everything checked that a run needs:
         terraform output -raw doctor_env > gunzipcsv.env
         go run ./scripts/siemfeed doctor gunzipcsv --env-file gunzipcsv.env
    3. Put an object there, and look for its record "run finished":
         ${module.logs.logs_url}
    4. Convert what was there before:
         go run ./scripts/siemfeed backfill gunzipcsv --env-file gunzipcsv.env
    5. Mount s3://${module.logs.csv_bucket} read-only on the server of the SIEM: functions/gunzipcsv/README.md, "The last step".
    6. ${var.alarms == null ? "Nobody is told when it breaks: set alarms." : length(concat(var.alarms.page, var.alarms.ticket)) == 0 ? "Nobody is told when it breaks: give alarms SNS topics." : "Look at the dashboard: ${module.logs.dashboard_url}"}
  EOT
}

output "doctor_env" {
  description = "The function's variables, for --env-file; none is secret."
  value       = join("", [for k, v in module.logs.environment : "${k}=${v}\n"])
}

output "logs_url" {
  description = "The function's log."
  value       = module.logs.logs_url
}

output "dashboard_url" {
  description = "The dashboard; null without alarms."
  value       = module.logs.dashboard_url
}

output "verify_command" {
  description = "Asks for the proof at once, from a checkout: every gap by name."
  value       = "terraform output -raw doctor_env > gunzipcsv.env && go run ./scripts/siemfeed verify gunzipcsv --env-file gunzipcsv.env"
}

output "csv_bucket" {
  description = "Bucket of the CSV objects, for the SIEM."
  value       = module.logs.csv_bucket
}
