output "apply_policy" {
  description = "Policy document (JSON) for a role that applies, changes and destroys. It includes everything in `plan_policy`."
  value       = local.policies.apply

  precondition {
    condition     = length(local.policies.apply) <= 6144
    error_message = "The policy is longer than 6,144 characters, IAM's limit for a managed policy. Use a shorter name, or fewer identities and configuration sets."
  }
}

output "plan_policy" {
  description = "Policy document (JSON) for a role that plans. It reads settings, reads no data and changes nothing."
  value       = local.policies.plan
}

output "boundary_policy" {
  description = "Policy document (JSON) of a permissions boundary for the functions' roles: the most that the functions ever need. You can make `permissions_boundary` from it."
  value = jsonencode({
    Version   = "2012-10-17"
    Statement = [for each in local.boundary : { Effect = "Allow", Action = each.actions, Resource = each.resources }]
  })
}
