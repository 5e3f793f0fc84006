"""LocalStack plugins for machines without Docker: Lambda functions as local processes, DynamoDB by moto.

Made for and tried with LocalStack 4.14.0. It finds them by the entry points in ``pyproject.toml``; its environment
chooses them by ``LAMBDA_RUNTIME_EXECUTOR=process``, ``PROVIDER_OVERRIDE_DYNAMODB=moto`` and
``PROVIDER_OVERRIDE_S3=temporary``.
"""
