"""The simulated carrier, through the real twilio client and without a socket."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from notifications.carriers.base import AnswerLost, PermanentFailure, TemporaryFailure
from notifications.carriers.twilio import TwilioCarrier, signature_is_valid
from notifications.message import Channel, DeliveryStatus, OutboundMessage
from notifications.voice import gather_twiml, say_twiml
from service.demo.inprocess import InProcessTwilioHttpClient
from service.demo.simulator import Simulator, create_simulator
from service.demo.twiml import read_twiml

START = datetime(2026, 3, 2, 6, 12, tzinfo=timezone.utc)
BULK, PAGES, WHATSAPP, PATIENT = "+15550000001", "+15550000002", "+15550000003", "+5516992220001"
PUBLIC = "https://vigilia.test"


class Stand:
    """A simulator, a carrier on it, and what the webhooks said."""

    def __init__(self) -> None:
        self.at = START
        self.simulator = Simulator(
            "AC" + "0" * 32, "token", public_url=PUBLIC, post=self.post, now=lambda: self.at
        )
        for number in (BULK, PAGES, WHATSAPP):
            self.simulator.own(number)
        self.carrier = TwilioCarrier(
            "AC" + "0" * 32,
            ("token",),
            from_=BULK,
            page_from=PAGES,
            whatsapp_from=WHATSAPP,
            http_client=InProcessTwilioHttpClient(create_simulator(self.simulator)),
        )
        self.posts: list[tuple[str, dict[str, str]]] = []
        self.status = 204
        self.answers: dict[str, str] = {}

    def post(self, url: str, form: dict[str, str], headers: dict[str, str]) -> tuple[int, str]:
        assert signature_is_valid(("token",), url, form, headers["X-Twilio-Signature"])
        self.posts.append((url, form))
        path = url.removeprefix(PUBLIC)
        return (200, self.answers[path]) if path in self.answers else (self.status, "")

    def send(self, text: str = "hello", **changes: Any) -> str:
        values: dict[str, Any] = dict(
            key="9",
            channel=Channel.SMS,
            to=PATIENT,
            text=text,
            callback_url=f"{PUBLIC}/webhooks/twilio/status?attempt=9",
        )
        return self.carrier.send(OutboundMessage(**(values | changes))).provider_id

    def words(self) -> list[str]:
        return [form.get("MessageStatus") or form["CallStatus"] for _, form in self.posts]


@pytest.fixture
def stand() -> Stand:
    return Stand()


def test_a_text_is_accepted_then_delivered_then_reported(stand: Stand) -> None:
    sid = stand.send()
    assert stand.simulator.phone(PATIENT).inbox == [] and stand.posts == []
    stand.simulator.deliver()
    assert stand.simulator.phone(PATIENT).last.body == "hello"
    assert stand.words() == ["sent", "delivered"]
    url, form = stand.posts[0]
    assert url == f"{PUBLIC}/webhooks/twilio/status?attempt=9"
    assert form["MessageSid"] == sid and form["To"] == PATIENT and form["From"] == BULK
    assert stand.carrier.fetch(sid).status is DeliveryStatus.DELIVERED
    assert stand.simulator.deliver() == 0


def test_a_reply_is_posted_and_listed(stand: Stand) -> None:
    stand.send()
    stand.simulator.deliver()
    sid = stand.simulator.phone(PATIENT).replies("38,7")
    url, form = stand.posts[-1]
    assert url == f"{PUBLIC}/webhooks/twilio/sms"
    assert (form["Body"], form["From"], form["To"], form["MessageSid"]) == ("38,7", PATIENT, BULK, sid)
    assert form["NumMedia"] == "0"
    found = stand.carrier.list_inbound(START - timedelta(hours=24))
    assert [(one.provider_id, one.text, one.from_, one.sent_at) for one in found] == [
        (sid, "38,7", PATIENT, START)
    ]


def test_a_text_that_our_server_missed_is_still_listed(stand: Stand) -> None:
    stand.status = 500
    stand.simulator.receive(PATIENT, BULK, "febre")
    assert [one.text for one in stand.carrier.list_inbound(START - timedelta(hours=1))] == ["febre"]
    assert stand.carrier.list_inbound(START + timedelta(hours=1)) == []


def test_a_long_outage_is_listed_to_its_first_text(stand: Stand) -> None:
    stand.status = 500
    for number in range(1203):
        stand.at += timedelta(seconds=1)
        stand.simulator.receive(PATIENT, BULK, str(number))
    found = stand.carrier.list_inbound(START)
    assert [one.text for one in found] == [str(number) for number in range(1203)]


def test_the_list_turns_its_pages(stand: Stand) -> None:
    for number in range(120):
        stand.at += timedelta(seconds=1)
        stand.send(str(number))
    stand.simulator.deliver()
    found = stand.carrier.find_sent(PATIENT, START, limit=200)
    assert [one.text for one in found] == [str(number) for number in reversed(range(120))]


def test_whatsapp_goes_both_ways(stand: Stand) -> None:
    stand.send("olá", channel=Channel.WHATSAPP)
    stand.simulator.deliver()
    text = stand.simulator.phone(PATIENT).last
    assert (text.body, text.channel, text.from_) == ("olá", "whatsapp", WHATSAPP)
    stand.simulator.phone(PATIENT).replies("bem")
    assert stand.posts[-1][1]["From"] == f"whatsapp:{PATIENT}"
    assert stand.carrier.list_inbound(START)[0].channel is Channel.WHATSAPP


def test_stop_is_kept_by_the_carrier_until_start(stand: Stand) -> None:
    stand.simulator.receive(PATIENT, BULK, " stop ")
    assert stand.posts[-1][1]["Body"] == " stop "
    with pytest.raises(PermanentFailure) as caught:
        stand.send()
    assert caught.value.code == 21610 and caught.value.opted_out
    stand.send(sender_lane="pages")  # another sender number, another list
    stand.simulator.receive(PATIENT, BULK, "START")
    stand.send()


@pytest.mark.parametrize("body", ["PARAR", "please stop", "stopp"])
def test_what_is_no_keyword_of_the_carrier_stops_nothing_there(stand: Stand, body: str) -> None:
    stand.simulator.receive(PATIENT, BULK, body)
    assert stand.send()


@pytest.mark.parametrize(
    ("changes", "code"), [({"to": "12"}, 21211), ({"to": "+5"}, 21211), ({"text": ""}, None)]
)
def test_bad_requests_are_refused(stand: Stand, changes: dict[str, Any], code: int | None) -> None:
    with pytest.raises((PermanentFailure, TemporaryFailure)) as caught:
        stand.send(**changes)
    if code:
        assert caught.value.code == code
    assert stand.simulator.texts == []


def test_a_wrong_token_is_refused(stand: Stand) -> None:
    client = InProcessTwilioHttpClient(create_simulator(stand.simulator))
    carrier = TwilioCarrier("AC" + "0" * 32, ("other",), from_=BULK, http_client=client)
    with pytest.raises(TemporaryFailure) as caught:
        carrier.send(OutboundMessage("9", Channel.SMS, PATIENT, "x"))
    assert caught.value.code == 20003 and caught.value.next_channel
    assert stand.simulator.texts == []


@pytest.mark.parametrize(
    ("fault", "error", "taken"),
    [
        ("refuse", TemporaryFailure, 0),
        ("http_429", TemporaryFailure, 0),
        ("http_503", TemporaryFailure, 0),
        ("http_500", AnswerLost, 0),
        ("lose_answer", AnswerLost, 1),
    ],
)
def test_faults_of_the_request(stand: Stand, fault: str, error: type[Exception], taken: int) -> None:
    setattr(stand.simulator.faults, fault, 1)
    with pytest.raises(error):
        stand.send()
    assert len(stand.carrier.find_sent(PATIENT, START)) == taken
    stand.send()
    assert len(stand.carrier.find_sent(PATIENT, START)) == taken + 1


def test_a_planned_fault_hits_its_request(stand: Stand) -> None:
    stand.simulator.faults.plan = lambda number: "http_429" if number == 2 else ""
    stand.send()
    with pytest.raises(TemporaryFailure):
        stand.send()
    stand.send()


def test_down_is_down_for_everyone(stand: Stand) -> None:
    stand.simulator.faults.down = True
    for _ in range(3):
        with pytest.raises(TemporaryFailure):
            stand.send()
    stand.simulator.faults.down = False
    stand.send()


def test_accepted_and_silent(stand: Stand) -> None:
    stand.simulator.faults.silent = True
    sid = stand.send()
    assert stand.simulator.deliver() == 0 and stand.posts == []
    assert stand.carrier.fetch(sid).status is DeliveryStatus.ACCEPTED


def test_a_phone_that_is_off(stand: Stand) -> None:
    stand.simulator.faults.undelivered.add(PATIENT)
    stand.send()
    stand.simulator.deliver()
    assert stand.words() == ["sent", "undelivered"] and stand.posts[-1][1]["ErrorCode"] == "30003"
    assert stand.simulator.phone(PATIENT).inbox == []


def test_callbacks_may_come_twice_backwards_or_never(stand: Stand) -> None:
    stand.simulator.faults.reverse = stand.simulator.faults.double = True
    stand.send()
    stand.simulator.deliver()
    assert stand.words() == ["delivered", "delivered", "sent", "sent"]
    stand.posts.clear()
    stand.simulator.faults.no_callbacks = True
    stand.send("again")
    stand.simulator.deliver()
    assert stand.posts == [] and stand.simulator.phone(PATIENT).last.body == "again"


def test_a_failed_callback_is_repeated_as_we_ask(stand: Stand) -> None:
    stand.status = 500
    stand.send()
    for _ in range(10):
        stand.simulator.deliver()
    assert len(stand.posts) == 2 * 6  # once, and five times more
    stand.posts.clear()
    stand.send()
    stand.simulator.deliver()
    stand.status = 204
    stand.simulator.deliver()
    assert stand.words() == ["sent", "delivered", "sent", "delivered"]
    assert stand.simulator.deliver() == 0


def test_a_call_rings_speaks_and_hears_a_key(stand: Stand) -> None:
    stand.answers["/webhooks/twilio/voice?attempt=9"] = gather_twiml(
        "Case 7K. To take it, press 4.", "/webhooks/twilio/voice?attempt=9&keys=1", "en"
    )
    stand.answers["/webhooks/twilio/voice?attempt=9&keys=1"] = say_twiml("Case 7K is yours.", "en")
    stand.send(channel=Channel.VOICE, voice=f"{PUBLIC}/webhooks/twilio/voice?attempt=9", sender_lane="pages")
    stand.simulator.deliver()
    (call,) = stand.simulator.phone(PATIENT).calls
    assert call.ringing and call.from_ == PAGES
    stand.simulator.press(call, "4")
    stand.simulator.deliver()
    assert call.said == ["Case 7K. To take it, press 4.", "Case 7K is yours."]
    assert call.status == "completed"
    assert [form["Digits"] for _, form in stand.posts if "Digits" in form] == ["4"]
    statuses = [form["CallStatus"] for url, form in stand.posts if "/status" in url]
    assert statuses == ["ringing", "in-progress", "completed"]
    assert stand.carrier.find_calls(PATIENT, START)[0].status is DeliveryStatus.DELIVERED


def test_a_call_may_carry_its_words(stand: Stand) -> None:
    stand.send(channel=Channel.VOICE, voice=say_twiml("Vá ao pronto-socorro & não espere.", "pt-BR"))
    call = stand.simulator.calls[0]
    stand.simulator.answer(call)
    assert call.said == ["Vá ao pronto-socorro & não espere."] and call.status == "completed"


def test_a_call_that_nobody_takes_ends(stand: Stand) -> None:
    stand.send(channel=Channel.VOICE, voice=say_twiml("x", "en"))
    stand.simulator.deliver()
    stand.at += timedelta(seconds=30)
    stand.simulator.deliver()
    stand.simulator.deliver()
    assert stand.words() == ["ringing", "no-answer"]
    stand.simulator.press(stand.simulator.calls[0], "4")
    assert stand.simulator.calls[0].said == []


def test_a_call_may_be_refused_by_its_callee(stand: Stand) -> None:
    stand.send(channel=Channel.VOICE, voice=say_twiml("x", "en"))
    stand.simulator.hang_up(stand.simulator.calls[0])
    stand.simulator.deliver()
    assert stand.words() == ["busy"]


def test_a_broken_answer_is_heard_as_an_error() -> None:
    assert "application error" in read_twiml("<Response>").said[0]


def test_expecting_texts(stand: Stand) -> None:
    stand.send("one")
    stand.send("two")
    stand.simulator.deliver()
    stand.simulator.expect(PATIENT, "ONE")
    assert [text.body for text in stand.simulator.unexpected()] == ["two"]
    with pytest.raises(AssertionError, match="two"):
        stand.simulator.expect(PATIENT, "one")
