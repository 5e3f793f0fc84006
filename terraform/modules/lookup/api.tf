# The REST API, made from openapi.yaml.

locals {
  stage    = "v1"
  document = yamldecode(file("${path.module}/openapi.yaml"))

  # A stage variable names the function, so the API depends on nothing with a fixed name. That matters because a deployment
  # is created before the old one is destroyed, and Terraform would treat everything that it depends on in the same way.
  uri = "arn:${local.partition}:apigateway:${local.region}:lambda:path/2015-03-31/functions/arn:${local.partition}:lambda:${local.region}:${local.account}:function:$${stageVariables.function}/invocations"

  # Each operation in API Gateway: signed, and passed to the function unchanged.
  operation = {
    security = [for name, _ in local.document.components.securitySchemes : { (name) = [] }]
    x-amazon-apigateway-integration = {
      type       = "aws_proxy"
      httpMethod = "POST" # API Gateway always calls Lambda by POST
      uri        = "URI"
    }
  }

  # The document's methods, by path. Other methods and paths reach the function too, which answers 405 or 400. API Gateway
  # itself would answer "Missing Authentication Token".
  methods = merge(
    {
      for path, item in local.document.paths :
      path => [for key, _ in item : key if contains(["get", "put", "post", "delete"], key)]
    },
    { "/{proxy+}" = [] },
  )

  # API Gateway imports OpenAPI 3.0.1 and JSON Schema draft 4; the document is OpenAPI 3.1 and JSON Schema 2020-12. So API
  # Gateway gets only what it uses: paths, methods and authorization, without schemas and responses. The function checks
  # every request itself, and tests compare it with the whole document.
  outline = {
    openapi = "3.0.1"
    info = {
      title   = local.name # the API's name
      version = local.document.info.version
    }
    components = { securitySchemes = local.document.components.securitySchemes }
    paths = {
      for path, methods in local.methods : path => merge(
        {
          parameters = [
            for match in regexall("{([a-z]+)[+]?}", path) :
            { name = match[0], in = "path", required = true, schema = { type = "string" } }
          ]
        },
        { for method in methods : method => local.operation },
        { x-amazon-apigateway-any-method = local.operation },
      )
    }
    x-amazon-apigateway-gateway-responses = {
      for type, title in { DEFAULT_4XX = "Refused by API Gateway", DEFAULT_5XX = "Failed in API Gateway" } :
      type => {
        responseTemplates = {
          # $context.error.messageString includes its quotes.
          "application/json" = "{\"type\":\"about:blank\",\"title\":\"${title}\",\"detail\":$context.error.messageString}"
        }
      }
    }
  }

  # Every plan knows the hash. It may not know the URI, because a `depends_on` on the module makes data sources unknown.
  body      = replace(jsonencode(local.outline), "\"URI\"", jsonencode(local.uri))
  body_hash = substr(sha256(jsonencode(local.outline)), 0, 16)
}

resource "aws_api_gateway_rest_api" "this" {
  # checkov:skip=CKV_AWS_237:the URL contains the API's id, so creating a new one first helps nobody

  name        = local.name
  description = "Which addresses may be mailed."
  body        = local.body
  tags        = var.tags

  endpoint_configuration {
    types = ["REGIONAL"]
  }
}

# The policy always exists, so that removing the last caller is an ordinary change.
resource "aws_api_gateway_rest_api_policy" "this" {
  rest_api_id = aws_api_gateway_rest_api.this.id
  policy      = data.aws_iam_policy_document.api.json
}

data "aws_iam_policy_document" "api" {
  statement {
    # Provider 6.48 and later wipe the policy when they import a changed body (hashicorp/terraform-provider-aws issue
    # 49672), and do not notice. The body's hash makes them write it again, in place. Replacing the policy would not work:
    # like the deployment, the new one would be created first, and destroying the old one would wipe it.
    sid       = "AllowCallersInvoke${local.body_hash}"
    actions   = ["execute-api:Invoke"]
    resources = ["${aws_api_gateway_rest_api.this.execution_arn}/${local.stage}/*"]

    # Allowing the account's root leaves the decision to the account's IAM policies, as without a resource policy.
    principals {
      type        = "AWS"
      identifiers = length(var.callers) > 0 ? var.callers : ["arn:${local.partition}:iam::${local.account}:root"]
    }
  }
}

resource "aws_api_gateway_deployment" "this" {
  rest_api_id = aws_api_gateway_rest_api.this.id

  # A deployment is a copy of the API and its policy, so a change of either needs a new deployment.
  triggers = {
    redeployment = sha256(jsonencode([local.body_hash, length(var.callers) > 0 ? var.callers : ["this account"]]))
  }

  lifecycle {
    create_before_destroy = true
  }

  depends_on = [aws_api_gateway_rest_api_policy.this]
}

resource "aws_api_gateway_stage" "this" {
  # checkov:skip=CKV_AWS_73:the caller decides on tracing; access log and metrics say what happened
  # checkov:skip=CKV_AWS_120:an answer may be outdated a moment later, and a cache would keep it
  # checkov:skip=CKV2_AWS_51:callers are known by their IAM signatures
  # checkov:skip=CKV2_AWS_29:every request is signed, authorized and throttled; the account decides on a web ACL
  # checkov:skip=CKV2_AWS_4:execution logs would contain addresses; the access log contains none

  rest_api_id   = aws_api_gateway_rest_api.this.id
  deployment_id = aws_api_gateway_deployment.this.id
  stage_name    = local.stage
  variables     = { function = module.function.lambda.function_name }
  description   = "The API's first version, which grows but does not break."
  tags          = var.tags

  xray_tracing_enabled = var.function.tracing

  dynamic "access_log_settings" {
    for_each = aws_cloudwatch_log_group.access[*].arn

    content {
      destination_arn = access_log_settings.value

      # No path and no query, because they contain addresses.
      format = jsonencode({
        time            = "$context.requestTime"
        requestId       = "$context.requestId"
        method          = "$context.httpMethod"
        resource        = "$context.resourcePath"
        status          = "$context.status"
        error           = "$context.error.responseType"
        caller          = "$context.identity.userArn"
        sourceIp        = "$context.identity.sourceIp"
        functionRequest = "$context.integration.requestId"
        milliseconds    = "$context.responseLatency"
        octets          = "$context.responseLength"
      })
    }
  }
}

resource "aws_api_gateway_method_settings" "this" {
  # checkov:skip=CKV_AWS_225:an answer may be outdated a moment later, and a cache would keep it

  rest_api_id = aws_api_gateway_rest_api.this.id
  stage_name  = aws_api_gateway_stage.this.stage_name
  method_path = "*/*"

  settings {
    throttling_rate_limit  = var.throttling.requests_per_second
    throttling_burst_limit = var.throttling.burst
  }

  # A new stage of the same name has none.
  lifecycle {
    replace_triggered_by = [aws_api_gateway_stage.this.id]
  }
}

resource "aws_cloudwatch_log_group" "access" {
  count = var.access_logs ? 1 : 0

  name              = "/aws/apigateway/${local.name}"
  retention_in_days = var.function.log_retention_days
  kms_key_id        = var.feedback.kms_key_arn
  tags              = var.tags

  lifecycle {
    ignore_changes = [name] # renaming would lose its logs
  }
}

# IAM policies for callers.
data "aws_iam_policy_document" "caller" {
  for_each = {
    read     = ["GET/addresses", "GET/addresses/*", "POST/check"]
    override = ["DELETE/addresses/*/override", "PUT/addresses/*/override"]
  }

  statement {
    actions   = ["execute-api:Invoke"]
    resources = [for route in each.value : "${aws_api_gateway_rest_api.this.execution_arn}/${local.stage}/${route}"]
  }
}
