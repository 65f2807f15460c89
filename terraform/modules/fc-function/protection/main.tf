# Refuses to be destroyed while protect is on. What it depends on is destroyed after
# it only, and so not at all. prevent_destroy would say so in the plan already, but
# takes no variable, and could only be turned off by changing the code.

variable "protect" {
  description = "Whether to refuse."
  type        = bool
}

variable "logstores" {
  description = "What is protected, each as PROJECT/LOGSTORE."
  type        = list(string)
}

resource "terraform_data" "this" {
  input = { protect = var.protect, logstores = join(", ", var.logstores) }

  # Under another name a logstore would be deleted and made anew.
  triggers_replace = var.logstores

  provisioner "local-exec" {
    when        = destroy
    environment = { PROTECT = self.input.protect, LOGSTORES = self.input.logstores }
    command     = <<-EOT
      [ "$PROTECT" = false ] && exit 0
      echo "The logstores $LOGSTORES are protected, as they would be deleted with what is in them: set protect = false, apply, and repeat." >&2
      exit 1
    EOT
  }
}

output "protected" {
  description = "What it refuses to have deleted."
  value       = terraform_data.this.input.protect ? split(", ", terraform_data.this.input.logstores) : []
}
