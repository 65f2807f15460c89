locals {
  made = merge({ csv = local.names.csv, state = local.names.state }, var.source_bucket.exists ? {} : { source = local.names.source })
  # Age after which what is below a prefix goes.
  ages = {
    csv    = var.csv_expire_days == null ? {} : { "" = var.csv_expire_days }
    state  = { "gunzipcsv/receipts/" = var.receipt_days, "gunzipcsv/verify/" = var.receipt_days }
    source = var.source_bucket.expire_days == null ? {} : { "" = var.source_bucket.expire_days }
  }
}

resource "aws_s3_bucket" "this" {
  for_each = local.made

  bucket        = each.value
  force_destroy = false
}

resource "aws_s3_bucket_public_access_block" "this" {
  for_each = aws_s3_bucket.this

  bucket                  = each.value.bucket
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.bucket
  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

# Of the state only receipts go by age: the rest is what exactly-once rests on.
resource "aws_s3_bucket_lifecycle_configuration" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.bucket

  rule {
    id     = "broken-uploads"
    status = "Enabled"
    filter {
      prefix = ""
    }
    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }
  dynamic "rule" {
    for_each = local.ages[each.key]
    content {
      id     = "age-${replace(rule.key, "/", "-")}"
      status = "Enabled"
      filter {
        prefix = rule.key
      }
      expiration {
        days = rule.value
      }
    }
  }
}
