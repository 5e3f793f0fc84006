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
    role_name               = null
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
    name = format("%s-feedback", join("", [for _ in range(54) : "a"]))
    function = merge(var.function, {
      memory_megabytes     = 10240
      timeout_seconds      = 900
      log_retention_days   = 3653
      role_path            = format("/%s/", join("", [for _ in range(510) : "a"]))
      permissions_boundary = "arn:aws:iam::aws:policy/PowerUserAccess"
    })
  }

  assert {
    condition     = aws_iam_role.this.name == "${substr(var.name, 0, 55)}-${substr(sha256("${var.name}-eu-west-1"), 0, 8)}" && length(aws_iam_role.this.name) == 64
    error_message = "The role's name must end with what makes it the region's, and fit."
  }
}
