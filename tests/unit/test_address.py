"""Every spelling of one mailbox has one canonical form, and different mailboxes stay apart."""

import string

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from fuzz import targets
from healthy_mailing.address import MAX_OCTETS, AddressError, canonical, forms, is_simulated, masked, spellings

LABEL = st.text(string.ascii_letters + string.digits, min_size=1, max_size=10)
LOCAL_PART = st.text(string.ascii_letters + string.digits + "!#$%&'*+/=?^_`{|}~.-", min_size=1, max_size=20)
PLAIN_ADDRESSES = st.builds(
    lambda local, labels: f"{local}@{'.'.join(labels)}", LOCAL_PART, st.lists(LABEL, min_size=1, max_size=4)
)

LABEL_OF_63 = "d" * 63
DOMAIN_OF_255 = ".".join([LABEL_OF_63, LABEL_OF_63, LABEL_OF_63, "d" * 63])
DOMAIN_OF_256 = ".".join([LABEL_OF_63, LABEL_OF_63, LABEL_OF_63, "d" * 61, "de"])
DOMAIN_OF_259 = f"{DOMAIN_OF_255}.com"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("jane@example.com", "jane@example.com"),
        ("Jane.Doe@Example.COM", "jane.doe@example.com"),
        ("  jane@example.com\r\n", "jane@example.com"),
        ("<jane@example.com>", "jane@example.com"),
        ("Jane Doe <Jane@Example.com>", "jane@example.com"),
        ('"Doe, Jane" <jane@example.com>', "jane@example.com"),
        ('"jane@other.example" <jane@example.com>', "jane@example.com"),
        ("jane@other.example <jane@example.com>", "jane@example.com"),
        ("=?UTF-8?Q?J=C3=A4ne?= <jane@example.com>", "jane@example.com"),
        ("jane@example.com (Jane)", "jane@example.com"),
        ("Jane+News@example.com", "jane+news@example.com"),
        ("jane@bücher.example", "jane@xn--bcher-kva.example"),
        ("jane@BÜCHER.example", "jane@xn--bcher-kva.example"),
        ("jane@XN--BCHER-KVA.example", "jane@xn--bcher-kva.example"),
        ("jane@bu\u0308cher.example", "jane@xn--bcher-kva.example"),
        ("пётр@почта.рф", "пётр@xn--80a1acny.xn--p1ai"),
        ("jane@ex\u0430mple.com", "jane@xn--exmple-4nf.com"),  # Cyrillic: what looks alike stays apart
        ("j\u0430ne@example.com", "j\u0430ne@example.com"),
        ("JOSÉ@example.com", "josé@example.com"),
        ("jose\u0301@example.com", "josé@example.com"),
        ("o'brien!#$%&*/=?^_`{|}~-@example.com", "o'brien!#$%&*/=?^_`{|}~-@example.com"),
        ("..jane..doe.@docomo.ne.jp", "..jane..doe.@docomo.ne.jp"),
        ('"jane doe"@example.com', '"jane doe"@example.com'),
        ('"a@b"@example.com', '"a@b"@example.com'),
        ('"Jane"@example.com', "jane@example.com"),
        ('"jane.doe+x"@example.com', "jane.doe+x@example.com"),
        (r'"ja\ne"@example.com', "jane@example.com"),
        (r'"jane\ doe"@example.com', '"jane doe"@example.com'),
        (r'"a\"\\b"@example.com', r'"a\"\\b"@example.com'),
        ('""@example.com', '""@example.com'),
        ('"Jürgen Doe"@example.com', '"jürgen doe"@example.com'),
        ("jane@straße.de", "jane@xn--strae-oqa.de"),
        ("jane@STRAẞE.de", "jane@xn--strae-oqa.de"),
        ("jane@fa\u00df.bücher.example", "jane@xn--fa-hia.xn--bcher-kva.example"),
        ("jane@βόλος.example", "jane@xn--nxasmm1c.example"),
        ("jane@\u0dc1\u0dca\u200d\u0dbb\u0dd3.example", "jane@xn--10cl1a0b660p.example"),
        ("jane@\u0646\u0627\u0645\u0647\u200c\u0627\u06cc.example", "jane@xn--mgba3gch31f060k.example"),
        ("jane@exa\u200cm\u200dple.com", "jane@example.com"),
        ("jane@\u200c\u0646.example", "jane@xn--ihb.example"),
        ("jane@\u0646\u200c.example", "jane@xn--ihb.example"),
        ("jane@\u0646\u200d\u0646.example", "jane@xn--ihba.example"),
        ("jane@\u0dc1\u0dca\u200c.example", "jane@xn--70cs631l.example"),
        ("jane@\u0dc1\u200d\u0dc1.example", "jane@xn--70ca.example"),
        ("jane@stra\u00dfe\u0308.example", "jane@xn--stra-yna6e.example"),
        ("jane@\u2764\ufe0f.example", "jane@xn--qei.example"),
        ("jane@[192.0.2.1]", "jane@[192.0.2.1]"),
        ("jane@mail_1.example.com", "jane@mail_1.example.com"),
        ("jane@localhost", "jane@localhost"),
    ],
)
def test_canonical_form(text: str, expected: str) -> None:
    assert canonical(text) == expected


NO_ADDRESSES = r"""
jane @ @example.com jane@ <> jane@@example.com jane@doe@example.com
jane@.example.com jane@example..com jane@-example.com jane@example.com;john@example.com
"jane@example.com jane@[192.0.2.1
"""
SPACED = ["", " ", "jane <>", "jane doe@example.com", "jane@exam ple.com", "jane@example.com, john@example.com"]
BROKEN = ["jane@example.com\x00", "jane@example.com\r\nBcc: all@example.org", "jane@example.com\nSubject: x"]
IN_LOCAL_PART = "\n\x00\u200b\u202e\ud800\u3164\ufe0f\u115f\u034f\u2800\ufffd"
IN_DOMAIN = "\x00\u3164\ufffd\ud800"
UNSEEN = [f"ja{each}ne@example.com" for each in IN_LOCAL_PART] + [f"jane@exam{each}ple.com" for each in IN_DOMAIN]
UNSEEN += [
    '"ja\u3164ne"@example.com',
    '"ja ne\ufe0f"@example.com',
    "jane@stra\u00df\u3164e.de",
    "jane@exa\u200bmple.com\udfff",
]
LONG = [
    "x" * 1_000_000,
    "x" * 1_000_000 + "@example.com",
    "jane@" + "é" * 5000 + ".example",
    "jane@" + "ß" * 70 + ".de",
]
NESTED = [
    "(" * 100_000 + "jane@example.com" + ")" * 100_000,
    "<" * 100_000 + "jane@example.com" + ">" * 100_000,
]


@pytest.mark.parametrize("text", [*NO_ADDRESSES.split(), *SPACED, *BROKEN, *UNSEEN, *LONG, *NESTED])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(AddressError) as caught:
        canonical(text)
    assert "jane" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "others"),
    [
        ("jane@example.com", ()),
        ("jane@bücher.example", ()),
        ("jane@strasse.de", ()),
        ("jane@xn--strae-oqa.de", ()),
        ('"jane doe"@example.com', ()),
        ("jane@straße.de", ("jane@strasse.de",)),
        ("jane@βόλος.example", ("jane@xn--nxasmq6b.example",)),
        ('"Jane"@example.com', ('"jane"@example.com',)),
        (
            '"jane"@straße.de',
            ("jane@strasse.de", '"jane"@xn--strae-oqa.de', '"jane"@strasse.de'),
        ),
    ],
)
def test_other_keys_of_an_address_are_those_of_idna2003_and_of_earlier_versions(
    text: str, others: tuple[str, ...]
) -> None:
    assert forms(text) == (canonical(text), *others)


def test_length_is_bounded_in_octets() -> None:
    assert len(canonical("é" * 32 + "@" + DOMAIN_OF_255)) == 32 + 1 + 255
    assert len(canonical("e" * 64 + "@" + DOMAIN_OF_255)) == MAX_OCTETS
    assert len(canonical(f'"{"e" * 64}"@{DOMAIN_OF_255}')) == MAX_OCTETS
    with pytest.raises(AddressError):
        canonical("e" * 65 + "@" + DOMAIN_OF_255)
    with pytest.raises(AddressError):
        canonical("é" * 33 + "@" + DOMAIN_OF_255)


@pytest.mark.parametrize("domain", [DOMAIN_OF_256, DOMAIN_OF_259], ids=len)
@pytest.mark.parametrize("form", ["jane@{}", " jane@{}", "Jane <jane@{}>"])
def test_a_domain_is_bounded_however_the_address_is_written(form: str, domain: str) -> None:
    with pytest.raises(AddressError):
        canonical(form.format(domain))


def test_name_and_white_space_may_take_four_times_the_longest_address() -> None:
    longest = f"{'Jane ' * 252} <jane@example.com>".rjust(4 * MAX_OCTETS)
    assert canonical(longest) == "jane@example.com"
    with pytest.raises(AddressError, match="1281 characters; the maximum is 1280"):
        canonical(f" {longest}")


@given(PLAIN_ADDRESSES)
def test_case_white_space_and_display_name_make_no_difference(address: str) -> None:
    assume(len(address) <= MAX_OCTETS)
    expected = address.lower()
    spellings = [address, address.upper(), address.swapcase(), f" {address}\n", f"Jane <{address}>", f"<{address}>"]
    assert {canonical(each) for each in spellings} == {expected}


@given(PLAIN_ADDRESSES, LOCAL_PART, LOCAL_PART)
def test_plus_tags_stay_distinct(address: str, first: str, second: str) -> None:
    assume(first.lower() != second.lower())
    local, _, domain = address.rpartition("@")
    tagged = [canonical(f"{local}+{tag}@{domain}") for tag in (first, second)]
    assert len({*tagged, canonical(address)}) == 3


ADDRESS_LIKE = st.one_of(
    st.text(),
    st.text(alphabet=st.characters()),  # lone surrogates too
    st.builds("{}@{}".format, st.text(max_size=90), st.text(max_size=300)),
    st.builds("{}@{}.example".format, st.text(max_size=5), st.text(min_size=1, max_size=70)),
    st.text('ab@.<>"\\() \t+-_éİßΣ。[]'),
)


@given(ADDRESS_LIKE)
@example("İ@example.com")
@example("ΑΣ@example.com")
@example("jane@straße.example")
@example("jane@例え。jp")
@example("jane@xn--.example")
@example("jane@xn--\u0080.example")
@example("\u212a@\u212a.example")
def test_arbitrary_text_is_refused_or_has_one_bounded_storable_form(text: str) -> None:
    targets.address(text)
    try:
        address = canonical(text)
    except AddressError:
        return
    assert canonical(f"  {address} ") == address
    assert all(len(each.encode()) <= 2 * MAX_OCTETS for each in forms(text))
    local, at, domain = address.rpartition("@")
    assert local
    assert at
    assert domain == domain.lower()
    assert domain.isascii()


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("jane@example.com", "j***@example.com"),
        ("j@example.com", "j***@example.com"),
        ('"a@b"@example.com', '"***@example.com'),
    ],
)
def test_a_masked_address_keeps_one_character_and_the_domain(address: str, expected: str) -> None:
    assert masked(address) == expected


def test_only_the_simulator_s_own_domain_is_the_simulator_s() -> None:
    assert is_simulated("bounce+1@simulator.amazonses.com")
    assert not is_simulated("a@notsimulator.amazonses.com")
    assert not is_simulated("a@simulator.amazonses.com.example")


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([], {}),
        (["jane@example.com", " jane@example.com ", "Jane <jane@example.com>"], {}),
        (["no address", "a@b@", "@"], {}),
        (["Jane@Example.com"], {"jane@example.com": {"Jane@Example.com"}}),
        (
            ["Jane <Jane@Example.com>", " JANE@example.com "],
            {"jane@example.com": {"Jane@Example.com", "JANE@example.com"}},
        ),
        (["jane@stra\u00dfe.example"], {"jane@xn--strae-oqa.example": {"jane@stra\u00dfe.example"}}),
        (['"Jane"@example.com'], {"jane@example.com": {'"Jane"@example.com', '"jane"@example.com'}}),
        (['"A"@stra\u00dfe.de'], {"a@xn--strae-oqa.de": {'"A"@stra\u00dfe.de', '"a"@xn--strae-oqa.de'}}),
    ],
)
def test_other_spellings_than_the_canonical_one_are_found(texts: list[str], expected: dict[str, set[str]]) -> None:
    assert spellings(texts) == expected


@given(st.text() | PLAIN_ADDRESSES)
def test_a_spelling_can_be_a_key_and_leads_to_its_address(text: str) -> None:
    for address, others in spellings([text]).items():
        for other in others:
            assert 0 < len(other.encode()) <= 2048  # Amazon DynamoDB Developer Guide, "Quotas and limits"
            assert (canonical(other), other == address) == (address, False)
