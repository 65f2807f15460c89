output "name" {
  description = "The bucket's name."
  value       = google_storage_bucket.this.name
}

output "url" {
  description = "STATE_URL. It is known only once the writers may write, so that what starts with it can."
  value       = "gs://${google_storage_bucket.this.name}"
  depends_on  = [google_storage_bucket_iam_member.writer]
}
