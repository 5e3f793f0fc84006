# The root without what is optional, and the modules together with a key of the customer's.

mock_provider "aws" {
  source = "./tests/mocks"
}

run "without_lookup_and_events_there_is_no_stream_and_no_need_of_the_index" {
  command = plan

  variables {
    table = { index = false }
  }

  assert {
    condition     = output.lookup_endpoint == null
    error_message = "Without the lookup API nothing needs the index."
  }

  assert {
    condition     = module.feedback.table.stream_arn == null && output.changes_bus_arn == null
    error_message = "A stream that nobody reads must not be there."
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

run "key_policy_holds_the_statements_of_lookup_too" {
  command = plan

  variables {
    lookup = {}
  }

  override_data {
    target = module.feedback.data.aws_iam_policy_document.key
    values = { json = "{\"from\":\"feedback\"}" }
  }

  override_data {
    target = module.lookup[0].data.aws_iam_policy_document.key
    values = { json = "{\"from\":\"lookup\"}" }
  }

  assert {
    condition     = [for each in data.aws_iam_policy_document.key.source_policy_documents : jsondecode(each).from] == ["feedback", "lookup"]
    error_message = "A customer's key must open for the lookup API's logs too."
  }
}

run "events_switch_the_tables_stream_on" {
  command = plan

  variables {
    changes = {}
  }

  override_resource {
    target          = module.feedback.aws_dynamodb_table.this[0]
    override_during = plan
    values = {
      arn        = "arn:aws:dynamodb:eu-west-1:123456789012:table/mailing"
      stream_arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/mailing/stream/2026-03-10T12:00:00.000"
    }
  }

  assert {
    condition     = module.feedback.table.stream_arn != null && output.changes_bus_name == "default"
    error_message = "Events need the table's stream."
  }
}
