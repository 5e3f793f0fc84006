"""The function's settings, read once when it starts."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from healthy_mailing.evidence import SOFT_BOUNCE_DAYS_KEPT, Rules

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")

_T = TypeVar("_T")


class SettingsError(ValueError):
    """Raised for a setting that is missing or out of range. The message names it and says which values are valid."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings in the environment.

    Attributes:
        table_name: ``TABLE_NAME``, required.
        rules: ``SOFT_BOUNCE_LIMIT``, ``SOFT_BOUNCE_WINDOW_DAYS``, ``DELIVERY_REFRESH_DAYS``, ``EXPIRE_DAYS``.
        log_level: ``LOG_LEVEL``, one of ``LOG_LEVELS``; ``INFO`` if absent.
    """

    table_name: str
    rules: Rules
    log_level: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Read and check the settings.

        Raises:
            SettingsError: A setting is missing or invalid.
        """
        table_name = environment.get("TABLE_NAME", "")
        if not table_name:
            raise SettingsError(
                "the environment variable TABLE_NAME is not set; set it to the name of the DynamoDB table"
            )
        log_level = _log_level(environment)
        default = Rules()
        rules = Rules(
            _number(environment, "SOFT_BOUNCE_LIMIT", default.soft_bounce_limit, SOFT_BOUNCE_DAYS_KEPT),
            _number(environment, "SOFT_BOUNCE_WINDOW_DAYS", default.soft_bounce_window_days, 3650),
            _number(environment, "DELIVERY_REFRESH_DAYS", default.delivery_refresh_days, 365),
            # Older feedback may wait in the queue and the dead-letter queue for 14 days each.
            _number(environment, "EXPIRE_DAYS", None, 3650, smallest=30),
        )
        return cls(table_name, rules, log_level)


@dataclass(frozen=True, slots=True)
class ChangesSettings:
    """What the environment says to the function that tells of changes.

    Attributes:
        event_bus: ``EVENT_BUS``, the ARN of the event bus, required.
        table_arn: ``TABLE_ARN``, the ARN of the table, required: each event names it.
        dead_letter_queue_url: ``DEAD_LETTER_QUEUE_URL``, required: the queue for unreadable records.
        new_deliveries: ``NEW_DELIVERIES``, whether new addresses that may be mailed are news: ``true`` or ``false``
            (the default).
        log_level: ``LOG_LEVEL``, one of ``LOG_LEVELS``; ``INFO`` if absent.
    """

    event_bus: str
    table_arn: str
    dead_letter_queue_url: str
    new_deliveries: bool
    log_level: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "ChangesSettings":
        """Read and check the settings.

        Raises:
            SettingsError: A setting is missing or invalid.
        """
        new_deliveries = environment.get("NEW_DELIVERIES", "false")
        if new_deliveries not in {"true", "false"}:
            raise SettingsError(f"NEW_DELIVERIES is {new_deliveries!r}; it must be true or false")
        return cls(
            _matching(environment, "EVENT_BUS", "arn:.+:event-bus/.+", "the ARN of an event bus"),
            _matching(environment, "TABLE_ARN", "arn:.+:table/.+", "the ARN of the DynamoDB table"),
            _matching(environment, "DEAD_LETTER_QUEUE_URL", "https?://.+", "the URL of an SQS queue"),
            new_deliveries == "true",
            _log_level(environment),
        )


def _log_level(environment: Mapping[str, str]) -> str:
    log_level = environment.get("LOG_LEVEL", "INFO")
    if log_level not in LOG_LEVELS:
        raise SettingsError(f"LOG_LEVEL is {log_level!r}; it must be one of {', '.join(LOG_LEVELS)}")
    return log_level


def _matching(environment: Mapping[str, str], name: str, form: str, meaning: str) -> str:
    text = environment.get(name, "")
    if not text:
        raise SettingsError(f"the environment variable {name} is not set; set it to {meaning}")
    if not re.fullmatch(form, text):
        raise SettingsError(f"{name} is {text!r}; it must be {meaning}")
    return text


def _number(environment: Mapping[str, str], name: str, default: _T, largest: int, smallest: int = 1) -> int | _T:
    text = environment.get(name)
    if text is None:
        return default
    if not (re.fullmatch("[0-9]{1,5}", text) and smallest <= int(text) <= largest):
        raise SettingsError(f"{name} is {text!r}; it must be a whole number from {smallest} to {largest}")
    return int(text)
