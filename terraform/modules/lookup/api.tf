# The REST API, made from openapi.yaml.

locals {
  stage    = "v1"
  document = yamldecode(file("${path.module}/openapi.yaml"))

  # The stage says which function that is. So the API depends on nothing with a fixed name: a deployment is made before the
  # one that it replaces goes, and so would be all that it depends on.
  uri = "arn:${local.partition}:apigateway:${local.region}:lambda:path/2015-03-31/functions/arn:${local.partition}:lambda:${local.region}:${local.account}:function:$${stageVariables.function}/invocations"

  # What each operation of the API is to API Gateway: signed, and handed to the function as it is.
  operation = {
    security = [for name, _ in local.document.components.securitySchemes : { (name) = [] }]
    x-amazon-apigateway-integration = {
      type       = "aws_proxy"
      httpMethod = "POST" # by which API Gateway calls Lambda, whatever the request's method
      uri        = "URI"
    }
  }

  # By path, its methods as written in the document. Any other method, and any other path, reaches the function too, which
  # answers 405 or 404: API Gateway would say "Missing Authentication Token".
  methods = merge(
    {
      for path, item in local.document.paths :
      path => [for key, _ in item : key if contains(["get", "put", "post", "delete"], key)]
    },
    { "/{proxy+}" = [] },
  )

  # API Gateway imports OpenAPI 3.0.1 and models in JSON Schema draft 4, the document is of OpenAPI 3.1 and JSON Schema
  # 2020-12. So it is given what it acts upon, paths, methods and authorization, and neither schemas nor responses: the
  # function checks every request itself, and its tests hold it to the whole document.
  outline = {
    openapi = "3.0.1"
    info = {
      title   = local.name # API Gateway takes its name from here
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
          # $context.error.messageString comes with its quotes.
          "application/json" = "{\"type\":\"about:blank\",\"title\":\"${title}\",\"detail\":$context.error.messageString}"
        }
      }
    }
  }

  # The hash is known to every plan, the URI is not: a `depends_on` of the module makes data sources unknown.
  body      = replace(jsonencode(local.outline), "\"URI\"", jsonencode(local.uri))
  body_hash = substr(sha256(jsonencode(local.outline)), 0, 16)
}

resource "aws_api_gateway_rest_api" "this" {
  # checkov:skip=CKV_AWS_237:its URL contains its id, so a new one before the old would help nobody

  name        = local.name
  description = "Which addresses may be mailed."
  body        = local.body
  tags        = var.tags

  endpoint_configuration {
    types = ["REGIONAL"]
  }
}

# There is always a policy, so that to revoke the last caller is a change like any other.
resource "aws_api_gateway_rest_api_policy" "this" {
  rest_api_id = aws_api_gateway_rest_api.this.id
  policy      = data.aws_iam_policy_document.api.json
}

data "aws_iam_policy_document" "api" {
  statement {
    # Provider 6.48 and later wipe the policy when they import a changed body (hashicorp/terraform-provider-aws issue
    # 49672), and do not notice. The body's hash makes them write it again, in place: a replacement would be made before
    # the old one goes, as the deployment is, and so would be wiped by the end of the old one.
    sid       = "AllowCallersInvoke${local.body_hash}"
    actions   = ["execute-api:Invoke"]
    resources = ["${aws_api_gateway_rest_api.this.execution_arn}/${local.stage}/*"]

    # The account itself allows nobody by that: its own IAM policies decide, as without a policy.
    principals {
      type        = "AWS"
      identifiers = length(var.callers) > 0 ? var.callers : ["arn:${local.partition}:iam::${local.account}:root"]
    }
  }
}

resource "aws_api_gateway_deployment" "this" {
  rest_api_id = aws_api_gateway_rest_api.this.id

  # A deployment is a copy of the API and of its policy: what changes them must make a new one.
  triggers = {
    redeployment = sha256(jsonencode([local.body_hash, length(var.callers) > 0 ? var.callers : ["this account"]]))
  }

  lifecycle {
    create_before_destroy = true
  }

  depends_on = [aws_api_gateway_rest_api_policy.this]
}

resource "aws_api_gateway_stage" "this" {
  # checkov:skip=CKV_AWS_73:tracing is the caller's choice; the access log and the metrics tell what happened
  # checkov:skip=CKV_AWS_120:an answer may be wrong a moment later, and a cache would keep it
  # checkov:skip=CKV2_AWS_51:callers are known by their IAM signatures
  # checkov:skip=CKV2_AWS_29:every request is signed, authorized and throttled; a web ACL is the account's affair
  # checkov:skip=CKV2_AWS_4:execution logs would hold addresses; the access log holds none

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

      # Neither path nor query: they hold addresses.
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
  # checkov:skip=CKV_AWS_225:an answer may be wrong a moment later, and a cache would keep it

  rest_api_id = aws_api_gateway_rest_api.this.id
  stage_name  = aws_api_gateway_stage.this.stage_name
  method_path = "*/*"

  settings {
    throttling_rate_limit  = var.throttling.requests_per_second
    throttling_burst_limit = var.throttling.burst
  }
}

resource "aws_cloudwatch_log_group" "access" {
  count = var.access_logs ? 1 : 0

  name              = "/aws/apigateway/${local.name}"
  retention_in_days = var.function.log_retention_days
  kms_key_id        = var.feedback.kms_key_arn
  tags              = var.tags

  lifecycle {
    ignore_changes = [name] # it keeps what it has logged
  }
}

# What callers need, for those who write their policies.
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
