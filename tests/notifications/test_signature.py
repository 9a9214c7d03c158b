"""Twilio's webhook signature."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator
from werkzeug.datastructures import MultiDict

from notifications.carriers.signature import sign, signature_is_valid

# the example of twilio.com/docs/usage/webhooks/webhooks-security
TOKEN = "12345"
URL = "https://example.com/myapp.php?foo=1&bar=2"
FORM = {
    "CallSid": "CA1234567890ABCDE",
    "Caller": "+14158675310",
    "Digits": "1234",
    "From": "+14158675310",
    "To": "+18005551212",
}
SIGNATURE = "L/OH5YylLD5NRKLltdqwSvS0BnU="


def test_the_documented_example() -> None:
    assert signature_is_valid((TOKEN,), URL, FORM, SIGNATURE)
    assert signature_is_valid((TOKEN,), URL, MultiDict(FORM), SIGNATURE)
    assert sign(TOKEN, URL, FORM) == SIGNATURE


def test_while_rotating_either_token_will_do() -> None:
    assert signature_is_valid(("new", TOKEN), URL, FORM, SIGNATURE)
    assert not signature_is_valid(("new", "newer"), URL, FORM, SIGNATURE)


@pytest.mark.parametrize("signature", [None, "", "x", SIGNATURE[:-1], "ü" * 28])
def test_a_missing_or_wrong_signature_is_false_not_an_error(signature: str | None) -> None:
    assert not signature_is_valid((TOKEN,), URL, FORM, signature)


def test_any_change_of_the_post_breaks_it() -> None:
    assert not signature_is_valid((TOKEN,), URL, FORM | {"Digits": "1235"}, SIGNATURE)
    assert not signature_is_valid((TOKEN,), URL + "&x=1", FORM, SIGNATURE)


def test_connection_overrides_are_not_signed() -> None:
    assert signature_is_valid((TOKEN,), URL + "#rc=5&rp=all", FORM, SIGNATURE)


def test_no_token_accepts_nothing() -> None:
    assert not signature_is_valid((), URL, FORM, SIGNATURE)
    assert not signature_is_valid(("",), URL, FORM, sign("", URL, FORM))


@given(st.lists(st.tuples(st.text(max_size=8), st.text(max_size=20)), max_size=6), st.text("/?a=1&é", max_size=9))
def test_it_signs_and_believes_what_the_twilio_library_does(pairs: list[tuple[str, str]], rest: str) -> None:
    library = RequestValidator(TOKEN)
    for form in (dict(pairs), MultiDict(pairs)):
        url, ported = f"https://example.com/{rest}", f"https://example.com:443/{rest}"
        signature = library.compute_signature(url, form)
        assert sign(TOKEN, url, form) == signature and signature_is_valid((TOKEN,), url, form, signature)
        for asked, signed in ((ported, url), (url, ported)):
            signature = library.compute_signature(signed, form)
            believed = signature_is_valid((TOKEN,), asked, form, signature)
            assert believed == library.validate(asked, form, signature)
