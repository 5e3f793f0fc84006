# A change of `delivery` keeps what holds data. Mocked resources get new random values when they are created anew.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  package = { path = "versions.tf" } # any file; nothing runs it
}

run "queue" {}

run "direct" {
  variables {
    delivery = "direct"
  }

  assert {
    condition     = output.table_arn == run.queue.table_arn
    error_message = "The table was created anew."
  }

  assert {
    condition     = output.dead_letter_queue_url == run.queue.dead_letter_queue_url
    error_message = "The dead-letter queue was created anew."
  }
}

run "queue_again" {
  assert {
    condition     = output.table_arn == run.queue.table_arn && output.dead_letter_queue_url == run.queue.dead_letter_queue_url
    error_message = "The table or the dead-letter queue was created anew."
  }

  assert {
    condition     = output.queue_url != run.queue.queue_url
    error_message = "This test cannot tell new resources from old ones."
  }
}
