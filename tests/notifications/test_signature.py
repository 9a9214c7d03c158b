"""Twilio's webhook signature."""

from __future__ import annotations

import pytest
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
