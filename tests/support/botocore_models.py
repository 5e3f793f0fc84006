"""What botocore finds out anew for each session, found out once for a process: above all the models of the services.

That takes longer than anything else in the making of a client.
"""

from collections.abc import Callable
from functools import cache
from types import FunctionType
from typing import Any

import botocore.session
from botocore import hooks
from botocore.loaders import JSONFileLoader, Loader


def share() -> None:
    """Let all sessions of this process share what was found and read."""
    JSONFileLoader.load_file = _once(JSONFileLoader.load_file, lambda _, path: path)  # type: ignore[method-assign]  # botocore has no place for it
    for name in ("list_available_services", "list_api_versions"):
        setattr(Loader, name, _once(getattr(Loader, name), _by_place))
    hooks.accepts_kwargs = _of_functions_once(hooks.accepts_kwargs)  # asked of some 120 handlers of each session


def _by_place(loader: Loader, *arguments: object, **named: object) -> tuple[object, ...]:
    return (*loader.search_paths, *arguments, *named.items())


def _of_functions_once(method: Callable[..., Any]) -> Callable[..., Any]:
    once = cache(method)
    return lambda func: once(func) if isinstance(func, FunctionType) else method(func)


def _once(method: Callable[..., Any], key: Callable[..., Any]) -> Callable[..., Any]:
    """Return a method that is called once for each key of an object and its arguments."""
    returned: dict[Any, Any] = {}

    def call(this: object, *arguments: object, **named: object) -> Any:
        place = key(this, *arguments, **named)
        if place not in returned:
            returned[place] = method(this, *arguments, **named)
        return returned[place]

    return call


def read(*services: str) -> None:
    """Read the models of services, for processes that are forked from this one."""
    session = botocore.session.get_session()
    for service in services:
        # With keys, or it would ask the network for some.
        session.create_client(service, "us-east-1", aws_access_key_id="-", aws_secret_access_key="-").close()  # noqa: S106  (none)
