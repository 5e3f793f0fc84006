# What Terraform needs for each resource: `read` for a plan, `read` and `write` for apply and destroy. The AWS Service
# Authorization Reference lists the actions and the resources that they support.

locals {
  with_boundary = var.permissions_boundary == null ? null : {
    StringEquals = { "iam:PermissionsBoundary" = var.permissions_boundary }
  }

  statements = concat(
    local.iam,
    local.lambda,
    local.feedback_path,
    local.events,
    local.observability,
    local.ses,
    local.api,
    local.options,
  )

  # Everything that a function's role ever gets: see function.tf of modules feedback, lookup and changes.
  boundary = concat(
    [
      { actions = ["dynamodb:BatchGetItem", "dynamodb:PartiQLInsert", "dynamodb:PartiQLUpdate"], resources = [local.table_arn] },
      { actions = ["dynamodb:Query"], resources = ["${local.table_arn}/index/suppressed-updatedAt"] },
      {
        actions   = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"]
        resources = ["${local.table_arn}/stream/*"]
      },
      {
        actions   = ["events:PutEvents"]
        resources = var.bus_arn == null ? [local.bus_arn, "arn:${local.partition}:events:${local.scope}:event-bus/default"] : [var.bus_arn]
      },
      {
        actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        resources = [for function in local.functions : "arn:${local.partition}:logs:${local.scope}:log-group:/aws/lambda/${function}:log-stream:*"]
      },
      {
        actions   = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage", "sqs:SendMessage"]
        resources = local.queue_arns
      },
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

  iam = [
    {
      read = [
        "iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies",
      ]
      write = [
        "iam:DeleteRole", "iam:ListInstanceProfilesForRole", "iam:PassRole", "iam:TagRole", "iam:UntagRole",
        "iam:UpdateAssumeRolePolicy", "iam:UpdateRoleDescription",
      ]
      resources = local.role_arns
      # A request to pass a role always says to which service, and no other does (IAM User Guide, "IAM and AWS STS
      # condition context keys"): so one statement can hold both.
      condition = { StringEqualsIfExists = { "iam:PassedToService" = "lambda.amazonaws.com" } }
    },
    {
      # A role without a boundary may get this one. Removing a boundary is never allowed.
      read = []
      write = concat(
        ["iam:CreateRole", "iam:DeleteRolePolicy", "iam:PutRolePolicy"],
        var.permissions_boundary == null ? [] : ["iam:PutRolePermissionsBoundary"],
      )
      resources = local.role_arns
      condition = local.with_boundary
    },
  ]

  lambda = [
    {
      read = [
        "lambda:GetFunction", "lambda:GetFunctionCodeSigningConfig", "lambda:GetFunctionEventInvokeConfig",
        "lambda:GetPolicy", "lambda:ListVersionsByFunction",
      ]
      write = [
        "lambda:AddPermission", "lambda:CreateFunction", "lambda:DeleteFunction", "lambda:DeleteFunctionConcurrency",
        "lambda:DeleteFunctionEventInvokeConfig", "lambda:PutFunctionConcurrency",
        "lambda:PutFunctionEventInvokeConfig", "lambda:RemovePermission", "lambda:UpdateFunctionCode",
        "lambda:UpdateFunctionConfiguration",
      ]
      resources = local.function_arns
      condition = null
    },
    {
      # Lambda chooses the id in the ARN of an event source mapping. A condition on its function can limit changes, but not
      # reads (AWS Lambda Developer Guide, "Resources and conditions for Lambda actions").
      read      = []
      write     = ["lambda:CreateEventSourceMapping", "lambda:DeleteEventSourceMapping", "lambda:UpdateEventSourceMapping"]
      resources = ["*"]
      condition = { ArnEquals = { "lambda:FunctionArn" = [local.function_arns[0], local.function_arns[2]] } }
    },
    {
      read      = ["lambda:GetEventSourceMapping"]
      write     = []
      resources = ["*"]
      condition = null
    },
    {
      read      = ["lambda:ListTags"]
      write     = ["lambda:TagResource", "lambda:UntagResource"]
      resources = concat(local.function_arns, ["arn:${local.partition}:lambda:${local.scope}:event-source-mapping:*"])
      condition = null
    },
  ]

  feedback_path = [
    {
      read = [
        "dynamodb:DescribeContinuousBackups", "dynamodb:DescribeTable", "dynamodb:DescribeTimeToLive",
        "dynamodb:ListTagsOfResource",
      ]
      write = [
        "dynamodb:CreateTable", "dynamodb:DeleteTable", "dynamodb:TagResource", "dynamodb:UntagResource",
        "dynamodb:UpdateContinuousBackups", "dynamodb:UpdateTable", "dynamodb:UpdateTimeToLive",
      ]
      resources = [local.table_arn]
      condition = null
    },
    {
      read = ["sns:GetTopicAttributes", "sns:ListSubscriptionsByTopic", "sns:ListTagsForResource"]
      write = [
        "sns:CreateTopic", "sns:DeleteTopic", "sns:SetTopicAttributes", "sns:Subscribe", "sns:TagResource",
        "sns:UntagResource",
      ]
      resources = [local.topic_arn]
      condition = null
    },
    {
      # These actions of SNS support no resources.
      read      = ["sns:GetSubscriptionAttributes"]
      write     = ["sns:SetSubscriptionAttributes", "sns:Unsubscribe"]
      resources = ["*"]
      condition = null
    },
    {
      read = ["sqs:GetQueueAttributes", "sqs:ListQueueTags"]
      write = [
        "sqs:CreateQueue", "sqs:DeleteQueue", "sqs:SetQueueAttributes", "sqs:TagQueue", "sqs:UntagQueue",
      ]
      resources = local.queue_arns
      condition = null
    },
  ]

  events = [
    {
      read      = ["events:DescribeEventBus", "events:ListTagsForResource"]
      write     = ["events:CreateEventBus", "events:DeleteEventBus", "events:TagResource", "events:UntagResource"]
      resources = [local.bus_arn]
      condition = null
    },
  ]

  observability = [
    {
      # Actions that create and delete a log group need its ARN with ":*", those for tags need it without (Amazon CloudWatch
      # Logs User Guide, "Overview of managing access permissions").
      read = ["logs:ListTagsForResource"]
      write = [
        "logs:AssociateKmsKey", "logs:CreateLogGroup", "logs:DeleteLogGroup", "logs:DeleteRetentionPolicy",
        "logs:DisassociateKmsKey", "logs:PutRetentionPolicy", "logs:TagResource", "logs:UntagResource",
      ]
      resources = local.log_group_arns
      condition = null
    },
    {
      # These actions list with a filter that IAM does not see.
      read      = ["cloudwatch:DescribeAlarms", "logs:DescribeLogGroups"]
      write     = []
      resources = ["*"]
      condition = null
    },
    {
      read      = ["cloudwatch:ListTagsForResource"]
      write     = ["cloudwatch:DeleteAlarms", "cloudwatch:PutMetricAlarm", "cloudwatch:TagResource", "cloudwatch:UntagResource"]
      resources = ["arn:${local.partition}:cloudwatch:${local.scope}:alarm:${var.name}-*"]
      condition = null
    },
    {
      read      = ["cloudwatch:GetDashboard"]
      write     = ["cloudwatch:DeleteDashboards", "cloudwatch:PutDashboard"]
      resources = ["arn:${local.partition}:cloudwatch::${local.account}:dashboard/${var.name}"]
      condition = null
    },
  ]

  ses = length(local.ses_arns) == 0 ? [] : [
    {
      # No action deletes identities or configuration sets, because module ses protects them from being destroyed.
      read = [
        "ses:GetConfigurationSet", "ses:GetConfigurationSetEventDestinations", "ses:GetEmailIdentity",
        "ses:ListTagsForResource",
      ]
      write = [
        "ses:CreateConfigurationSet", "ses:CreateConfigurationSetEventDestination", "ses:CreateEmailIdentity",
        "ses:DeleteConfigurationSetEventDestination",
        "ses:PutEmailIdentityFeedbackAttributes", "ses:TagResource", "ses:UntagResource",
        "ses:UpdateConfigurationSetEventDestination",
      ]
      resources = local.ses_arns
      condition = null
    },
    {
      # Actions of version 1 of the API, which support no resources.
      read      = ["ses:GetIdentityNotificationAttributes"]
      write     = ["ses:SetIdentityHeadersInNotificationsEnabled", "ses:SetIdentityNotificationTopic"]
      resources = ["*"]
      condition = null
    },
  ]

  api = [
    {
      # API Gateway chooses the id in the ARN of an API.
      read  = ["apigateway:GET"]
      write = ["apigateway:DELETE", "apigateway:PATCH", "apigateway:POST", "apigateway:PUT", "apigateway:UpdateRestApiPolicy"]
      resources = [
        for path in ["/restapis", "/restapis/*", "/tags/*"] : "arn:${local.partition}:apigateway:${local.region}::${path}"
      ]
      condition = null
    },
  ]

  options = concat(
    [
      for key in var.kms_key_arn[*] : {
        # Setting a table's key takes the permissions that DynamoDB needs (Amazon DynamoDB Developer Guide, "Usage notes for
        # DynamoDB encryption at rest"), limited to calls through DynamoDB.
        read = []
        write = [
          "kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey",
          "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo",
        ]
        resources = [key]
        condition = { StringEquals = { "kms:ViaService" = "dynamodb.${local.region}.amazonaws.com" } }
      }
    ],
    [
      for bucket in var.package_bucket[*] : {
        read      = []
        write     = ["s3:GetObject", "s3:GetObjectVersion"]
        resources = ["arn:${local.partition}:s3:::${bucket}/*"]
        condition = null
      }
    ],
    [
      for config in var.function.code_signing_config_arn[*] : {
        read      = []
        write     = ["lambda:DeleteFunctionCodeSigningConfig", "lambda:PutFunctionCodeSigningConfig"]
        resources = concat([config], local.function_arns)
        condition = null
      }
    ],
    [
      # Setting a function's VPC needs these, and they support no resources (AWS Lambda Developer Guide, "Giving Lambda
      # functions access to resources in an Amazon VPC").
      for used in [var.function.vpc] : {
        read      = []
        write     = ["ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs"]
        resources = ["*"]
        condition = null
      } if used
    ],
  )
}
