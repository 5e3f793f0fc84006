"""What requests cost in DynamoDB's units.

Sources: Amazon DynamoDB Developer Guide, "DynamoDB item sizes and formats", "DynamoDB read and write operations" and
"Using Global Secondary Indexes", "Write costs".
"""

from collections.abc import Mapping
from typing import Any

Item = Mapping[str, Mapping[str, Any]]
"""An item in DynamoDB's JSON: ``{"UserId": {"S": "a@example.com"}, …}``."""

_WRITE_UNIT = 1024  # bytes
_READ_UNIT = 4096  # bytes


def item_bytes(item: Item) -> int:
    """Return the size of an item: its attributes' names and values, in UTF-8."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def read_units(item: Item | None, *, consistent: bool) -> float:
    """Return what reading one item costs; one that is not there costs as much as a small one."""
    units = _units(0 if item is None else item_bytes(item), _READ_UNIT)
    return units if consistent else units / 2


def write_units(before: Item | None, after: Item | None) -> int:
    """Return what one write costs the table: by the larger of the item before and after it.

    A write whose condition fails costs as much as one that leaves the item as it is.
    """
    return _units(max(item_bytes(item) for item in (before or {}, after or {})), _WRITE_UNIT)


def index_write_units(before: Item | None, after: Item | None, keys: tuple[str, ...]) -> int:
    """Return what one write costs an index of all attributes, which holds the items that have all of its ``keys``.

    An item that comes or goes costs one write, one whose keys change two, one that changes otherwise one.
    """
    old = before if before is not None and all(key in before for key in keys) else None
    new = after if after is not None and all(key in after for key in keys) else None
    if old == new:
        return 0
    if old is not None and new is not None:
        if any(old[key] != new[key] for key in keys):
            return write_units(old, None) + write_units(None, new)
        return write_units(old, new)
    return write_units(old, new)


def _units(size: int, unit: int) -> int:
    return max(1, -(-size // unit))


def _value_bytes(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            # One byte for two significant digits, and one.
            digits = content.lstrip("-").replace(".", "").strip("0") or "0"
            return (len(digits) + 1) // 2 + 1
        case "BOOL" | "NULL":
            return 1
        case "M":
            return 3 + sum(1 + len(name.encode()) + _value_bytes(each) for name, each in content.items())
        case "L":
            return 3 + sum(1 + _value_bytes(each) for each in content)
        case _:
            raise ValueError(f"no size is known for a value of type {kind}: add it here")
