# Configuration sets whose events go to the topic.

mock_provider "aws" {
  source = "../../tests/mocks"
}

variables {
  topic_arn = "arn:aws:sns:eu-west-1:123456789012:mailing-feedback"
}

run "exactly_what_the_function_stores_is_published" {
  command = plan # what is created may not be destroyed

  variables {
    name = "other"
    configuration_sets = {
      existing = {}
      created  = { create = true, delivery = false, subscription = false }
    }
    tags = { team = "mail" }
  }

  assert {
    condition     = { for name, each in aws_sesv2_configuration_set.this : name => each.tags } == { created = var.tags }
    error_message = "Exactly the sets with create must be created, with tags."
  }

  assert {
    condition = { for name, types in output.events : name => join(" ", types) } == {
      existing = "BOUNCE COMPLAINT DELIVERY SUBSCRIPTION"
      created  = "BOUNCE COMPLAINT"
    }
    error_message = "Bounces and complaints are always published, deliveries and subscriptions unless the caller says no, nothing else ever."
  }

  assert {
    condition = alltrue([
      for name, each in aws_sesv2_configuration_set_event_destination.this :
      each.configuration_set_name == name &&
      each.event_destination_name == "other-feedback" &&
      each.event_destination[0].enabled &&
      each.event_destination[0].sns_destination[0].topic_arn == var.topic_arn
    ])
    error_message = "Each set must publish to the topic."
  }

  assert {
    condition     = join(" ", keys(output.configuration_set_arns)) == "created"
    error_message = "The output must name the created sets."
  }
}
