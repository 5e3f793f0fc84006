"""DynamoDB's protocol, JSON in HTTP/1.1, for the servers of the tests and of the bench."""

import asyncio
from collections.abc import Mapping
from typing import Any


async def message(reader: asyncio.StreamReader) -> tuple[bytes, dict[bytes, bytes], bytes]:
    """Return the head, the header fields and the body of an HTTP message."""
    head = await reader.readuntil(b"\r\n\r\n")
    lines = (line.partition(b":") for line in head.split(b"\r\n")[1:])
    fields = {name.strip().lower(): value.strip() for name, _, value in lines}
    return head, fields, await reader.readexactly(int(fields.get(b"content-length", b"0")))


def answer(status: int, body: bytes) -> bytes:
    """Return an HTTP answer; nobody reads the reason in it."""
    head = b"HTTP/1.1 %d -\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: %d\r\n\r\n"
    return head % (status, len(body)) + body


def operation(fields: Mapping[bytes, bytes]) -> str:
    """Return the operation that the header fields of a request name."""
    return fields[b"x-amz-target"].decode().rpartition(".")[2]


def error(code: str, text: str, **more: Any) -> dict[str, Any]:
    """Return the body of an answer that refuses a request."""
    return {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": text, **more}
