variable "name" {
  description = "The variable `name` of what is deployed."
  type        = string
  default     = "mailing"
}

variable "ses" {
  description = "Identities and configuration sets that are deployed: the keys of module ses's variables."
  type = object({
    identities         = optional(set(string), []) # Domains and addresses, which may be created too.
    configuration_sets = optional(set(string), []) # Names of configuration sets, which may be created too.
  })
  default = {}
}

variable "state_bucket" {
  description = "Name of the bucket that is created for the state; S3 knows each name once in the world. null: NAME-state-ACCOUNT."
  type        = string
  default     = null
}

variable "github" {
  description = "The repository on GitHub whose workflow deploys; null: none."
  type = object({
    repository        = string                   # Repository as the token's subject names it: ORG/REPO, or ORG@ID/REPO@ID where the IDs are part of it.
    branch            = optional(string, "main") # Branch that is applied.
    environment       = optional(string)         # Environment of the job that applies; null: it has none.
    existing_provider = optional(bool, false)    # Whether the account has the OIDC provider already.
  })
  default = null

  validation {
    condition     = var.github == null || can(regex("^[^/:*?[:space:]]+/[^/:*?[:space:]]+$", var.github.repository))
    error_message = "The github.repository must be ORG/REPO or ORG@ID/REPO@ID, without wildcards: the roles trust what it names."
  }

  validation {
    condition     = can(regex("^[^:*?[:space:]]+$", try(coalesce(var.github.environment, var.github.branch), "main"))) && can(regex("^[^:*?[:space:]]+$", try(var.github.branch, "main")))
    error_message = "The github.branch and github.environment must be names without wildcards, colons or spaces."
  }
}

variable "gitlab" {
  description = "The project on GitLab whose pipeline deploys; null: none."
  type = object({
    project           = string                                 # Path of the project: GROUP/PROJECT.
    branch            = optional(string, "main")               # Branch that is applied.
    url               = optional(string, "https://gitlab.com") # URL of the GitLab instance, which is the audience of its tokens, too.
    existing_provider = optional(bool, false)                  # Whether the account has the OIDC provider already.
  })
  default = null

  validation {
    condition     = var.gitlab == null || can(regex("^[^:*?[:space:]]+/[^:*?[:space:]]+$", var.gitlab.project))
    error_message = "The gitlab.project must be GROUP/PROJECT, without wildcards: the roles trust what it names."
  }

  validation {
    condition     = can(regex("^[^:*?[:space:]]+$", try(var.gitlab.branch, "main")))
    error_message = "The gitlab.branch must be a name without wildcards, colons or spaces."
  }

  validation {
    condition     = can(regex("^https://[a-z0-9.-]+$", try(var.gitlab.url, "https://gitlab.com")))
    error_message = "The gitlab.url must be https:// and a host, without a slash at its end."
  }
}
