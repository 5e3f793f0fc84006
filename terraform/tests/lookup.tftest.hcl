# What the root's variables ask of each other.

mock_provider "aws" {
  source = "./modules/feedback/tests/mocks"
}

variables {
  package = { path = "versions.tf" } # any file; nothing runs it
}

run "a_table_without_index" {
  command = plan

  variables {
    table = { index = false }
  }

  assert {
    condition     = output.lookup_endpoint == null
    error_message = "Without the lookup API nothing needs the index."
  }
}

run "the_lookup_api_needs_the_index" {
  command = plan

  variables {
    table  = { index = false }
    lookup = {}
  }

  expect_failures = [output.lookup_endpoint]
}
