"""A table that DynamoDB exports to S3: how an export is started, and how it is read, there or in a copy of its folder.

Amazon DynamoDB Developer Guide, "DynamoDB table export output format": ``manifest-summary.json`` says what was
exported and is written last, ``manifest-files.json`` names each file of items in ``data/``, with its MD5 and how many
items it has, a JSON object a line. The files are compressed by gzip; each line of them is ``{"Item": …}`` in DynamoDB's
JSON.
"""

import base64
import gzip
import hashlib
import json
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any

from boto3.exceptions import Boto3Error

from healthy_mailing.item import ADDRESS, Item, from_dynamodb
from healthy_mailing_cli.shell import output, s3
from healthy_mailing_cli.shell.connection import Connection
from healthy_mailing_cli.shell.output import CommandError
from healthy_mailing_cli.shell.s3 import Location
from healthy_mailing_cli.table.scan import Positions

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_PAGE = 1_000
_SUMMARY, _FILES, _STARTED, _DATA = "manifest-summary.json", "manifest-files.json", "_started", "data"
_ROOT = "AWSDynamoDB"  # the folder in which DynamoDB makes a folder for each export


def start(connection: Connection, place: Location) -> tuple[str, Location]:
    """Let DynamoDB export the table to a place, and return the export's ARN and the folder where it will be.

    It reads a backup of the table, so the table itself is under no load, and takes minutes to hours.

    Raises:
        CommandError: Point-in-time recovery of the table is off.
        botocore.exceptions.ClientError: There is no such table, or you may not.
    """
    client = connection.client("dynamodb")
    table = client.describe_table(TableName=connection.table)["Table"]["TableArn"]
    prefix: Any = {"S3Prefix": place.prefix} if place.prefix else {}
    try:
        answer = client.export_table_to_point_in_time(
            TableArn=table, S3Bucket=place.bucket, ExportFormat="DYNAMODB_JSON", **prefix
        )
    except client.exceptions.PointInTimeRecoveryUnavailableException:
        raise CommandError(
            f"Point-in-time recovery of {connection.table} is off, and DynamoDB exports by it. Set "
            "table.point_in_time_recovery to true and apply, or leave --start-export out: then the table itself is read"
        ) from None
    arn = answer["ExportDescription"]["ExportArn"]
    return arn, place / _ROOT / arn.rpartition("/")[2]


class _Folder:
    """A copy in a folder: the lines of its manifests, and its files of items."""

    def __init__(self, folder: str) -> None:
        found = sorted(Path(folder).rglob(_SUMMARY))
        if len(found) != 1:
            raise CommandError(f"{folder} holds {len(found) or 'no'} exports of DynamoDB: name the folder of one")
        self._path = found[0].parent

    def __str__(self) -> str:
        return str(self._path)

    def lines(self, name: str) -> Sequence[str]:
        path = self._path / name
        try:
            return path.read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError) as error:
            raise CommandError(f"{path} can't be read: {error}") from None

    def data(self) -> frozenset[str]:
        return frozenset(path.name for path in (self._path / _DATA).glob("*") if path.is_file())

    def opened(self, name: str) -> IO[bytes]:
        path = self._path / _DATA / name
        try:
            return path.open("rb")
        except OSError as error:
            raise CommandError(f"{path} can't be read: {error.strerror}") from None


class _Bucket:
    """The export itself. A file of items is fetched whole into a temporary file: S3 may cut a slow reader off."""

    def __init__(self, client: "S3Client", place: Location) -> None:
        self._client = client
        found = list(self._exports(place))
        if len(found) != 1:
            shown = output.some([str(each) for each in found])
            raise CommandError(
                f"{place} holds {len(found) or 'no'} exports of DynamoDB: name the folder of one"
                + (f", such as {shown}" if found else "")
            )
        self._place = found[0]
        if _SUMMARY not in s3.level(client, self._place).names:
            raise CommandError(
                f"{self._place} is not a finished export. DynamoDB takes minutes to hours: try again later; "
                "`aws dynamodb describe-export` says how far it is, or why it failed"
            )

    def __str__(self) -> str:
        return str(self._place)

    def lines(self, name: str) -> Sequence[bytes]:
        try:
            return list(s3.lines(self._client, self._place, name))
        except self._client.exceptions.NoSuchKey:
            raise CommandError(f"{self._place / name} is missing: export the table again") from None

    def data(self) -> frozenset[str]:
        return s3.level(self._client, self._place / _DATA).names

    @contextmanager
    def opened(self, name: str) -> Iterator[IO[bytes]]:
        with tempfile.TemporaryFile() as file:
            try:
                self._client.download_fileobj(self._place.bucket, (self._place / _DATA).key(name), file)
            except Boto3Error as error:  # what botocore raises was tried again too often
                raise CommandError(f"{self._place / _DATA / name} can't be fetched: {error}") from None
            file.seek(0)
            yield file

    def _exports(self, place: Location) -> Iterator[Location]:
        """Yield the folders of exports in a place, which may be one itself, and may not be finished."""
        found = s3.level(self._client, place)
        if found.names & {_SUMMARY, _STARTED}:
            yield place
        elif PurePosixPath(place.prefix).name == _ROOT:
            yield from (place / each for each in found.folders)
        elif _ROOT in found.folders:
            yield from self._exports(place / _ROOT)


class ExportedTable:
    """The items of an export, read file by file. Memory does not grow with their number."""

    def __init__(self, source: str, connection: Connection) -> None:
        """Look at the manifests.

        Args:
            source: A folder, or a place in S3 (``s3://…``): an export's own, or one that holds a single export.
            connection: The way to S3.

        Raises:
            CommandError: There is no whole export of a table of ours.
            botocore.exceptions.ClientError: You may not read it.
        """
        in_s3 = source.startswith(s3.SCHEME)
        if in_s3:
            self._source: _Bucket | _Folder = _Bucket(connection.client("s3"), Location.of(source, "--from-export"))
        else:
            self._source = _Folder(source)
        self._again = "export the table again" if in_s3 else "copy it again"
        summary = self._read(_SUMMARY)[0]
        if summary.get("outputFormat") != "DYNAMODB_JSON" or summary.get("exportType", "FULL_EXPORT") != "FULL_EXPORT":
            raise CommandError(
                f"{source} is not a full export in DynamoDB's JSON: export the whole table in that format"
            )
        table = str(summary.get("tableArn", "")).rpartition("/")[2]
        if connection.is_named and table not in {"", connection.table}:
            raise CommandError(
                f"{source} is an export of the table {table}, not of {connection.table}: name it with --table {table}"
            )
        self._files = self._read(_FILES)
        try:
            names = [_name(each) for each in self._files]
            held, said = sum(int(each["itemCount"]) for each in self._files), int(summary["itemCount"])
        except (KeyError, TypeError, ValueError):
            raise CommandError(f"{self._source}/{_FILES} is damaged: {self._again}") from None
        there = self._source.data()
        missing = [name for name in names if name not in there]
        if missing:
            raise CommandError(f"{source} lacks {output.some(missing)}: {self._again}")
        if held != said:
            raise CommandError(f"{self._source} has files of {held:,} items, of {said:,}: {self._again}")

    @property
    def of(self) -> dict[str, Any]:
        """What is read, as ``scan.Scan`` has it."""
        return {"export": str(self._source)}

    def pages(self, _positions: Positions | None = None) -> Iterator[tuple[list[Item], Positions]]:
        """Yield items, some at a time, as ``scan.Scan`` does.

        Raises:
            CommandError: A file is damaged, or not all of it is there; nothing of a file whose MD5 differs is yielded.
        """
        for each in self._files:
            name, left = _name(each), int(each["itemCount"])
            with self._source.opened(name) as file:
                self._check(name, each, file)
                try:
                    with gzip.open(file, "rt", encoding="utf-8") as lines:
                        items = (_item(json.loads(line)["Item"]) for line in lines if line.strip())
                        for window in output.windows(items, _PAGE):
                            left -= len(window)
                            yield window, {}
                except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError, AttributeError):
                    raise CommandError(f"{self._source}/{_DATA}/{name} is damaged: {self._again}") from None
            if left:
                lacks = f"lacks {left:,} items" if left > 0 else f"has {-left:,} items too many"
                raise CommandError(f"{self._source}/{_DATA}/{name} {lacks}: {self._again}")

    def _check(self, name: str, said: dict[str, Any], file: IO[bytes]) -> None:
        """Compare the MD5 of a file, as it is stored, with the manifest's, which is in Base64."""
        found = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).digest()  # type: ignore[arg-type]  # typeshed wants a buffered reader
        if base64.b64encode(found).decode() != said.get("md5Checksum"):
            raise CommandError(f"{self._source}/{_DATA}/{name} has another MD5 than its manifest says: {self._again}")
        file.seek(0)

    def _read(self, name: str) -> list[dict[str, Any]]:
        try:
            found = [json.loads(line) for line in self._source.lines(name) if line.strip()]
        except ValueError as error:
            raise CommandError(f"{self._source}/{name} can't be read: {error}") from None
        if not found or not all(isinstance(each, dict) for each in found):
            raise CommandError(f"{self._source}/{name} is empty: {self._again}")
        return found


def _name(file: dict[str, Any]) -> str:
    # The key is that of the first bucket; a copy may lie elsewhere.
    return PurePosixPath(file["dataFileS3Key"]).name


def _item(found: dict[str, Any]) -> Item:
    item = from_dynamodb(found)
    if not isinstance(item.get(ADDRESS), str):
        raise TypeError("it is an item of another table")
    return item
