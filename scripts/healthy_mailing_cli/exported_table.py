"""A table that DynamoDB exported to S3, in a folder that was copied from there.

Amazon DynamoDB Developer Guide, "DynamoDB table export output format": ``manifest-summary.json`` says what was
exported, ``manifest-files.json`` names each file of items in ``data/`` and how many it has, a JSON object a line. The
files are compressed by gzip; each line of them is ``{"Item": …}`` in DynamoDB's JSON.
"""

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from healthy_mailing.item import ADDRESS, Item, from_dynamodb
from healthy_mailing_cli import output
from healthy_mailing_cli.output import CommandError
from healthy_mailing_cli.scan import Positions

_PAGE = 1_000
_SUMMARY, _FILES = "manifest-summary.json", "manifest-files.json"


class ExportedTable:
    """The items of an export, read file by file."""

    def __init__(self, folder: str) -> None:
        """Look at the manifests.

        Raises:
            CommandError: The folder holds no whole export of a table of ours.
        """
        if folder.startswith("s3://"):
            raise CommandError(f"Copy the export first: aws s3 sync {folder} FOLDER; then --from-export FOLDER")
        found = sorted(Path(folder).rglob(_SUMMARY))
        if len(found) != 1:
            raise CommandError(f"{folder} holds {len(found) or 'no'} exports of DynamoDB: name the folder of one")
        self._folder = found[0].parent
        summary = _read(found[0])[0]
        if summary.get("outputFormat") != "DYNAMODB_JSON" or summary.get("exportType", "FULL_EXPORT") != "FULL_EXPORT":
            raise CommandError(f"{folder} is no full export in DynamoDB's JSON: export the table so")
        self._files = {
            self._folder / "data" / PurePosixPath(each["dataFileS3Key"]).name: int(each["itemCount"])
            for each in _read(self._folder / _FILES)
        }
        missing = [path.name for path in self._files if not path.is_file()]
        if missing:
            raise CommandError(f"{folder} lacks {output.some(missing)}: copy all of the export")

    @property
    def of(self) -> dict[str, Any]:
        """What is read, as ``scan.Scan`` has it."""
        return {"export": str(self._folder)}

    def pages(self, _positions: Positions | None = None) -> Iterator[tuple[list[Item], Positions]]:
        """Yield items, some at a time, as ``scan.Scan`` does.

        Raises:
            CommandError: A file is damaged, or not all of it is there.
        """
        for path, count in self._files.items():
            left = count
            try:
                with gzip.open(path, "rt", encoding="utf-8") as file:
                    items = (_item(json.loads(line)["Item"]) for line in file if line.strip())
                    for window in output.windows(items, _PAGE):
                        left -= len(window)
                        yield window, {}
            except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError, AttributeError):
                raise CommandError(f"{path} is damaged: copy it again") from None
            if left:
                raise CommandError(f"{path} lacks {left:,} items: copy it again")


def _item(found: dict[str, Any]) -> Item:
    item = from_dynamodb(found)
    if not isinstance(item.get(ADDRESS), str):
        raise TypeError("it is an item of another table")
    return item


def _read(path: Path) -> list[Any]:
    try:
        with path.open(encoding="utf-8") as file:
            lines = [json.loads(line) for line in file if line.strip()]
            if lines and all(isinstance(each, dict) for each in lines):
                return lines
    except (OSError, ValueError) as error:
        raise CommandError(f"{path} can't be read: {error}") from None
    raise CommandError(f"{path} is empty: copy the export again")
