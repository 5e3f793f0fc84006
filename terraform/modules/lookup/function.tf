module "function" {
  source = "../function"

  name        = local.name
  description = "Answers the lookup API over the table ${var.feedback.table.name}."
  handler     = "lookup.handler"
  package     = var.package
  function    = var.function
  policy      = data.aws_iam_policy_document.role.json
  kms_key_arn = var.feedback.kms_key_arn
  tags        = var.tags

  environment = {
    TABLE_NAME              = var.feedback.table.name
    SOFT_BOUNCE_LIMIT       = var.feedback.rules.soft_bounce_limit
    SOFT_BOUNCE_WINDOW_DAYS = var.feedback.rules.soft_bounce_window_days
    DELIVERY_REFRESH_DAYS   = var.feedback.rules.delivery_refresh_days
    EXPIRE_DAYS             = var.feedback.table.expire_days
  }
}

# As in module feedback: AWS deletes the permission with the function.
resource "terraform_data" "function" {
  input = module.function.lambda.arn
}

resource "aws_lambda_permission" "this" {
  statement_id  = "ApiInvokesFunction" # a change would replace the permission of a live stack
  action        = "lambda:InvokeFunction"
  function_name = module.function.lambda.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_api_gateway_rest_api.this.execution_arn}/${local.stage}/*"

  lifecycle {
    replace_triggered_by = [terraform_data.function]
  }
}

data "aws_iam_policy_document" "role" {
  statement {
    sid       = "AllowReadTable"
    actions   = ["dynamodb:BatchGetItem"]
    resources = [var.feedback.table.arn]
  }

  statement {
    sid       = "AllowQueryIndex"
    actions   = ["dynamodb:Query"]
    resources = ["${var.feedback.table.arn}/index/suppressed-updatedAt"]
  }

  statement {
    sid       = "AllowWriteTable"
    actions   = ["dynamodb:PartiQLInsert", "dynamodb:PartiQLUpdate"]
    resources = [var.feedback.table.arn]
  }

  statement {
    sid       = "AllowWriteLogs"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["arn:${local.partition}:logs:${local.region}:${local.account}:log-group:${module.function.log_group.name}:log-stream:*"]
  }

  dynamic "statement" {
    for_each = var.feedback.kms_key_arn == null ? [] : [var.feedback.kms_key_arn]

    content {
      sid       = "AllowUseKMSKey"
      actions   = ["kms:Decrypt"]
      resources = [statement.value]
    }
  }
}

# What the policy of a customer's key must allow. It refers to nothing that this module creates, and contains no names:
# existing resources may have other names than `name` gives today.
data "aws_iam_policy_document" "key" {
  statement {
    sid       = "AllowLookupLogsUseKMSKey"
    actions   = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo"]
    resources = ["*"] # this key, in a key policy

    principals {
      type        = "Service"
      identifiers = ["logs.${local.region}.amazonaws.com"]
    }

    condition {
      test     = "ArnLike"
      variable = "kms:EncryptionContext:aws:logs:arn"
      values   = ["arn:${local.partition}:logs:${local.region}:${local.account}:log-group:*"]
    }
  }
}
