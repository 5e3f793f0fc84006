# Where the code comes from, and that a path has one spelling in a plan: the provider would take another for another zip.

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

run "own_zip" {
  command = plan

  assert {
    condition = (
      aws_lambda_function.this.filename == "healthy-mailing.zip" &&
      aws_lambda_function.this.source_code_hash == filebase64sha256("healthy-mailing.zip") &&
      aws_lambda_function.this.s3_bucket == null
    )
    error_message = "Without a package, the zip in the module's folder must be uploaded, and again when its content changes."
  }
}

run "another_zip" {
  command = plan

  variables {
    package = { path = "tests/package.tftest.hcl" } # any file; nothing runs it
  }

  assert {
    condition = (
      aws_lambda_function.this.filename == "tests/package.tftest.hcl" &&
      aws_lambda_function.this.source_code_hash == filebase64sha256("tests/package.tftest.hcl") &&
      aws_lambda_function.this.s3_bucket == null
    )
    error_message = "The zip at package.path must be uploaded, and again when its content changes."
  }
}

run "roundabout_path" {
  command = plan

  variables {
    package = { path = "./tests/..//./tests/package.tftest.hcl" }
  }

  assert {
    condition     = aws_lambda_function.this.filename == "tests/package.tftest.hcl"
    error_message = "Dots and double slashes must not show."
  }
}

run "absolute_path_below_the_root" {
  command = plan

  variables {
    package = { path = abspath("tests/package.tftest.hcl") }
  }

  assert {
    condition     = aws_lambda_function.this.filename == "tests/package.tftest.hcl"
    error_message = "Below the root, a path must not depend on where the root is."
  }
}

run "path_elsewhere" {
  command = plan

  variables {
    package = { path = "../feedback/versions.tf" }
  }

  assert {
    condition     = aws_lambda_function.this.filename == "../feedback/versions.tf"
    error_message = "A relative path out of the root must stay as it is."
  }
}

run "roundabout_path_elsewhere" {
  command = plan

  variables {
    package = { path = "./../lookup/../feedback/versions.tf" }
  }

  assert {
    condition     = aws_lambda_function.this.filename == "../feedback/versions.tf"
    error_message = "Dots must not show in a relative path out of the root either."
  }
}

run "path_into_the_root_from_outside" {
  command = plan

  variables {
    package = { path = "../function/versions.tf" }
  }

  assert {
    condition     = aws_lambda_function.this.filename == "versions.tf"
    error_message = "A way out of the root and back must not show."
  }
}

run "absolute_path_elsewhere" {
  command = plan

  variables {
    package = { path = "${abspath("../feedback")}/./versions.tf" }
  }

  assert {
    condition     = aws_lambda_function.this.filename == abspath("../feedback/versions.tf")
    error_message = "An absolute path to a folder outside of the root must stay absolute: the depth of the root must not be part of it."
  }
}

run "folder_whose_name_begins_like_the_root" {
  command = plan

  variables {
    package = { path = "${abspath(".")}s/missing.zip" }
  }

  expect_failures = [aws_lambda_function.this]

  assert {
    condition     = local.filename == "${abspath(".")}s/missing.zip"
    error_message = "That folder is not in the root."
  }
}

run "object_in_s3_with_a_version" {
  command = plan

  variables {
    package = { s3 = { bucket = "releases", key = "mailing.zip", object_version = "v7" } }
  }

  assert {
    condition = (
      aws_lambda_function.this.filename == null &&
      aws_lambda_function.this.s3_bucket == "releases" &&
      aws_lambda_function.this.s3_key == "mailing.zip" &&
      aws_lambda_function.this.s3_object_version == "v7"
    )
    error_message = "The function must come from the S3 object."
  }
}

run "object_in_s3_with_a_hash" {
  command = plan

  variables {
    package = { s3 = { bucket = "releases", key = "mailing.zip", source_code_hash = "aGFzaA==" } }
  }

  assert {
    condition = (
      aws_lambda_function.this.filename == null &&
      aws_lambda_function.this.source_code_hash == "aGFzaA==" &&
      aws_lambda_function.this.s3_object_version == null
    )
    error_message = "The function must come from the S3 object with that content."
  }
}

run "object_in_s3_of_unknown_version" {
  command = plan

  variables {
    package = { s3 = { bucket = "b", key = "k" } }
  }

  expect_failures = [var.package]
}

run "two_packages" {
  command = plan

  variables {
    package = { path = "versions.tf", s3 = { bucket = "b", key = "k", object_version = "v7" } }
  }

  expect_failures = [var.package]
}

run "missing_zip" {
  command = plan

  variables {
    package = { path = "missing.zip" }
  }

  expect_failures = [aws_lambda_function.this]
}
