# Google vouches for the function, so that there is no key of Alibaba Cloud's to
# keep and to change.
resource "alicloud_ims_oidc_provider" "google" {
  oidc_provider_name  = var.name
  description         = "Google service accounts"
  issuer_url          = local.issuer
  client_ids          = [var.audience]
  fingerprints        = var.fingerprints
  issuance_limit_time = 1 # hours
}

resource "alicloud_ram_role" "this" {
  role_name            = var.name
  description          = "What the Google service account ${var.subject} may be"
  max_session_duration = 3600

  # The audience alone would let in every Google account that can name it.
  assume_role_policy_document = jsonencode({
    Version = "1"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Federated = [local.provider_arn] }
      Condition = {
        StringEquals = {
          "oidc:iss" = local.issuer
          "oidc:aud" = var.audience
          "oidc:sub" = var.subject
        }
      }
    }]
  })

  depends_on = [alicloud_ims_oidc_provider.google]
}

resource "alicloud_ram_policy" "this" {
  policy_name = var.name
  description = "What ${var.name} may do"
  policy_document = jsonencode({
    Version   = "1"
    Statement = [for g in var.grants : { Effect = "Allow", Action = g.actions, Resource = g.resources }]
  })
}

resource "alicloud_ram_role_policy_attachment" "this" {
  role_name   = alicloud_ram_role.this.role_name
  policy_name = alicloud_ram_policy.this.policy_name
  policy_type = "Custom"
}

locals {
  issuer       = "https://accounts.google.com"
  provider_arn = "acs:ram::${var.account_id}:oidc-provider/${var.name}"

  environment = {
    ALIBABA_ROLE_ARN          = "acs:ram::${var.account_id}:role/${alicloud_ram_role.this.role_name}"
    ALIBABA_OIDC_PROVIDER_ARN = local.provider_arn
    ALIBABA_OIDC_AUDIENCE     = var.audience
  }
}
