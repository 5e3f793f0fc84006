# The root without what is optional.

mock_provider "aws" {
  source = "./tests/mocks"
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
