output "apply_policy" {
  description = "Policy document (JSON) of who applies, changes and destroys. It allows what `plan_policy` does, too."
  value       = local.policies.apply

  precondition {
    condition     = length(local.policies.apply) <= 6144
    error_message = "The policy is longer than the 6,144 characters that IAM allows a managed policy: use a shorter name, or fewer identities and configuration sets."
  }
}

output "plan_policy" {
  description = "Policy document (JSON) of who plans: it reads settings, no data, and changes nothing."
  value       = local.policies.plan
}

output "boundary_policy" {
  description = "Policy document (JSON) of a permissions boundary for the functions' roles: the most that the functions ever need. Does not depend on `permissions_boundary`, which can be a policy made of it."
  value = jsonencode({
    Version   = "2012-10-17"
    Statement = [for each in local.boundary : { Effect = "Allow", Action = each.actions, Resource = each.resources }]
  })
}
