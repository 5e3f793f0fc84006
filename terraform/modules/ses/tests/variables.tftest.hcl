# Values at the edges that are accepted. tests/terraform/test_refused.py has those that are not.

mock_provider "aws" {
  source = "../../tests/mocks"
}

variables {
  topic_arn = "arn:aws:sns:eu-west-1:123456789012:mailing-feedback"
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
