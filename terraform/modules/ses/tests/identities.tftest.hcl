# Domains and addresses whose notifications go to the topic.

mock_provider "aws" {
  source = "../../tests/mocks"
}

variables {
  topic_arn = "arn:aws:sns:eu-west-1:123456789012:mailing-feedback"
}

run "nothing_is_touched_unasked" {
  assert {
    condition = (
      length(aws_sesv2_email_identity.this) == 0 &&
      length(aws_ses_identity_notification_topic.this) == 0 &&
      length(aws_sesv2_email_identity_feedback_attributes.this) == 0 &&
      length(aws_sesv2_configuration_set.this) == 0 &&
      length(aws_sesv2_configuration_set_event_destination.this) == 0
    )
    error_message = "Without identities and configuration sets there must be no resource."
  }
}

run "existing_domain_reports_everything_and_still_forwards_email" {
  variables {
    identities = { "example.com" = {} }
  }

  assert {
    condition     = length(aws_sesv2_email_identity.this) == 0
    error_message = "The identity exists already and must not be created."
  }

  assert {
    condition = { for key, each in aws_ses_identity_notification_topic.this : key => [each.identity, each.notification_type, each.topic_arn] } == {
      for kind in ["Bounce", "Complaint", "Delivery"] : "example.com/${kind}" => ["example.com", kind, var.topic_arn]
    }
    error_message = "Bounces, complaints and deliveries must go to the topic."
  }

  assert {
    condition     = !anytrue([for each in aws_ses_identity_notification_topic.this : each.include_original_headers])
    error_message = "Headers must be left out unless asked for."
  }

  assert {
    condition     = length(aws_sesv2_email_identity_feedback_attributes.this) == 0
    error_message = "Forwarding by email must stay as it is."
  }

  assert {
    condition     = { for identity, kinds in output.notifications : identity => join(" ", kinds) } == { "example.com" = "Bounce Complaint Delivery" }
    error_message = "The output must say what is reported."
  }
}

run "each_identity_has_settings_of_its_own" {
  command = plan # what is created may not be destroyed

  variables {
    identities = {
      "example.com"      = { create = true }
      "news@example.com" = { create = true, delivery = false, original_headers = true, email_forwarding = false }
      "mail.example.org" = { email_forwarding = true }
    }
    tags = { team = "mail" }
  }

  assert {
    condition     = { for key, each in aws_sesv2_email_identity.this : key => each.tags } == { for key in ["example.com", "news@example.com"] : key => var.tags }
    error_message = "Exactly the identities with create must be created, with tags."
  }

  assert {
    condition = { for identity, kinds in output.notifications : identity => join(" ", kinds) } == {
      "example.com"      = "Bounce Complaint Delivery"
      "mail.example.org" = "Bounce Complaint Delivery"
      "news@example.com" = "Bounce Complaint"
    }
    error_message = "Deliveries of news@example.com must not be reported, all else must."
  }

  assert {
    condition = alltrue([
      for each in aws_ses_identity_notification_topic.this : each.include_original_headers == (each.identity == "news@example.com")
    ])
    error_message = "Headers must be there for news@example.com alone."
  }

  assert {
    condition = { for key, each in aws_sesv2_email_identity_feedback_attributes.this : key => each.email_forwarding_enabled } == {
      "mail.example.org" = true
      "news@example.com" = false
    }
    error_message = "Forwarding must be set where the caller decides it, and only there."
  }

  assert {
    # The tokens themselves are in a block that the provider computes, which mocks cannot fill; the end-to-end test sees them.
    condition     = join(" ", keys(output.identity_arns)) == "example.com news@example.com" && join(" ", keys(output.dkim_tokens)) == "example.com"
    error_message = "The outputs must name the created identities, and of these the domains for their DKIM tokens."
  }
}
