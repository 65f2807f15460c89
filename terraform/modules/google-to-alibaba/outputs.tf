output "environment" {
  description = "The function's variables by which it is this role. They are known only once the role has its rights."
  value       = local.environment
  depends_on  = [alicloud_ram_role_policy_attachment.this]
}
