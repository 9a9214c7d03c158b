"""An attempt of which nobody knows whether it left: asked for at the carrier, with nothing held meanwhile."""

from __future__ import annotations

from notifications.carriers.base import CarrierError
from notifications.message import Channel, DeliveryStatus
from notifications.render import RenderError
from service.logs import get_logger
from service.runtime import Runtime
from service.use_cases import outbox_unknown
from service.use_cases.compose import written
from service.use_cases.outbox_unknown import Unknown

log = get_logger("lookup")


def settle(runtime: Runtime, one: Unknown) -> bool:
    """Look it up and decide; whether it is decided."""
    looked, provider_id, status = _look_up(runtime, one)
    with runtime.db.unit_of_work() as session:
        return outbox_unknown.settle(
            session, one, provider_id=provider_id, status=status, looked=looked, now=runtime.clock.now(),
            machine_now=runtime.clock.machine(),
        )  # fmt: skip


def _look_up(runtime: Runtime, one: Unknown) -> tuple[bool, str | None, DeliveryStatus]:
    """Whether the carrier's list could be read, and what it has of this attempt."""
    carrier = runtime.carriers.get(Channel(one.channel))
    find = getattr(carrier, "find_calls" if one.channel == Channel.VOICE else "find_sent", None)
    if find is None:
        return True, None, DeliveryStatus.ACCEPTED
    try:
        text = written(runtime.renderer, one, public_url=runtime.config.public_url).text
        prefix = "whatsapp:" if one.channel == Channel.WHATSAPP else ""
        listed = find(prefix + one.address, one.since)
    except (CarrierError, RenderError) as error:
        log.warning("look_up_failed", message=one.message_id, error=type(error).__name__)
        return False, None, DeliveryStatus.ACCEPTED
    with runtime.db.reading() as session:
        others = outbox_unknown.of_other_attempts(session, one, [sent.provider_id for sent in listed])
    for sent in reversed(listed):
        if sent.provider_id not in others and (one.channel == Channel.VOICE or sent.text == text):
            return True, sent.provider_id, sent.status
    return True, None, DeliveryStatus.ACCEPTED
