# What the AWS provider would answer, as far as the module reads it.

mock_data "aws_region" {
  defaults = {
    endpoint = "ec2.eu-west-1.amazonaws.com"
  }
}
