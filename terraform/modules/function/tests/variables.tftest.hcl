# The smallest and largest values that are accepted. tests/terraform/test_refused.py has those that are not.

mock_provider "aws" {
  source = "../../tests/mocks"
}

variables {
  name        = "mailing-feedback"
  description = "Merges feedback."
  handler     = "feedback.handler"
  environment = {}
  policy      = "{}"
  function = {
    memory_megabytes     = 512
    timeout_seconds      = 30
    reserved_concurrency = null
    architecture         = "arm64"
    log_level            = "INFO"
    log_retention_days   = 30

    permissions_boundary    = null
    role_path               = "/"
    code_signing_config_arn = null
    tracing                 = false
    vpc                     = null
  }
}

run "smallest" {
  command = plan

  variables {
    function = merge(var.function, { memory_megabytes = 128, timeout_seconds = 3, reserved_concurrency = 0, log_retention_days = 0 })
  }
}

run "largest_and_longest_and_a_boundary_of_aws" {
  command = plan

  variables {
    function = merge(var.function, {
      memory_megabytes     = 10240
      timeout_seconds      = 900
      log_retention_days   = 3653
      role_path            = format("/%s/", join("", [for _ in range(510) : "a"]))
      permissions_boundary = "arn:aws:iam::aws:policy/PowerUserAccess"
    })
  }
}
