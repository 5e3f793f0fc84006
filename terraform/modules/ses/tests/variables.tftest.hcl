# Values that are refused, and the nearest ones that are not.

mock_provider "aws" {
  source = "../../tests/mocks"
}

variables {
  topic_arn = "arn:aws:sns:eu-west-1:123456789012:mailing-feedback"
}

run "no_topic_no_domain_no_name" {
  command = plan

  variables {
    name               = "ab"
    topic_arn          = "mailing-feedback"
    identities         = { "example" = {} }
    configuration_sets = { "with space" = {} }
  }

  expect_failures = [var.name, var.topic_arn, var.identities, var.configuration_sets]
}

run "topic_that_ses_cannot_publish_to" {
  command = plan

  variables {
    topic_arn          = "arn:aws:sns:eu-west-1:123456789012:mailing-feedback.fifo"
    identities         = { "Example.com" = {} }
    configuration_sets = { "" = {} }
  }

  expect_failures = [var.topic_arn, var.identities, var.configuration_sets]
}

run "display_name_is_no_address" {
  command = plan

  variables {
    identities = { "News <news@example.com>" = {} }
  }

  expect_failures = [var.identities]
}

run "address_without_domain" {
  command = plan

  variables {
    identities = { "news@" = {} }
  }

  expect_failures = [var.identities]
}

run "good_values_at_the_edges" {
  command = plan

  variables {
    name      = "abc"
    topic_arn = "arn:aws-cn:sns:cn-north-1:123456789012:a"
    identities = {
      "a.io"                             = {}
      "xn--bcher-kva.example"            = {}
      "mail.eu-west.example.co.uk"       = {}
      "News+Letters@example.com"         = {}
      "example.xn--vermgensberatung-pwb" = {}
    }
    configuration_sets = { "a" = {}, "A_b-9" = {} }
  }
}
