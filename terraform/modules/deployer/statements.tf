# What Terraform needs for each resource: `read` for a plan, `read` and `write` for apply and destroy. The AWS Service
# Authorization Reference lists the actions, and the resources and condition keys that they support.

locals {
  statements = concat(
    local.iam,
    local.lambda,
    local.feedback_path,
    local.events,
    local.logs,
    local.monitoring,
    local.ses,
    local.api,
    local.options,
  )

  # For actions that support no resources: this region, as in the ARNs of the others.
  in_region = { StringEquals = { "aws:RequestedRegion" = local.region } }

  with_boundary = local.boundary_arn == null ? null : { StringEquals = { "iam:PermissionsBoundary" = local.boundary_arn } }

  iam = [
    {
      # Without iam:UpdateAssumeRolePolicy, which could let another account assume a role: a boundary limits what a role may do,
      # not who may use it. Module function never changes the trust policy.
      read = [
        "iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies",
      ]
      write = [
        "iam:DeleteRole", "iam:ListInstanceProfilesForRole", "iam:PassRole", "iam:TagRole", "iam:UntagRole",
        "iam:UpdateRoleDescription",
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
        local.boundary_arn == null ? [] : ["iam:PutRolePermissionsBoundary"],
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
      # This action supports no resources, only the condition.
      read      = []
      write     = ["lambda:CreateEventSourceMapping"]
      resources = ["*"]
      condition = local.of_functions
    },
    {
      read      = []
      write     = ["lambda:DeleteEventSourceMapping", "lambda:UpdateEventSourceMapping"]
      resources = [local.mapping_arn]
      condition = local.of_functions
    },
    {
      # Without the condition: a mapping that is gone has no function. Terraform would be denied where it must learn that the
      # mapping is gone, which is how it waits for the deletion.
      read      = ["lambda:GetEventSourceMapping"]
      write     = []
      resources = [local.mapping_arn]
      condition = null
    },
    {
      read      = ["lambda:ListTags"]
      write     = ["lambda:TagResource", "lambda:UntagResource"]
      resources = concat(local.function_arns, [local.mapping_arn])
      condition = null
    },
  ]

  # Those that have an event source mapping.
  of_functions = {
    ArnEquals = { "lambda:FunctionArn" = [for arn in local.function_arns : arn if !endswith(arn, ":${local.lookup}")] }
  }

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
      # These actions of SNS support no resources, and have no condition keys of their own.
      read      = ["sns:GetSubscriptionAttributes"]
      write     = ["sns:SetSubscriptionAttributes", "sns:Unsubscribe"]
      resources = ["*"]
      condition = local.in_region
    },
    {
      read = ["sqs:GetQueueAttributes", "sqs:ListQueueTags"]
      write = [
        "sqs:CreateQueue", "sqs:DeleteQueue", "sqs:SetQueueAttributes", "sqs:TagQueue", "sqs:UntagQueue",
      ]
      resources = concat([local.queue_arn, local.dead_letter_arn], local.uses_changes ? [local.changes_dead_letter_arn] : [])
      condition = null
    },
  ]

  events = [
    for arn in local.uses_changes && var.bus_arn == null ? [local.bus_arn] : [] : {
      read      = ["events:DescribeEventBus", "events:ListTagsForResource"]
      write     = ["events:CreateEventBus", "events:DeleteEventBus", "events:TagResource", "events:UntagResource"]
      resources = [arn]
      condition = null
    }
  ]

  logs = [
    {
      # Actions that create and delete a log group need its ARN with ":*", those for tags need it without (Amazon CloudWatch
      # Logs User Guide, "Overview of managing access permissions").
      read = ["logs:ListTagsForResource"]
      write = [
        "logs:AssociateKmsKey", "logs:CreateLogGroup", "logs:DeleteLogGroup", "logs:DeleteRetentionPolicy",
        "logs:DisassociateKmsKey", "logs:PutRetentionPolicy", "logs:TagResource", "logs:UntagResource",
      ]
      resources = flatten([for arn in local.log_group_arns : [arn, "${arn}:*"]])
      condition = null
    },
    {
      # This action supports no resources.
      read      = ["logs:DescribeLogGroups"]
      write     = []
      resources = ["*"]
      condition = local.in_region
    },
  ]

  monitoring = [
    for each in [
      {
        # Lists alarms with a filter that IAM does not see.
        read      = ["cloudwatch:DescribeAlarms"]
        write     = []
        resources = ["${local.alarm_arn}:*"]
        condition = null
      },
      {
        read      = ["cloudwatch:ListTagsForResource"]
        write     = ["cloudwatch:DeleteAlarms", "cloudwatch:PutMetricAlarm", "cloudwatch:TagResource", "cloudwatch:UntagResource"]
        resources = [for alarm in local.alarms : "${local.alarm_arn}:${var.name}-${alarm}"]
        condition = null
      },
      {
        read      = ["cloudwatch:GetDashboard"]
        write     = ["cloudwatch:DeleteDashboards", "cloudwatch:PutDashboard"]
        resources = ["arn:${local.partition}:cloudwatch::${local.account}:dashboard/${coalesce(var.names.dashboard, "${var.name}-${local.region}")}"]
        condition = null
      },
    ] : each if local.uses_monitoring
  ]

  ses = [
    for each in [
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
        condition = local.in_region
      },
    ] : each if length(local.ses_arns) > 0
  ]

  # API Gateway chooses the ID in the ARN of an API. The last ARN has that of the API, encoded for URLs.
  api = [
    for paths in local.uses_lookup ? [
      var.names.rest_api == null
      ? ["/restapis", "/restapis/*", "/tags/*"]
      : ["/restapis/${var.names.rest_api}", "/restapis/${var.names.rest_api}/*", "/tags/*restapis*${var.names.rest_api}*"]
    ] : [] :
    {
      read      = ["apigateway:GET"]
      write     = ["apigateway:DELETE", "apigateway:PATCH", "apigateway:POST", "apigateway:PUT", "apigateway:UpdateRestApiPolicy"]
      resources = [for path in paths : "arn:${local.partition}:apigateway:${local.region}::${path}"]
      condition = null
    }
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
      for place in var.package_bucket[*] : {
        read      = []
        write     = ["s3:GetObject", "s3:GetObjectVersion"]
        resources = ["arn:${local.partition}:s3:::${place}/*"]
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
        condition = local.in_region
      } if used
    ],
  )
}
