# Every value that is refused.

mock_provider "aws" {
  source = "../../tests/mocks"
}

run "name_is_that_of_the_modules" {
  command = plan

  variables {
    name = "-mailing"
  }

  expect_failures = [var.name]
}

run "names_are_no_patterns" {
  command = plan

  variables {
    names = { table = "*" }
  }

  expect_failures = [var.names]
}

run "boundary_is_a_policy" {
  command = plan

  variables {
    permissions_boundary = "mailing-boundary"
  }

  expect_failures = [var.permissions_boundary]
}

run "role_path_ends_in_a_slash" {
  command = plan

  variables {
    role_path = "/teams"
  }

  expect_failures = [var.role_path]
}

run "key_is_no_alias" {
  command = plan

  variables {
    kms_key_arn = "alias/aws/sns"
  }

  expect_failures = [var.kms_key_arn]
}

run "bus_is_named_by_its_arn" {
  command = plan

  variables {
    bus_arn = "company"
  }

  expect_failures = [var.bus_arn]
}

run "bucket_is_a_name" {
  command = plan

  variables {
    package_bucket = "s3://packages"
  }

  expect_failures = [var.package_bucket]
}

run "code_signing_is_a_configuration" {
  command = plan

  variables {
    function = { code_signing_config_arn = "csc-0123456789abcdef0" }
  }

  expect_failures = [var.function]
}
