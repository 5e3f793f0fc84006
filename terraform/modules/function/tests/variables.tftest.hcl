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
