# The root without what is optional, and the modules together with a key of the customer's.

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

run "key_can_be_created_together_with_the_modules" {
  module {
    source = "./tests/own_key"
  }

  override_resource {
    target = module.feedback.aws_dynamodb_table.this[0]
    values = { arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/mailing" }
  }

  assert {
    condition     = module.feedback.topic_arn != null && module.lookup.endpoint != null
    error_message = "The key's policy and the modules must not wait for each other."
  }
}
