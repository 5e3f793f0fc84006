"""What ``mailing doctor`` asks of SES: whether it sends, and whether it reports to the topic."""

import shlex
from collections.abc import Mapping, Sequence

from healthy_mailing_cli.doctor.examination import NEEDED, WANTED, Examination, Finding, Findings, ok, problem, warning
from healthy_mailing_cli.shell import output
from healthy_mailing_cli.shell.connection import listed

_IDENTITIES_PER_CALL = 100  # Amazon SES API Reference, GetIdentityNotificationAttributes
_PLURAL = {"Bounce": "bounces", "Complaint": "complaints", "Delivery": "deliveries"}
_NO_DELIVERIES = "reports no deliveries: an address that bounced stays disabled, even if it takes mail again."


def look_at_account(seen: Examination) -> Findings:
    """See whether SES sends for the account."""
    account, region = seen.sesv2.get_account(), seen.place.region
    quota = account["SendQuota"]
    seen.sent = quota["SentLast24Hours"]
    status = account.get("EnforcementStatus", "HEALTHY")
    if status == "SHUTDOWN" or not account["SendingEnabled"]:
        yield problem(
            f"SES sends nothing for this account in {region}.",
            "The SES console says why under Account dashboard. If you paused it yourself:",
            "aws sesv2 put-account-sending-attributes --sending-enabled",
        )
    elif status != "HEALTHY":
        yield warning(
            f"SES has put this account under review in {region}: {status}.",
            "The SES console says why under Reputation metrics. Answer there.",
        )
    elif not account["ProductionAccessEnabled"]:
        yield warning(
            f"The account is in the SES sandbox in {region}: SES sends only to verified addresses and the simulator.",
            "Request production access in the SES console before you mail others.",
        )
    else:
        sent = output.counted(int(seen.sent), "mail")
        yield ok(f"SES sent {sent} in the last 24 hours, of {quota['Max24HourSend']:,.0f} allowed.")


def look_at_configuration_sets(seen: Examination) -> Findings:
    """See whether each configuration set that publishes events here publishes the right ones.

    The others say nothing: the topics of an identity report all mail from it.
    """
    for name in listed(seen.sesv2.list_configuration_sets, "ConfigurationSets"):
        answer = seen.sesv2.get_configuration_set_event_destinations(ConfigurationSetName=name)
        here = [
            each
            for each in answer.get("EventDestinations", [])
            if each.get("SnsDestination", {}).get("TopicArn") == seen.stack.topic
        ]
        if not here:
            continue
        enabled = {kind for each in here if each.get("Enabled") for kind in each["MatchingEventTypes"]}
        reported = seen.sets[name] = frozenset(kind for kind in WANTED if kind.upper() in enabled)
        if reported:
            seen.sources.append(seen.place.arn("ses", f"configuration-set/{name}"))
        yield _configuration_set(name, reported, is_enabled=bool(enabled))


def _configuration_set(name: str, reported: frozenset[str], *, is_enabled: bool) -> Finding:
    missing = [kind for kind in NEEDED if kind not in reported]
    remedy = "`terraform apply` sets the event destination again, if module ses has it."
    if not is_enabled:
        return problem(f"The event destination of {name} is disabled.", remedy)
    if missing:
        return problem(f"{name} does not report {_listing(missing)} to the topic.", remedy)
    if "Delivery" not in reported:
        return warning(f"{name} {_NO_DELIVERIES}", "Set delivery to true for it in module ses.")
    return ok(f"{name} reports {_listing(WANTED)}.")


def look_at_identities(seen: Examination) -> Findings:
    """See where each identity reports bounces, complaints and deliveries."""
    known = {each["IdentityName"]: each for each in listed(seen.sesv2.list_email_identities, "EmailIdentities")}
    names = list(seen.identities or known)
    seen.found = [seen.place.arn("ses", f"identity/{name}") for name in names]
    if not names:
        yield warning(
            f"SES has no identity in {seen.place.region}, so no mail is sent from there.",
            "Verify a domain or an address in SES, then point it at the topic with module ses.",
        )
    for name in names:
        if name not in known:
            yield problem(
                f"SES knows no identity {name} in {seen.place.region}.",
                "Verify it in SES, or choose its region with --region.",
            )
    for some in output.windows(filter(known.__contains__, names), _IDENTITIES_PER_CALL):
        attributes = seen.ses.get_identity_notification_attributes(Identities=some)["NotificationAttributes"]
        for name in some:
            if known[name].get("VerificationStatus", "SUCCESS") != "SUCCESS":
                yield warning(f"{name} is not verified: SES sends nothing from it.", "Finish its verification in SES.")
            else:
                yield _identity(seen, name, attributes.get(name, {}))


def _identity(seen: Examination, name: str, attributes: Mapping[str, object]) -> Finding:
    topics = {kind: attributes.get(f"{kind}Topic") for kind in WANTED}
    here = [kind for kind in WANTED if topics[kind] == seen.stack.topic]
    missing = [kind for kind in WANTED if kind not in here]
    if here:
        seen.sources.append(seen.place.arn("ses", f"identity/{name}"))
    if not missing:
        headers = any(attributes.get(f"HeadersIn{kind}NotificationsEnabled") for kind in WANTED)
        forwarded = attributes.get("ForwardingEnabled")
        return ok(
            f"{name} reports {_listing(WANTED)}{', with the headers of the mail' if headers else ''}"
            f"{'; bounces and complaints also come by email' if forwarded else ''}."
        )
    remedy = "SES drops a topic that it may not publish to, so see the topic policy first. Then:"
    commands = [
        f"aws ses set-identity-notification-topic --identity {shlex.quote(name)} --notification-type {kind} "
        f"--sns-topic {seen.stack.topic}"
        for kind in missing
    ]
    if missing == ["Delivery"]:
        return warning(f"{name} {_NO_DELIVERIES}", "If that is not meant so:", *commands)
    if here:
        return problem(f"{name} does not report {_listing(missing)} to the topic.", remedy, *commands)
    default = seen.sesv2.get_email_identity(EmailIdentity=name).get("ConfigurationSetName")
    if seen.sets.get(default, frozenset()).issuperset(NEEDED):
        return ok(f"{name} reports through its configuration set {default}.")
    others = sorted({str(topic) for topic in topics.values() if topic})
    text = f"{name} reports to {', '.join(others)}." if others else f"{name} reports nothing to the topic."
    # Without --identity it may belong to another stack, send nothing, or always send with a configuration set.
    return (problem if name in seen.identities else warning)(text, f"If mail is sent from it: {remedy}", *commands)


def look_for_sources(seen: Examination) -> Findings:
    """See whether anything reports to the topic."""
    if seen.sources:
        yield ok(f"What reports to the topic: {', '.join(each.rpartition('/')[2] for each in seen.sources)}.")
    elif seen.found:
        yield problem(
            f"No identity and no configuration set of this account in {seen.place.region} reports to the topic, "
            "so no feedback comes from here.",
            "Point an identity at the topic with module ses. If the topic serves another account, run this there.",
        )


def _listing(kinds: Sequence[str]) -> str:
    *others, last = [_PLURAL[kind] for kind in kinds]
    return f"{', '.join(others)} and {last}" if others else last
