# Values that are refused, and the nearest ones that are not.

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

run "too_little_memory" {
  command = plan

  variables {
    function = merge(var.function, { memory_megabytes = 127 })
  }

  expect_failures = [var.function]
}

run "too_much_memory" {
  command = plan

  variables {
    function = merge(var.function, { memory_megabytes = 10241 })
  }

  expect_failures = [var.function]
}

run "memory_not_whole" {
  command = plan

  variables {
    function = merge(var.function, { memory_megabytes = 128.5 })
  }

  expect_failures = [var.function]
}

run "timeout_too_short" {
  command = plan

  variables {
    function = merge(var.function, { timeout_seconds = 2 })
  }

  expect_failures = [var.function]
}

run "timeout_too_long" {
  command = plan

  variables {
    function = merge(var.function, { timeout_seconds = 901 })
  }

  expect_failures = [var.function]
}

run "timeout_not_whole" {
  command = plan

  variables {
    function = merge(var.function, { timeout_seconds = 3.5 })
  }

  expect_failures = [var.function]
}

run "negative_concurrency" {
  command = plan

  variables {
    function = merge(var.function, { reserved_concurrency = -1 })
  }

  expect_failures = [var.function]
}

run "concurrency_not_whole" {
  command = plan

  variables {
    function = merge(var.function, { reserved_concurrency = 1.5 })
  }

  expect_failures = [var.function]
}

run "unknown_architecture" {
  command = plan

  variables {
    function = merge(var.function, { architecture = "riscv" })
  }

  expect_failures = [var.function]
}

run "unknown_log_level" {
  command = plan

  variables {
    function = merge(var.function, { log_level = "TRACE" })
  }

  expect_failures = [var.function]
}

run "log_level_in_lower_case" {
  command = plan

  variables {
    function = merge(var.function, { log_level = "info" })
  }

  expect_failures = [var.function]
}

run "retention_that_cloudwatch_does_not_offer" {
  command = plan

  variables {
    function = merge(var.function, { log_retention_days = 2 })
  }

  expect_failures = [var.function]
}

run "boundary_that_is_no_policy" {
  command = plan

  variables {
    function = merge(var.function, { permissions_boundary = "arn:aws:iam::123456789012:role/boundary" })
  }

  expect_failures = [var.function]
}

run "boundary_without_a_value" {
  command = plan

  variables {
    function = merge(var.function, { permissions_boundary = "" })
  }

  expect_failures = [var.function]
}

run "role_path_without_a_slash_at_its_end" {
  command = plan

  variables {
    function = merge(var.function, { role_path = "/team" })
  }

  expect_failures = [var.function]
}

run "role_path_without_a_slash_at_its_beginning" {
  command = plan

  variables {
    function = merge(var.function, { role_path = "team/" })
  }

  expect_failures = [var.function]
}

run "role_path_that_is_too_long" {
  command = plan

  variables {
    function = merge(var.function, { role_path = format("/%s/", join("", [for _ in range(511) : "a"])) })
  }

  expect_failures = [var.function]
}

run "code_signing_by_id" {
  command = plan

  variables {
    function = merge(var.function, { code_signing_config_arn = "csc-0f6c334abcdea4d8b" })
  }

  expect_failures = [var.function]
}

run "vpc_without_subnets" {
  command = plan

  variables {
    function = merge(var.function, { vpc = { subnet_ids = [], security_group_ids = ["sg-0c"] } })
  }

  expect_failures = [var.function]
}

run "vpc_without_security_groups" {
  command = plan

  variables {
    function = merge(var.function, { vpc = { subnet_ids = ["subnet-0a"], security_group_ids = [] } })
  }

  expect_failures = [var.function]
}

run "vpc_with_a_subnet_by_its_arn" {
  command = plan

  variables {
    function = merge(var.function, { vpc = { subnet_ids = ["arn:aws:ec2:eu-west-1:123456789012:subnet/subnet-0a"], security_group_ids = ["sg-0c"] } })
  }

  expect_failures = [var.function]
}

run "vpc_with_ids_in_each_others_place" {
  command = plan

  variables {
    function = merge(var.function, { vpc = { subnet_ids = ["subnet-0a"], security_group_ids = ["subnet-0a"] } })
  }

  expect_failures = [var.function]
}

run "longest_role_path_and_a_boundary_of_aws" {
  command = plan

  variables {
    function = merge(var.function, { role_path = format("/%s/", join("", [for _ in range(510) : "a"])), permissions_boundary = "arn:aws:iam::aws:policy/PowerUserAccess" })
  }
}

run "smallest" {
  command = plan

  variables {
    function = merge(var.function, { memory_megabytes = 128, timeout_seconds = 3, reserved_concurrency = 0, log_retention_days = 0 })
  }
}

run "largest" {
  command = plan

  variables {
    function = merge(var.function, { memory_megabytes = 10240, timeout_seconds = 900, log_retention_days = 3653 })
  }
}
