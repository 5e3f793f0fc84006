variable "name" {
  description = "The variable `name` of the stack that the pipeline deploys."
  type        = string
  default     = "mailing"
}

variable "modules" {
  description = "Which of the modules `lookup`, `changes` and `monitoring` the stack has beside module feedback."
  type        = set(string)
  default     = []
}

variable "ses" {
  description = "Identities and configuration sets that the pipeline deploys: the keys of module ses's variables."
  type = object({
    identities         = optional(set(string), []) # Domains and addresses. The policy also allows creating them.
    configuration_sets = optional(set(string), []) # Names of configuration sets. The policy also allows creating them.
  })
  default = {}
}

variable "role_path" {
  description = "Path of the pipeline's two roles. A change replaces the roles."
  type        = string
  default     = "/"
  nullable    = false

  validation {
    condition     = can(regex("^(/|/[!-~]{1,510}/)$", var.role_path))
    error_message = "The role_path must begin and end with a slash, such as \"/ci/\", and have at most 512 characters."
  }
}

variable "role_permissions_boundary" {
  description = "ARN of the permissions boundary of the pipeline's two roles, if your account asks for one; null for none. It must allow what the policies and the state need."
  type        = string
  default     = null

  validation {
    condition     = var.role_permissions_boundary == null || can(regex("^arn:[a-z-]+:iam::([0-9]{12}|aws):policy/.+$", var.role_permissions_boundary))
    error_message = "The role_permissions_boundary must be the ARN of an IAM policy (arn:aws:iam::ACCOUNT:policy/NAME)."
  }
}

variable "tags" {
  description = "Tags for the roles and for everything else that this root creates."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "state_bucket" {
  description = "Name of the new bucket for the state, unique in all of AWS; null for NAME-state-ACCOUNT."
  type        = string
  default     = null
}

variable "github" {
  description = "The GitHub repository whose workflow deploys; null for none."
  type = object({
    repository        = string                   # Repository as the token's subject names it: ORG/REPO, or ORG@ID/REPO@ID if it includes the IDs.
    branch            = optional(string, "main") # Branch to apply.
    environment       = optional(string)         # Environment of the job that applies; null for none.
    existing_provider = optional(bool, false)    # Whether the account already has the OIDC provider.
  })
  default = null

  validation {
    condition     = var.github == null || can(regex("^[^/:*?[:space:]]+/[^/:*?[:space:]]+$", var.github.repository))
    error_message = "The github.repository must be ORG/REPO or ORG@ID/REPO@ID, without wildcards, because the roles trust it."
  }

  validation {
    condition     = can(regex("^[^:*?[:space:]]+$", try(coalesce(var.github.environment, var.github.branch), "main"))) && can(regex("^[^:*?[:space:]]+$", try(var.github.branch, "main")))
    error_message = "The github.branch and github.environment must be names without wildcards, colons or spaces."
  }
}

variable "gitlab" {
  description = "The GitLab project whose pipeline deploys; null for none."
  type = object({
    project           = string                                 # Path of the project: GROUP/PROJECT.
    branch            = optional(string, "main")               # Branch to apply.
    url               = optional(string, "https://gitlab.com") # URL of the GitLab instance. It is also the audience of its tokens.
    existing_provider = optional(bool, false)                  # Whether the account already has the OIDC provider.
  })
  default = null

  validation {
    condition     = var.gitlab == null || can(regex("^[^:*?[:space:]]+/[^:*?[:space:]]+$", var.gitlab.project))
    error_message = "The gitlab.project must be GROUP/PROJECT, without wildcards, because the roles trust it."
  }

  validation {
    condition     = can(regex("^[^:*?[:space:]]+$", try(var.gitlab.branch, "main")))
    error_message = "The gitlab.branch must be a name without wildcards, colons or spaces."
  }

  validation {
    condition     = can(regex("^https://[a-z0-9.-]+$", try(var.gitlab.url, "https://gitlab.com")))
    error_message = "The gitlab.url must be https:// and a host, without a trailing slash."
  }
}
