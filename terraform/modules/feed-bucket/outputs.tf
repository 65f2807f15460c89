output "name" {
  description = "The bucket's name."
  value       = google_storage_bucket.this.name
}

output "output_url" {
  description = "Where a function writes to. It is known only once the writers may write, so that what starts with it can."
  value       = "gs://${google_storage_bucket.this.name}"
  depends_on  = [google_storage_bucket_iam_member.writer]
}

output "feed_uri" {
  description = "What a SIEM's feed is given. It is known only once the readers may read: a feed is refused before that."
  value       = "gs://${google_storage_bucket.this.name}/"
  depends_on  = [google_storage_bucket_iam_member.reader]
}
