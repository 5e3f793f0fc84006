output "role_arns" {
  description = "ARNs of the roles, `plan` and `apply`."
  value       = { for purpose, role in aws_iam_role.this : purpose => role.arn }

  # A role is ready once it has its policies.
  depends_on = [aws_iam_role_policy_attachment.this, aws_iam_role_policy.state]
}

output "permissions_boundary" {
  description = "ARN of the policy that each function's role must have as its permissions boundary."
  value       = aws_iam_policy.boundary.arn
}

output "backend" {
  description = "The backend block for the root that the pipeline deploys. It needs Terraform 1.10 or later."
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
