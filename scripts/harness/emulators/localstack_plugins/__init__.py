"""LocalStack plugins for machines without Docker: Lambda functions as local processes, DynamoDB by moto.

They run in LocalStack's process and are installed into its environment, with LocalStack 4.14.0 and nothing of the
harness but :mod:`harness.lifeline` and :mod:`harness.emulators.partiql`. LocalStack finds them by the entry points in
``pyproject.toml``; ``LAMBDA_RUNTIME_EXECUTOR=process``, ``PROVIDER_OVERRIDE_DYNAMODB=moto`` and
``PROVIDER_OVERRIDE_S3=temporary`` choose them.
"""
