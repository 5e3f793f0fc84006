# The REST API as made from openapi.yaml, and its stage.

mock_provider "aws" {
  source = "../../tests/mocks"
}

variables {
  feedback = {
    table = { name = "mailing", arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/mailing" }
    rules = {}
  }
}

run "the_api_is_the_document_signed_throttled_and_not_logged" {
  # The routes are those of the document; the function refuses the rest.

  assert {
    condition = sort(flatten([
      for path, item in jsondecode(aws_api_gateway_rest_api.this.body).paths : [for key, _ in item : "${key} ${path}" if key != "parameters"]
      ])) == sort([
      "get /addresses",
      "get /addresses/{address}",
      "put /addresses/{address}/override",
      "delete /addresses/{address}/override",
      "post /check",
      "x-amazon-apigateway-any-method /addresses",
      "x-amazon-apigateway-any-method /addresses/{address}",
      "x-amazon-apigateway-any-method /addresses/{address}/override",
      "x-amazon-apigateway-any-method /check",
      "x-amazon-apigateway-any-method /{proxy+}",
    ])
    error_message = "A route is missing, or one too many."
  }

  assert {
    condition = { for path, item in jsondecode(aws_api_gateway_rest_api.this.body).paths : path => [for each in item.parameters : "${each.in} ${each.name}"] } == {
      "/addresses"                    = []
      "/addresses/{address}"          = ["path address"]
      "/addresses/{address}/override" = ["path address"]
      "/check"                        = []
      "/{proxy+}"                     = ["path proxy"]
    }
    error_message = "Each variable part of a path must be declared."
  }

  # Every route is signed and goes to the function.

  assert {
    condition = alltrue(flatten([
      for path, item in jsondecode(aws_api_gateway_rest_api.this.body).paths : [
        for key, operation in item : (
          operation.security == [{ sigv4 = [] }] &&
          operation["x-amazon-apigateway-integration"].type == "aws_proxy" &&
          operation["x-amazon-apigateway-integration"].httpMethod == "POST" &&
          operation["x-amazon-apigateway-integration"].uri == "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:123456789012:function:$${stageVariables.function}/invocations"
        ) if key != "parameters"
      ]
    ]))
    error_message = "A route is open to everybody, or does not go to the function."
  }

  assert {
    condition     = jsondecode(aws_api_gateway_rest_api.this.body).components.securitySchemes.sigv4["x-amazon-apigateway-authtype"] == "awsSigv4"
    error_message = "Requests must be signed with Signature Version 4."
  }

  # API Gateway gets a version that it imports, and no schemas.

  assert {
    condition = (
      jsondecode(aws_api_gateway_rest_api.this.body).openapi == "3.0.1" &&
      keys(jsondecode(aws_api_gateway_rest_api.this.body).components) == ["securitySchemes"]
    )
    error_message = "API Gateway imports OpenAPI 3.0.1 and would misread schemas of 3.1."
  }

  assert {
    condition = (
      aws_api_gateway_rest_api.this.name == "mailing-lookup" &&
      jsondecode(aws_api_gateway_rest_api.this.body).info.title == "mailing-lookup" &&
      aws_api_gateway_rest_api.this.endpoint_configuration[0].types == tolist(["REGIONAL"])
    )
    error_message = "The API must be regional, and its document must not rename it."
  }

  # What API Gateway answers by itself are problem details.

  assert {
    condition = {
      for type, answer in jsondecode(aws_api_gateway_rest_api.this.body)["x-amazon-apigateway-gateway-responses"] :
      type => keys(jsondecode(replace(answer.responseTemplates["application/json"], "$context.error.messageString", "\"message\"")))
      } == {
      DEFAULT_4XX = ["detail", "title", "type"]
      DEFAULT_5XX = ["detail", "title", "type"]
    }
    error_message = "Errors of API Gateway must be JSON with type, title and detail."
  }

  # The stage is throttled, and nothing is logged unasked.

  assert {
    condition = (
      aws_api_gateway_stage.this.stage_name == "v1" &&
      aws_api_gateway_stage.this.deployment_id == aws_api_gateway_deployment.this.id &&
      aws_api_gateway_stage.this.variables == tomap({ function = module.function.lambda.function_name }) &&
      aws_api_gateway_method_settings.this.method_path == "*/*" &&
      aws_api_gateway_method_settings.this.stage_name == "v1" &&
      aws_api_gateway_method_settings.this.settings[0].throttling_rate_limit == 100 &&
      aws_api_gateway_method_settings.this.settings[0].throttling_burst_limit == 200
    )
    error_message = "The stage's defaults changed."
  }

  assert {
    condition     = length(aws_api_gateway_stage.this.access_log_settings) == 0 && length(aws_cloudwatch_log_group.access) == 0 && output.access_log_group_name == null
    error_message = "Without access logs there must be no trace of them: API Gateway may lack the role."
  }

  # The API can have a domain and a web ACL.

  assert {
    condition     = output.rest_api_id == aws_api_gateway_rest_api.this.id && output.stage_arn == aws_api_gateway_stage.this.arn
    error_message = "The outputs must be what a base path mapping and an association of a web ACL take."
  }
}

run "throttling_can_be_set_and_requests_are_logged_without_addresses" {
  variables {
    throttling  = { requests_per_second = 0.5, burst = 1 }
    access_logs = true
  }

  assert {
    condition = (
      aws_api_gateway_method_settings.this.settings[0].throttling_rate_limit == 0.5 &&
      aws_api_gateway_method_settings.this.settings[0].throttling_burst_limit == 1
    )
    error_message = "The throttling must reach the stage."
  }

  assert {
    condition = (
      aws_cloudwatch_log_group.access[0].name == "/aws/apigateway/mailing-lookup" &&
      aws_cloudwatch_log_group.access[0].retention_in_days == 30 &&
      aws_api_gateway_stage.this.access_log_settings[0].destination_arn == aws_cloudwatch_log_group.access[0].arn
    )
    error_message = "The stage must log to a group of its own with a retention."
  }

  assert {
    condition = (
      length(setsubtract(["$context.requestId", "$context.identity.userArn", "$context.httpMethod", "$context.resourcePath", "$context.status"], values(jsondecode(aws_api_gateway_stage.this.access_log_settings[0].format)))) == 0 &&
      !strcontains(aws_api_gateway_stage.this.access_log_settings[0].format, "$context.path") &&
      !strcontains(aws_api_gateway_stage.this.access_log_settings[0].format, "querystring")
    )
    error_message = "A line must tell who asked what and how it ended, and hold no path, which has the address in it."
  }
}
