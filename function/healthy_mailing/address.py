"""The canonical form of an address, which is its key in the table."""

import re
import unicodedata
from collections.abc import Iterable

MAX_OCTETS = 320
"""Longest canonical address, in UTF-8 octets: 64 + "@" + 255 (RFC 5321, 4.5.3.1)."""

SIMULATOR = "simulator.amazonses.com"
"""The domain of SES's mailbox simulator."""

# The whole of almost every address SES reports; checked first because it needs no further work than lower-casing.
_PLAIN = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9]{2,63}"
)

# RFC 5321 atext and dots; RFC 6531 adds everything beyond ASCII. Dots may stand anywhere: some Japanese carriers
# issued such addresses and they receive mail.
_UNQUOTED = re.compile(r"(?:[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]|[^\x00-\x7f])+")
_QUOTED = re.compile(r'"(?:[^"\\\x00-\x1f\x7f]|\\[\x20-\x7e])*"')

_DOMAIN = re.compile(
    r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?|\[[0-9a-z.:]{2,64}\]"
)

# A comment after the address, "jane@example.com (Jane)" (RFC 5322, 3.4).
_COMMENT = re.compile(r"\s*\([^()]*\)$")

_MAX_KEY = 2048  # octets of a partition key (Amazon DynamoDB Developer Guide, "Quotas and limits")

_MAX_DOMAIN = 255  # octets (RFC 5321, 4.5.3.1.2)

# Characters that are invisible or change the order of others, so that two different addresses look alike: categories,
# and what Unicode calls default ignorable in others (DerivedCoreProperties.txt), with the empty Braille pattern.
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp", "Zs"})
_FILLERS = "\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
_IGNORABLE = re.compile(
    f"[{_FILLERS}\u034f\u180b-\u180f\u2065\ufe00-\ufe0f\ufff0-\ufff8\U000e0000-\U000e0fff]"
    "|\ufffd"  # not invisible, but what programs put in place of characters that they can't read
)
_FILLER = re.compile(f"[{_FILLERS}]")  # IDNA drops all others from a domain

# Characters that IDNA2008 (RFC 5894, 7.2) keeps and IDNA2003 replaces: two domains, perhaps of two owners.
_DEVIATING = re.compile("([ß\u1e9eς\u200c\u200d])")
_NON_JOINER, _JOINER = "\u200c", "\u200d"
_VIRAMA = 9  # canonical combining class


class AddressError(ValueError):
    """Raised for a string that is not an address. The message says why and does not repeat the string."""


def canonical(text: str) -> str:
    """Return the canonical form of an address, which is the same for every spelling of one mailbox.

    ``Name <a@b>`` becomes ``a@b``, surrounding white space is removed, and the string is normalized to Unicode form
    NFC. The domain is lower-cased and converted to ASCII (IDNA, RFC 3490), except that characters keep the meaning that
    IDNA2008 gave them: ``straße.de`` is ``xn--strae-oqa.de`` and not ``strasse.de``. The local part is lower-cased,
    because SES itself ignores its case when it sends, and quoted only if it must be. A plus sign and what follows it
    stay, because they name a separate mailbox.

    Raises:
        AddressError: The string is not an address, contains invisible characters, or is longer than ``MAX_OCTETS``
            (with name and white space: than four times that).
    """
    return forms(text)[0]


def forms(text: str) -> tuple[str, ...]:
    """Return the canonical form of an address, and all other keys under which the table may hold it.

    Others exist if programs disagree on its domain in ASCII (IDNA2003 or IDNA2008), or if earlier versions of this one
    kept its quotation marks. Errors as in ``canonical``.
    """
    if len(text) <= _MAX_DOMAIN and _PLAIN.fullmatch(text):  # longer ones may have too long a domain: see below
        return (text.lower(),)
    if len(text) > 4 * MAX_OCTETS:
        raise AddressError(f"has {len(text)} characters; the maximum is {4 * MAX_OCTETS}")
    local, at, domain = _bare(text).rpartition("@")
    if not at:
        raise AddressError("has no @")
    # Lower-casing can undo the normal form ("İ"), hence the second normalization.
    local = unicodedata.normalize("NFC", unicodedata.normalize("NFC", local).lower())
    spellings = _spellings(local)
    if not spellings or _is_deceptive(local):
        raise AddressError("has a local part that is empty or contains characters that are not allowed there")
    addresses = tuple(f"{each}@{ascii_domain}" for each in spellings for ascii_domain in _ascii_domains(domain))
    if len(addresses[0].encode()) > MAX_OCTETS:
        raise AddressError(f"is longer than {MAX_OCTETS} octets")
    return addresses


def is_simulated(address: str) -> bool:
    """Return whether a canonical address is one of SES's mailbox simulator, which no person reads.

    SES counts mail to it in no rate (Amazon SES Developer Guide, "Using the mailbox simulator manually").
    """
    return address.endswith(f"@{SIMULATOR}")


def spellings(texts: Iterable[str]) -> dict[str, set[str]]:
    """Return, by canonical address, how strings spell it otherwise; without those that do not, or are no address.

    The function of the original article keeps an address as SES spells it, which is how the sender did. DynamoDB finds
    a key by exactly its spelling. So a row of that function can be found under a spelling that someone gives, besides
    the canonical one. Earlier versions of this project kept needless quotation marks, in lower case.
    """
    return spelled((canonical_or_same(text), text) for text in texts)


def spelled(given: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    """Return what ``spellings`` does of strings whose canonical addresses are known: of (address, string)."""
    found: dict[str, set[str]] = {}
    for address, text in given:
        if address == text:
            continue
        keys = [_bare(text)]
        if '"' in keys[0]:
            keys += [key for key in forms(text) if canonical(key) == address]
        for key in keys:
            if key != address and len(key.encode()) <= _MAX_KEY:
                found.setdefault(address, set()).add(key)
    return found


def canonical_or_same(key: str) -> str:
    """Return the canonical address of a key, or the key itself if it is not an address."""
    try:
        return canonical(key)
    except AddressError:
        return key


def masked(address: str) -> str:
    """Return an address as logs and messages show it: first character, three stars, domain (``a***@example.com``)."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}***@{domain}"


def _bare(text: str) -> str:
    # email.utils.parseaddr won't do: for "a@b <c@d>" it returns the display name or nothing, depending on the version
    # of Python, and nested comments exhaust its stack.
    text = _COMMENT.sub("", text.strip())
    if text.endswith(">") and "<" in text:
        return text[text.rindex("<") + 1 : -1].strip()
    return text


def _is_deceptive(local: str) -> bool:
    """Return whether a local part has characters that a person does not see, or that stand for others."""
    return bool(_IGNORABLE.search(local)) or any(unicodedata.category(c) in _INVISIBLE for c in local if c > "\x7f")


def _spellings(local: str) -> tuple[str, ...]:
    """Return a local part without needless quotation marks and escapes, then as given; nothing if it is not one."""
    if _UNQUOTED.fullmatch(local):
        return (local,)
    if not _QUOTED.fullmatch(local):
        return ()
    meant = re.sub(r"\\(.)", r"\1", local[1:-1])
    if not _UNQUOTED.fullmatch(meant):
        meant = '"' + re.sub(r'(["\\])', r"\\\1", meant) + '"'
    return tuple(dict.fromkeys((meant, local)))


def _ascii_domains(domain: str) -> tuple[str, ...]:
    """Return a domain in ASCII: as IDNA2008 has it, then as IDNA2003 has it if that differs."""
    domain = domain.removesuffix(".")
    if domain.isascii():
        return (_checked(domain),)
    if _FILLER.search(domain):
        raise AddressError("has a domain that is empty or contains characters that are not allowed there")
    try:
        earlier = domain.encode("idna").decode("ascii")
        if not _DEVIATING.search(domain):
            return (_checked(earlier),)
        newer = ".".join(map(_idna2008, re.split("[.\u3002\uff0e\uff61]", domain)))
    except UnicodeError as error:
        raise AddressError("has a domain that IDNA does not allow") from error
    return tuple(dict.fromkeys((_checked(newer), _checked(earlier))))


def _idna2008(label: str) -> str:
    """Return a label in ASCII with those deviating characters that IDNA2008 allows where they stand."""
    from encodings.idna import nameprep  # noqa: PLC0415  (few domains need it, and it loads large tables)

    first, *rest = _DEVIATING.split(label)
    kept = nameprep(first)
    for character, text in zip(rest[::2], rest[1::2], strict=True):
        if character not in {_NON_JOINER, _JOINER} or _is_joiner_allowed(kept[-1:], character, text[:1]):
            kept += character.lower()
        kept += nameprep(text)
    kept = unicodedata.normalize("NFC", kept)
    return kept if kept.isascii() else f"xn--{kept.encode('punycode').decode('ascii')}"


def _is_joiner_allowed(before: str, joiner: str, after: str) -> bool:
    """Return whether a zero-width joiner or non-joiner may stand between two characters (RFC 5892, A.1 and A.2).

    A non-joiner between two Arabic letters is allowed without a look at how these join, which Python's tables lack.
    """
    if before and unicodedata.combining(before) == _VIRAMA:
        return True
    around = [unicodedata.bidirectional(letter) for letter in before + after]
    return joiner == _NON_JOINER and around == ["AL", "AL"]


def _checked(domain: str) -> str:
    domain = domain.lower()
    if len(domain) > _MAX_DOMAIN or not _DOMAIN.fullmatch(domain):
        raise AddressError("has a domain that is empty or contains characters that are not allowed there")
    return domain
