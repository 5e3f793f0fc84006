"""Settings are read from the environment once, and a wrong one is named."""

import pytest

from healthy_mailing.evidence import Rules
from healthy_mailing.settings import LOG_LEVELS, ChangesSettings, Settings, SettingsError

TABLE = {"TABLE_NAME": "mailing"}
CHANGES = {
    "EVENT_BUS": "arn:aws:events:eu-west-1:123456789012:event-bus/default",
    "TABLE_ARN": "arn:aws:dynamodb:eu-west-1:123456789012:table/mailing",
    "DEAD_LETTER_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/123456789012/mailing-changes-dead-letter",
}


def test_only_the_table_need_be_set() -> None:
    rules = Rules(soft_bounce_limit=5, soft_bounce_window_days=30, delivery_refresh_days=1, expire_days=None)
    assert Settings.from_environment(TABLE) == Settings("mailing", rules, "INFO")


def test_every_setting_is_read() -> None:
    environment = {
        "TABLE_NAME": "other",
        "SOFT_BOUNCE_LIMIT": "3",
        "SOFT_BOUNCE_WINDOW_DAYS": "14",
        "DELIVERY_REFRESH_DAYS": "7",
        "EXPIRE_DAYS": "365",
        "LOG_LEVEL": "WARNING",
        "PATH": "of no interest",
    }
    assert Settings.from_environment(environment) == Settings("other", Rules(3, 14, 7, 365), "WARNING")


@pytest.mark.parametrize("environment", [{}, {"TABLE_NAME": ""}])
def test_a_missing_table_is_named(environment: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="TABLE_NAME"):
        Settings.from_environment(environment)


def test_log_levels() -> None:
    assert [Settings.from_environment({**TABLE, "LOG_LEVEL": each}).log_level for each in LOG_LEVELS] == list(
        LOG_LEVELS
    )


@pytest.mark.parametrize("level", ["", "info", "TRACE", "CRITICAL", "INFO ", "10"])
def test_an_unknown_log_level_is_named(level: str) -> None:
    for read, environment in ((Settings.from_environment, TABLE), (ChangesSettings.from_environment, CHANGES)):
        with pytest.raises(SettingsError, match="LOG_LEVEL"):
            read({**environment, "LOG_LEVEL": level})


NUMBERS = ["SOFT_BOUNCE_LIMIT", "SOFT_BOUNCE_WINDOW_DAYS", "DELIVERY_REFRESH_DAYS"]
WRONG = ["", "0", "-1", "+5", "1.5", "1e1", "five", " 5", "5\n", "0x5", "\u0665", "9" * 10_000]


@pytest.mark.parametrize("text", WRONG, ids=lambda text: repr(text)[:10])
@pytest.mark.parametrize("name", [*NUMBERS, "EXPIRE_DAYS"])
def test_a_wrong_number_is_named(name: str, text: str) -> None:
    with pytest.raises(SettingsError, match=name) as caught:
        Settings.from_environment({**TABLE, name: text})
    assert "whole number from" in str(caught.value)


def test_one_is_the_smallest_number() -> None:
    assert Settings.from_environment({**TABLE, **dict.fromkeys(NUMBERS, "1")}).rules == Rules(1, 1, 1)


def test_the_limit_is_no_greater_than_the_days_kept() -> None:
    assert Settings.from_environment({**TABLE, "SOFT_BOUNCE_LIMIT": "16"}).rules.soft_bounce_limit == 16
    with pytest.raises(SettingsError, match="SOFT_BOUNCE_LIMIT"):
        Settings.from_environment({**TABLE, "SOFT_BOUNCE_LIMIT": "17"})


@pytest.mark.parametrize("days", [30, 3650])
def test_addresses_expire_after_a_month_to_ten_years(days: int) -> None:
    assert Settings.from_environment({**TABLE, "EXPIRE_DAYS": str(days)}).rules.expire_days == days
    with pytest.raises(SettingsError, match=r"EXPIRE_DAYS is .* from 30 to 3650$"):
        Settings.from_environment({**TABLE, "EXPIRE_DAYS": str(days - 1 if days == 30 else days + 1)})


def test_settings_of_the_function_that_tells_of_changes() -> None:
    bus, table, queue = CHANGES.values()
    assert ChangesSettings.from_environment(CHANGES) == ChangesSettings(bus, table, queue, False, "INFO")  # noqa: FBT003  (a field)
    all_set = {**CHANGES, "NEW_DELIVERIES": "true", "LOG_LEVEL": "DEBUG", "TABLE_NAME": "of no interest"}
    assert ChangesSettings.from_environment(all_set) == ChangesSettings(bus, table, queue, True, "DEBUG")  # noqa: FBT003  (the same)


@pytest.mark.parametrize("value", [None, "", "mailing", "arn:aws:s3:::bucket"])
@pytest.mark.parametrize("name", CHANGES)
def test_a_missing_or_wrong_name_of_a_resource_is_named(name: str, value: str | None) -> None:
    given = {**CHANGES, name: value}
    with pytest.raises(SettingsError, match=name):
        ChangesSettings.from_environment({key: each for key, each in given.items() if each is not None})


@pytest.mark.parametrize("value", ["", "True", "yes", "1", "true "])
def test_a_switch_is_true_or_false(value: str) -> None:
    with pytest.raises(SettingsError, match="NEW_DELIVERIES"):
        ChangesSettings.from_environment({**CHANGES, "NEW_DELIVERIES": value})
