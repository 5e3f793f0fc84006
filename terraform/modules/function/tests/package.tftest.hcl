# Where the code comes from, and that a path has one spelling in a plan: the provider would take another for another zip.

mock_provider "aws" {
  source = "../../tests/mocks"
}

run "zips_by_their_paths" {
  command = plan

  module {
    source = "./tests/packages"
  }

  variables {
    packages = { # any file; nothing runs it
      own                        = {}
      another                    = { path = "tests/package.tftest.hcl" }
      roundabout                 = { path = "./tests/..//./tests/package.tftest.hcl" }
      absolute_below_the_root    = { path = abspath("tests/package.tftest.hcl") }
      elsewhere                  = { path = "../feedback/versions.tf" }
      roundabout_elsewhere       = { path = "./../lookup/../feedback/versions.tf" }
      into_the_root_from_outside = { path = "../function/versions.tf" }
      absolute_elsewhere         = { path = "${abspath("../feedback")}/./versions.tf" }
    }
  }

  assert {
    condition = { for name, each in output.lambdas : name => each.filename } == {
      # Without a package, the zip in the module's folder.
      own     = "healthy-mailing.zip"
      another = "tests/package.tftest.hcl"
      # Dots and double slashes do not show.
      roundabout = "tests/package.tftest.hcl"
      # Below the root, a path does not depend on where the root is.
      absolute_below_the_root = "tests/package.tftest.hcl"
      # A relative path out of the root stays as it is, but for its dots. A way out and back does not show.
      elsewhere                  = "../feedback/versions.tf"
      roundabout_elsewhere       = "../feedback/versions.tf"
      into_the_root_from_outside = "versions.tf"
      # An absolute path to a folder outside of the root stays absolute: the depth of the root must not be part of it.
      absolute_elsewhere = abspath("../feedback/versions.tf")
    }
    error_message = "A path is spelled in another way."
  }

  assert {
    condition = alltrue([
      for each in output.lambdas : each.source_code_hash == filebase64sha256(each.filename) && each.s3_bucket == null
    ])
    error_message = "Each zip must be uploaded, and again when its content changes."
  }
}

run "objects_in_s3_with_a_version_or_a_hash" {
  command = plan

  module {
    source = "./tests/packages"
  }

  variables {
    packages = {
      version = { s3 = { bucket = "releases", key = "mailing.zip", object_version = "v7" } }
      hash    = { s3 = { bucket = "releases", key = "mailing.zip", source_code_hash = "aGFzaA==" } }
    }
  }

  assert {
    condition = alltrue([
      for each in output.lambdas : each.filename == null && each.s3_bucket == "releases" && each.s3_key == "mailing.zip"
    ])
    error_message = "The functions must come from the S3 object."
  }

  assert {
    condition     = output.lambdas["version"].s3_object_version == "v7"
    error_message = "The function must come from that version of the object."
  }

  assert {
    condition     = output.lambdas["hash"].source_code_hash == "aGFzaA==" && output.lambdas["hash"].s3_object_version == null
    error_message = "The function must come from the S3 object with that content."
  }
}

run "missing_zip_in_a_folder_whose_name_begins_like_the_root" {
  command = plan

  variables {
    name        = "mailing-feedback"
    description = "Merges feedback."
    handler     = "feedback.handler"
    environment = {}
    policy      = "{}"
    package     = { path = "${abspath(".")}s/missing.zip" }
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

  expect_failures = [aws_lambda_function.this]

  assert {
    condition     = local.filename == "${abspath(".")}s/missing.zip"
    error_message = "That folder is not in the root."
  }
}
