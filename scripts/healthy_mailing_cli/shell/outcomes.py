"""What a command made of each address: JSON a line each, or notes of what a person should know, and a sum."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from healthy_mailing.table import TableError
from healthy_mailing_cli.shell import errors, output


@dataclass
class Failures:
    """Notes why addresses failed: the first ones of each reason by name, and at the end how many there were."""

    what: str  # what did not happen, to begin the reason with, such as ``not set``; may be empty
    shown: int | None = None  # how many of a reason are named; None for all
    _counts: Counter[str] = field(default_factory=Counter)

    def add(self, address: str, message: str) -> None:
        """Note a failure, for a reason in a sentence without its end."""
        self._counts[message] += 1
        if self.shown is None or self._counts[message] <= self.shown:
            output.note(f"{address}: {self._because(message)}")

    def sum_up(self) -> None:
        """Note how many failed for the reasons of which not all were named."""
        for message, count in self._counts.items():
            if self.shown is not None and count > self.shown:
                output.note(f"{count:,} addresses: {self._because(message)}")

    def _because(self, message: str) -> str:
        return f"{self.what}. {message}." if self.what else f"{message}."


@dataclass
class Outcomes:
    """Prints what becomes of each address, and counts it."""

    # By result, a code that JSON has, its sentence of the sum, with ``{}`` for the count; in this order.
    words: Mapping[str, str]
    as_json: bool  # whether each is printed in JSON. Then there are no notes, and there is no sum
    failures: Failures  # how failures are noted
    unfinished: Collection[str] = ("failed",)  # the results after which something is left to do
    counts: Counter[str] = field(default_factory=Counter)  # how many came to which result

    def add(
        self,
        address: str,
        result: str,
        *,
        error: str = "",
        message: str = "",
        fields: Mapping[str, object] | None = None,
        notes: Iterable[str] = (),
    ) -> None:
        """Count an address, and print it.

        Args:
            address: The canonical address.
            result: What became of it.
            error: The code of what failed; empty if nothing did.
            message: The same in a sentence without its end; empty for that of an error of the table.
            fields: What else JSON has of it.
            notes: What else a person should know, in sentences; not read for JSON.
        """
        self.counts[result] += 1
        why = {"error": error, "message": message or errors.sentence(TableError(error))} if error else {}
        if self.as_json:
            output.ndjson({"address": address, "result": result, **(fields or {}), **why})
            return
        if error:
            self.failures.add(address, why["message"])
        for note in notes:
            output.note(f"{address}: {note}")

    def sum_up(self) -> None:
        """Print how many came to each result, if any did."""
        if self.as_json:
            return
        self.failures.sum_up()
        for result, sentence in self.words.items():
            if count := self.counts[result]:
                output.line(sentence.format(f"{count:,}"))

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do."""
        return not any(self.counts[result] for result in self.unfinished)
