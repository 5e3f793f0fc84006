output "apply_policies" {
  description = "Policy documents (JSON) for a role that applies, changes and destroys: attach all of them. They include everything in `plan_policies`."
  value       = local.policies.apply

  precondition {
    condition     = local.count <= local.maximum_count
    error_message = "A role needs ${local.count} of these policies, and IAM lets it have ${local.maximum_count}. Name fewer identities and configuration sets in ses; deploy the others with another role, from another call of this module."
  }
}

output "plan_policies" {
  description = "Policy documents (JSON) for a role that plans: attach all of them. They read settings, read no data and change nothing."
  value       = local.policies.plan
}

output "boundary_policy" {
  description = "Policy document (JSON) of a permissions boundary for the functions' roles: the most that the functions in use ever need. Create the policy NAME-boundary from it, or another that you name in `permissions_boundary`."
  value = jsonencode({
    Version   = "2012-10-17"
    Statement = [for each in local.boundary : { Effect = "Allow", Action = each.actions, Resource = each.resources }]
  })
}
