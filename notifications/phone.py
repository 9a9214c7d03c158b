"""Telephone numbers: E.164, and what of them may be shown."""

from __future__ import annotations

import phonenumbers


class PhoneError(ValueError):
    """The text is not a telephone number that can be dialled."""


def parse_phone(text: str, region: str = "BR") -> str:
    """`text` as a person types it -> E.164 ("(16) 99123-4567" -> "+5516991234567").

    `region` (ISO 3166) is assumed where there is no country code. Raises PhoneError.
    """
    cleaned = text.strip().removeprefix("whatsapp:")
    try:
        number = phonenumbers.parse(cleaned, region)
    except phonenumbers.NumberParseException as error:
        raise PhoneError(f"not a telephone number: {error}") from None
    # "possible", not "valid": test ranges such as +1 555 and brand-new prefixes must pass.
    if not phonenumbers.is_possible_number(number) or number.extension:
        raise PhoneError("not a telephone number: wrong length")
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def mask(e164: str) -> str:
    """Country and last two digits only, for logs and lists: "+55*********67"."""
    if len(e164) < 6:
        return "*" * len(e164)
    return e164[:3] + "*" * (len(e164) - 5) + e164[-2:]


def national(e164: str, region: str = "BR") -> str:
    """As people of `region` dial it ("(16) 3602-1000"); international form for other countries."""
    number = phonenumbers.parse(e164, region)
    home = phonenumbers.country_code_for_region(region) == number.country_code
    style = phonenumbers.PhoneNumberFormat.NATIONAL if home else phonenumbers.PhoneNumberFormat.INTERNATIONAL
    return str(phonenumbers.format_number(number, style))
