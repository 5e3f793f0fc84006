# Everything that the role of a function in use ever gets: see function.tf of modules feedback, lookup and changes.

locals {
  boundary = concat(
    [
      { actions = ["dynamodb:BatchGetItem", "dynamodb:PartiQLInsert", "dynamodb:PartiQLUpdate"], resources = [local.table_arn] },
      {
        actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        resources = [for function in local.functions : "arn:${local.partition}:logs:${local.scope}:log-group:/aws/lambda/${function}:log-stream:*"]
      },
      { actions = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"], resources = [local.queue_arn] },
      {
        actions   = ["sqs:SendMessage"]
        resources = concat([local.dead_letter_arn], local.uses_changes ? [local.changes_dead_letter_arn] : [])
      },
    ],
    [
      for used in [local.uses_lookup] :
      { actions = ["dynamodb:Query"], resources = ["${local.table_arn}/index/suppressed-updatedAt"] } if used
    ],
    [
      for each in [
        {
          actions   = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"]
          resources = ["${local.table_arn}/stream/*"]
        },
        {
          actions   = ["events:PutEvents"]
          resources = var.bus_arn == null ? [local.bus_arn, "arn:${local.partition}:events:${local.scope}:event-bus/default"] : [var.bus_arn]
        },
      ] : each if local.uses_changes
    ],
    [for key in var.kms_key_arn[*] : { actions = ["kms:Decrypt", "kms:GenerateDataKey"], resources = [key] }],
    [
      for used in [var.function.tracing] :
      { actions = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"], resources = ["*"] } if used
    ],
    [
      # What Lambda needs to connect a function to a VPC (AWS Lambda Developer Guide, "Giving Lambda functions access to
      # resources in an Amazon VPC"); the role's own policy names the subnets and security groups.
      for used in [var.function.vpc] : {
        actions = [
          "ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface",
          "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:UnassignPrivateIpAddresses",
        ]
        resources = ["*"]
      } if used
    ],
  )
}
