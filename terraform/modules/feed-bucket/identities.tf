# Objects are created once and never changed: a function has no right to.
resource "google_storage_bucket_iam_member" "writer" {
  for_each = merge([for name, email in var.writers : {
    "${name} creates" = { email = email, role = "roles/storage.objectCreator" }
    "${name} looks"   = { email = email, role = "roles/storage.objectViewer" }
  }]...)

  bucket = google_storage_bucket.this.name
  role   = each.value.role
  member = "serviceAccount:${each.value.email}"
}

# The two roles that a feed of the kind Google Cloud Storage V2 asks for. Legacy
# roles are a bucket's and never a folder's, which is why the feed has a bucket of
# its own.
resource "google_storage_bucket_iam_member" "reader" {
  for_each = merge([for name, r in var.readers : {
    "${name} reads" = { email = r.email, role = "roles/storage.objectViewer" }
    "${name} lists" = { email = r.email, role = r.deletes ? "roles/storage.legacyBucketWriter" : "roles/storage.legacyBucketReader" }
  }]...)

  bucket = google_storage_bucket.this.name
  role   = each.value.role
  member = "serviceAccount:${each.value.email}"
}
