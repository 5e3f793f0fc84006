"""botocore's models of the services, read once for a process.

Each session reads them again, which takes longer than anything else in the making of a client.
"""

import botocore.session
from botocore.loaders import JSONFileLoader


def share() -> None:
    """Let all sessions of this process share what was read."""
    load_file, loaded = JSONFileLoader.load_file, {}

    def load_once(self: JSONFileLoader, path: str) -> object:
        if path not in loaded:
            loaded[path] = load_file(self, path)
        return loaded[path]

    JSONFileLoader.load_file = load_once  # type: ignore[method-assign,assignment]  # botocore has no place for it


def read(*services: str) -> None:
    """Read the models of services, for processes that are forked from this one."""
    session = botocore.session.get_session()
    for service in services:
        # With keys, or it would ask the network for some.
        session.create_client(service, "us-east-1", aws_access_key_id="-", aws_secret_access_key="-").close()  # noqa: S106  (none)
