"""Thousands of odd posts at the carrier's edge: no fault of ours, and nothing taken that is not signed."""

from __future__ import annotations

import random
from typing import Any

import pytest
from sqlalchemy import func, select

from notifications.carriers.signature import sign
from service.demo import seed
from service.models import Inbound, Receipt
from tests.conftest import FROM, PUBLIC, TOKEN

HOOKS = "/webhooks/twilio"
PATHS = (
    f"{HOOKS}/sms", f"{HOOKS}/sms?x=1&x=2", f"{HOOKS}/status", f"{HOOKS}/status?attempt=1",
    f"{HOOKS}/status?attempt=-1", f"{HOOKS}/status?attempt=99999999999999999999", f"{HOOKS}/status?attempt=%00",
    f"{HOOKS}/voice", f"{HOOKS}/voice/1", f"{HOOKS}/voice/1/digits", f"{HOOKS}/voice/9223372036854775808",
)  # fmt: skip
NAMES = (
    "MessageSid", "SmsSid", "From", "To", "Body", "NumMedia", "MediaUrl0", "MediaContentType0", "MessageStatus",
    "ErrorCode", "CallSid", "CallStatus", "Digits", "AccountSid", "SmsStatus", "",
)  # fmt: skip
VALUES = (
    dict(seed.PATIENTS)["P-001"], seed.REIS.phone, FROM, f"whatsapp:{FROM}", "whatsapp:", "+", "38,9", "SIM", "STOP",
    "1 2 3", "7K4", "delivered", "undelivered", "no-answer", "30003", "-1", "1e309", "0" * 5000, "\x00", "\ud7ff",
    "\u202e\u200b", "🤒" * 200, "'; --", "<Response>", "{{ url }}", "%s%n", "١٢", "",
)  # fmt: skip
CONTENT_TYPES = ("application/json", "multipart/form-data; boundary=x", "text/plain", "", "x/y;z")
LETTERS = "0123456789 aAeéçÃ,.;+:-\n\t\x01\u00a0\u2028𝟛"


def form(dice: random.Random) -> dict[str, str]:
    def value() -> str:
        if dice.random() < 0.7:
            return dice.choice(VALUES)
        return "".join(dice.choices(LETTERS, k=dice.randint(0, 60)))

    return {name: value() for name in dice.sample(NAMES, dice.randint(0, 9))}


def forged(dice: random.Random, path: str, fields: dict[str, str]) -> str | None:
    """A signature that is not this post's."""
    right = sign(TOKEN, PUBLIC + path, fields)
    wrong = (
        None, "", right[:-2], right.swapcase(), "é", "=" * 28, sign("another", PUBLIC + path, fields),
        sign(TOKEN, f"{PUBLIC}{path}&", fields), sign(TOKEN, PUBLIC + path, fields | {"Body": "another"}),
        sign(TOKEN, f"http://other.test{path}", fields),
    )  # fmt: skip
    return dice.choice([one for one in wrong if one != right])


def fuzz(world: Any, client: Any, posts: int, seed_: int) -> None:
    world.enrol("P-001")
    dice = random.Random(seed_)
    taken = 0
    for number in range(posts):
        path, fields, kind = dice.choice(PATHS), form(dice), dice.random()
        if kind < 0.3:
            answer = client.post(path, data=fields, headers={"X-Twilio-Signature": sign(TOKEN, PUBLIC + path, fields)})
            assert answer.status_code < 500, (seed_, number, path, fields)
            taken += answer.status_code < 300
            continue
        before = kept(world) if number % 50 == 0 else None
        if kind < 0.85:
            signature = forged(dice, path, fields)
            headers = {} if signature is None else {"X-Twilio-Signature": signature}
            answer = client.post(path, data=fields, headers=headers)
            # a call that no integer can name is nowhere, before anybody looks at signatures
            expected = 404 if "9223372036854775808" in path else 403
            assert answer.status_code == expected, (seed_, number, path, fields, signature, answer.status_code)
        else:
            content_type = dice.choice(CONTENT_TYPES)
            answer = client.post(
                path, data=dice.randbytes(dice.randint(0, 300)), content_type=content_type,
                headers={"X-Twilio-Signature": sign(TOKEN, PUBLIC + path, {"From": FROM})},
            )
            assert 400 <= answer.status_code < 500, (seed_, number, path, content_type, answer.status_code)
        assert before is None or kept(world) == before, (seed_, number, path, fields)
    assert taken > posts / 20, "the signed ones were to be taken"


def kept(world: Any) -> tuple[int, ...]:
    """How many rows the edge has written."""
    with world.runtime.db.reading() as session:
        return tuple(session.scalar(select(func.count()).select_from(table)) or 0 for table in (Inbound, Receipt))


def test_two_thousand_odd_posts(world: Any, client: Any) -> None:
    fuzz(world, client, 2_000, 1)


@pytest.mark.soak
def test_a_hundred_thousand_odd_posts(world: Any, client: Any) -> None:
    fuzz(world, client, 100_000, 2)
