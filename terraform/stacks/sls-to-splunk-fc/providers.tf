# Takes ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET, or a
# profile, from the environment.
provider "alicloud" {
  region = var.sls.region
}
