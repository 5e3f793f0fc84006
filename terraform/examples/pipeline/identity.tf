# Who may assume the roles: jobs of one repository, by the token that its CI system signs. All conditions are exact except
# one: on GitLab, the subject of a merge request's pipeline contains the branch to be merged.

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  github_host = "token.actions.githubusercontent.com"
  gitlab_host = try(trimprefix(var.gitlab.url, "https://"), null)

  # CI systems by name. `subjects`: the claim `sub` of the tokens that each role takes (GitHub Docs, "OpenID Connect
  # reference"; GitLab Docs, "OpenID Connect (OIDC) Authentication Using ID Tokens").
  systems = merge(
    {
      for github in var.github[*] : "github" => {
        host              = local.github_host
        audience          = "sts.amazonaws.com"
        existing_provider = github.existing_provider
        subjects = {
          # On the branch, one job plans and the next job applies.
          plan  = ["repo:${github.repository}:pull_request", "repo:${github.repository}:ref:refs/heads/${github.branch}"]
          apply = ["repo:${github.repository}:${github.environment == null ? "ref:refs/heads/${github.branch}" : "environment:${github.environment}"}"]
        }
      }
    },
    {
      for gitlab in var.gitlab[*] : "gitlab" => {
        host              = local.gitlab_host
        audience          = gitlab.url
        existing_provider = gitlab.existing_provider
        subjects = {
          plan  = ["project_path:${gitlab.project}:ref_type:branch:ref:*"]
          apply = ["project_path:${gitlab.project}:ref_type:branch:ref:${gitlab.branch}"]
        }
      }
    },
  )
}

resource "aws_iam_openid_connect_provider" "this" {
  for_each = { for system, each in local.systems : system => each if !each.existing_provider }

  url            = "https://${each.value.host}"
  client_id_list = [each.value.audience]
}

data "aws_iam_policy_document" "trust" {
  for_each = local.roles

  dynamic "statement" {
    for_each = local.systems
    iterator = system

    content {
      actions = ["sts:AssumeRoleWithWebIdentity"]

      principals {
        type        = "Federated"
        identifiers = ["arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:oidc-provider/${system.value.host}"]
      }

      condition {
        test     = "StringEquals"
        variable = "${system.value.host}:aud"
        values   = [system.value.audience]
      }

      condition {
        test     = anytrue([for subject in system.value.subjects[each.key] : endswith(subject, "*")]) ? "StringLike" : "StringEquals"
        variable = "${system.value.host}:sub"
        values   = system.value.subjects[each.key]
      }
    }
  }

  lifecycle {
    precondition {
      condition     = length(local.systems) > 0
      error_message = "Set github, gitlab or both. Without them nobody can assume the roles."
    }
  }
}
