"""Places in Amazon S3, as commands name them: ``s3://BUCKET/PREFIX``. Errors of AWS are raised as botocore does."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from healthy_mailing_cli.shell.output import CommandError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SCHEME = "s3://"


@dataclass(frozen=True, slots=True)
class Location:
    """A bucket, and what the keys of its objects begin with."""

    bucket: str
    prefix: str = ""  # without a slash at its ends; empty for the whole bucket

    @classmethod
    def of(cls, text: str, option: str) -> "Location":
        """Read what was given for an option of the command line; raise ``CommandError`` if it is not such a place."""
        # Amazon S3 User Guide, "General purpose buckets naming rules"; old buckets may have capitals and underscores.
        match = re.fullmatch(rf"{SCHEME}([a-zA-Z0-9][\w.-]{{1,253}}[a-zA-Z0-9])(?:/(.*))?", text)
        if not match:
            raise CommandError(f"{option} {text} is not a place in S3 such as s3://bucket/prefix")
        return cls(match[1], (match[2] or "").strip("/"))

    def __str__(self) -> str:
        """Return it as a person would type it."""
        return f"{SCHEME}{self.bucket}/{self.prefix}".rstrip("/")

    def __truediv__(self, name: str) -> "Location":
        """Return the place of that name in here."""
        return Location(self.bucket, self.key(name))

    def key(self, name: str) -> str:
        """Return the key of an object of that name in here."""
        return f"{self.prefix}/{name}" if self.prefix else name


@dataclass(frozen=True, slots=True)
class Level:
    """What lies directly in a place: names of objects, and of folders."""

    names: frozenset[str]
    folders: tuple[str, ...]


def level(client: "S3Client", place: Location) -> Level:
    """Return what lies directly in a place. Needs ``s3:ListBucket``."""
    start = place.key("")
    names, folders = set(), []
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=place.bucket, Prefix=start, Delimiter="/")
    for page in pages:
        names |= {each["Key"].removeprefix(start) for each in page.get("Contents", [])}
        folders += [each["Prefix"].removeprefix(start).rstrip("/") for each in page.get("CommonPrefixes", [])]
    return Level(frozenset(names), tuple(folders))


def lines(client: "S3Client", place: Location, name: str) -> Iterator[bytes]:
    """Yield the lines of an object. Needs ``s3:GetObject``."""
    yield from client.get_object(Bucket=place.bucket, Key=place.key(name))["Body"].iter_lines()
