# The table's stream.

mock_provider "aws" {
  source = "../../tests/mocks"

  mock_data "aws_dynamodb_table" {
    defaults = {
      arn                    = "arn:aws:dynamodb:eu-west-1:123456789012:table/recipients"
      hash_key               = "UserId"
      range_key              = null
      attribute              = [{ name = "UserId", type = "S" }]
      global_secondary_index = []
      stream_arn             = "arn:aws:dynamodb:eu-west-1:123456789012:table/recipients/stream/2026-03-10T12:00:00.000"
      stream_enabled         = true
      stream_view_type       = "NEW_AND_OLD_IMAGES"
    }
  }
}

run "new_and_old_images" {
  variables {
    stream = true
  }

  assert {
    condition = (
      aws_dynamodb_table.this[0].stream_enabled &&
      aws_dynamodb_table.this[0].stream_view_type == "NEW_AND_OLD_IMAGES" &&
      output.table.stream_arn == aws_dynamodb_table.this[0].stream_arn
    )
    error_message = "Module changes compares what was with what is."
  }
}

run "of_a_table_that_exists" {
  command = plan

  variables {
    stream = true
    table  = { existing = "recipients", index = false }
  }

  assert {
    condition     = output.table.stream_arn == "arn:aws:dynamodb:eu-west-1:123456789012:table/recipients/stream/2026-03-10T12:00:00.000"
    error_message = "Module changes must read the stream of the existing table."
  }
}

run "with_images_that_are_too_few" {
  command = plan

  variables {
    stream = true
    table  = { existing = "recipients", index = false }
  }

  override_data {
    target = data.aws_dynamodb_table.existing[0]
    values = { # all that the mock has: an override takes the place of the mock's values
      arn                    = "arn:aws:dynamodb:eu-west-1:123456789012:table/recipients"
      hash_key               = "UserId"
      range_key              = null
      attribute              = [{ name = "UserId", type = "S" }]
      global_secondary_index = []
      stream_arn             = "arn:aws:dynamodb:eu-west-1:123456789012:table/recipients/stream/2026-03-10T12:00:00.000"
      stream_enabled         = true
      stream_view_type       = "KEYS_ONLY"
    }
  }

  expect_failures = [data.aws_dynamodb_table.existing]
}
