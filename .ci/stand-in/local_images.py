"""Lambda's images are used as the engine has them; LocalStack 4.14.0 would pull them, which needs a registry."""

from localstack.services.lambda_ import hooks
from localstack.services.lambda_.invocation import docker_runtime_executor as docker
from localstack.services.lambda_.invocation.lambda_models import FunctionVersion


@hooks.prepare_docker_executor()
def use_local_images(function_version: FunctionVersion) -> None:
    """Count the function's image as pulled."""
    configuration = function_version.config
    image = docker.resolver.get_image_for_runtime(configuration.runtime)
    docker.PULLED_IMAGES.add((image, docker.docker_platform(configuration.architectures[0])))
