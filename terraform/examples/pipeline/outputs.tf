output "role_arns" {
  description = "ARNs of the roles, `plan` and `apply`."
  value       = { for purpose, role in aws_iam_role.this : purpose => role.arn }

  # A role is ready once it may do what it is for.
  depends_on = [aws_iam_role_policy_attachment.this, aws_iam_role_policy.state]
}

output "permissions_boundary" {
  description = "ARN of the policy that each function's role must have as its permissions boundary."
  value       = aws_iam_policy.boundary.arn
}

output "backend" {
  description = "The block that belongs into the root that is deployed, which needs Terraform 1.10 or later for it."
  value       = <<-EOT
    terraform {
      required_version = ">= 1.10"

      backend "s3" {
        bucket       = "${aws_s3_bucket.state.bucket}"
        key          = "${local.state_key}"
        region       = "${split(".", data.aws_region.current.endpoint)[1]}"
        encrypt      = true
        use_lockfile = true
      }
    }
  EOT
}

data "aws_region" "current" {}
