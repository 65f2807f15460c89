# Takes CLOUDFLARE_API_TOKEN from the environment.
provider "cloudflare" {}

provider "google" {
  project = var.project
  region  = var.region
}
