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

# A remark behind the address, "jane@example.com (Jane)" (RFC 5322, 3.4).
_COMMENT = re.compile(r"\s*\([^()]*\)$")

_MAX_DOMAIN = 255  # octets (RFC 5321, 4.5.3.1.2)

# Characters that show as nothing or reorder what is shown, so that two different addresses look alike.
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp", "Zs"})


class AddressError(ValueError):
    """Text that is no address; the message says why and does not repeat the text."""


def canonical(text: str) -> str:
    """Return the canonical form of an address, which is the same for every spelling of one mailbox.

    ``Name <a@b>`` is reduced to ``a@b``; white space around it goes; the text is brought to Unicode form NFC; the
    domain is lower-cased and written in ASCII (IDNA, RFC 3490); the local part is lower-cased, because SES itself
    ignores its case when it sends. What follows a plus sign stays: it names a mailbox of its own.

    Raises:
        AddressError: The text is not an address, holds invisible characters, or is longer than ``MAX_OCTETS``; with
            what is around the address, longer than four times that.
    """
    if len(text) > 4 * MAX_OCTETS:
        raise AddressError(f"is {len(text)} characters long")
    if len(text) <= _MAX_DOMAIN and _PLAIN.fullmatch(text):  # longer ones may have too long a domain: see below
        return text.lower()
    local, at, domain = _bare(text).rpartition("@")
    if not at:
        raise AddressError("has no @")
    # Lower-casing can undo the normal form ("İ"), hence the second normalization.
    local = unicodedata.normalize("NFC", unicodedata.normalize("NFC", local).lower())
    if not _LOCAL.fullmatch(local) or any(unicodedata.category(c) in _INVISIBLE for c in local if c > "\x7f"):
        raise AddressError("has a local part that is empty or holds characters no mailbox name has")
    address = f"{local}@{_ascii_domain(domain)}"
    if len(address.encode()) > MAX_OCTETS:
        raise AddressError(f"is longer than {MAX_OCTETS} octets")
    return address


def masked(address: str) -> str:
    """Return an address for logs and messages: first character, three stars, domain (``a***@example.com``)."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}***@{domain}"


def _bare(text: str) -> str:
    # Not by email.utils.parseaddr: of "a@b <c@d>" it takes the display name for the address, or nothing, by Python
    # version, and on nested comments it exhausts the stack.
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
        raise AddressError("has a domain that is empty or holds characters no host name has")
    return domain
