# Each complaint goes to a queue of the on-call team: an address that stops because its owner complained.

resource "aws_sqs_queue" "complaints" {
  name                    = "${var.name}-complaints"
  sqs_managed_sse_enabled = true
  tags                    = local.tags
}

resource "aws_cloudwatch_event_rule" "complaints" {
  name           = "${var.name}-complaints"
  description    = "Addresses that must not be mailed any more because of a complaint."
  event_bus_name = module.changes.bus_name
  tags           = local.tags

  event_pattern = jsonencode(merge(jsondecode(module.changes.event_pattern), {
    detail = {
      after  = ["disable"]
      reason = [{ prefix = "complaint:" }]
    }
  }))
}

resource "aws_cloudwatch_event_target" "complaints" {
  rule           = aws_cloudwatch_event_rule.complaints.name
  event_bus_name = module.changes.bus_name
  arn            = aws_sqs_queue.complaints.arn

  # EventBridge may deliver once it is allowed to.
  depends_on = [aws_sqs_queue_policy.complaints]
}

resource "aws_sqs_queue_policy" "complaints" {
  queue_url = aws_sqs_queue.complaints.url
  policy    = data.aws_iam_policy_document.complaints.json
}

data "aws_iam_policy_document" "complaints" {
  statement {
    sid       = "AllowEventBridgeSendMessage"
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.complaints.arn]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [aws_cloudwatch_event_rule.complaints.arn]
    }
  }
}
