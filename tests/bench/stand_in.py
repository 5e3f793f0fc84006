"""DynamoDB's stand-in for measurements: a process of its own, so that its CPU time is not counted.

Every BatchGetItem finds nothing, every UpdateItem succeeds; nothing is kept.
"""

import asyncio
import sys


async def serve_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer the requests of one connection until the other side closes it."""
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            fields = {
                name.strip().lower(): value.strip()
                for name, _, value in (line.partition(b":") for line in head.split(b"\r\n")[1:])
            }
            await reader.readexactly(int(fields.get(b"content-length", b"0")))
            body = (
                b'{"Responses":{},"UnprocessedKeys":{}}'
                if fields[b"x-amz-target"].endswith(b".BatchGetItem")
                else b"{}"
            )
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\n"
                + b"Content-Length: %d\r\n\r\n" % len(body)
                + body
            )
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main() -> None:
    """Serve on a free loopback port, print it, and end with standard input."""
    server = await asyncio.start_server(serve_connection, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
