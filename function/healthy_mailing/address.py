"""The canonical form of an address, which is its key in the table."""

import re
import unicodedata

MAX_OCTETS = 320
"""Longest canonical address, in UTF-8 octets: 64 + "@" + 255 (RFC 5321, 4.5.3.1)."""

# The whole of almost every address SES reports; checked first because it needs no further work than lower-casing.
_PLAIN = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9]{2,63}"
)

# RFC 5321 atext and dots; RFC 6531 adds everything beyond ASCII. Dots may stand anywhere: some Japanese carriers
# issued such addresses and they receive mail.
_LOCAL = re.compile(r"""(?:[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]|[^\x00-\x7f])+|"(?:[^"\\\x00-\x1f\x7f]|\\[\x20-\x7e])*\"""")

_DOMAIN = re.compile(
    r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?|\[[0-9a-z.:]{2,64}\]"
)

# A comment after the address, "jane@example.com (Jane)" (RFC 5322, 3.4).
_COMMENT = re.compile(r"\s*\([^()]*\)$")

_MAX_DOMAIN = 255  # octets (RFC 5321, 4.5.3.1.2)

# Characters that are invisible or change the order of others, so that two different addresses look alike.
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp", "Zs"})


class AddressError(ValueError):
    """Raised for a string that is not an address. The message says why and does not repeat the string."""


def canonical(text: str) -> str:
    """Return the canonical form of an address, which is the same for every spelling of one mailbox.

    ``Name <a@b>`` becomes ``a@b``, surrounding white space is removed, and the string is normalized to Unicode form
    NFC. The domain is lower-cased and converted to ASCII (IDNA, RFC 3490). The local part is lower-cased, because SES
    itself ignores its case when it sends. A plus sign and what follows it stay, because they name a separate mailbox.

    Raises:
        AddressError: The string is not an address, contains invisible characters, or is longer than ``MAX_OCTETS``
            (with name and white space: than four times that).
    """
    if len(text) > 4 * MAX_OCTETS:
        raise AddressError(f"has {len(text)} characters; the maximum is {4 * MAX_OCTETS}")
    if len(text) <= _MAX_DOMAIN and _PLAIN.fullmatch(text):  # longer ones may have too long a domain: see below
        return text.lower()
    local, at, domain = _bare(text).rpartition("@")
    if not at:
        raise AddressError("has no @")
    # Lower-casing can undo the normal form ("İ"), hence the second normalization.
    local = unicodedata.normalize("NFC", unicodedata.normalize("NFC", local).lower())
    if not _LOCAL.fullmatch(local) or any(unicodedata.category(c) in _INVISIBLE for c in local if c > "\x7f"):
        raise AddressError("has a local part that is empty or contains characters that are not allowed there")
    address = f"{local}@{_ascii_domain(domain)}"
    if len(address.encode()) > MAX_OCTETS:
        raise AddressError(f"is longer than {MAX_OCTETS} octets")
    return address


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


def _ascii_domain(domain: str) -> str:
    domain = domain.removesuffix(".")
    if not domain.isascii():
        try:
            domain = domain.encode("idna").decode("ascii")
        except UnicodeError as error:
            raise AddressError("has a domain that IDNA does not allow") from error
    domain = domain.lower()
    if len(domain) > _MAX_DOMAIN or not _DOMAIN.fullmatch(domain):
        raise AddressError("has a domain that is empty or contains characters that are not allowed there")
    return domain
