"""Web Push (RFC 8030, VAPID) to a browser that a clinician allowed."""

from __future__ import annotations

import json
from typing import Any

import requests
from pywebpush import WebPushException, webpush

from notifications.carriers.base import AnswerLost, PermanentFailure, SendResult, TemporaryFailure
from notifications.message import DeliveryStatus, OutboundMessage

_GONE = frozenset({404, 410})


class WebPushCarrier:
    """`private_key`: VAPID, base64url or PEM. `contact`: the `mailto:` a push service may complain to.

    A message's `payload` holds `subscription` (as the browser gave it) and may hold `url`, `tag` and
    `actions`.
    """

    def __init__(
        self,
        private_key: str,
        *,
        contact: str = "mailto:vigilia@localhost",
        timeout: float = 8.0,
        session: requests.Session | None = None,
    ) -> None:
        self._private_key = private_key
        self._contact = contact
        self._timeout = timeout
        self._session = session

    def send(self, message: OutboundMessage) -> SendResult:
        """Raises TemporaryFailure, PermanentFailure (code 410: the subscription is gone) or AnswerLost."""
        subscription = message.payload.get("subscription")
        if not subscription:
            raise PermanentFailure("no_subscription", "no browser has subscribed")
        try:
            answer = webpush(
                subscription_info=dict(subscription),
                data=self.notification(message),
                vapid_private_key=self._private_key,
                vapid_claims={"sub": self._contact},
                ttl=900,
                headers={"Urgency": "high" if message.sender_lane == "pages" else "normal"},
                timeout=self._timeout,
                requests_session=self._session,
            )
        except WebPushException as error:
            raise _refusal(error) from None
        except requests.ConnectionError:
            raise TemporaryFailure("refused", "push service unreachable", next_channel=True) from None
        except requests.RequestException as error:
            raise AnswerLost(type(error).__name__) from None
        except (ValueError, TypeError, KeyError):
            raise PermanentFailure("bad_subscription", "the subscription cannot be used") from None
        headers = getattr(answer, "headers", {})
        return SendResult(str(headers.get("Location", "")), DeliveryStatus.SENT)

    @staticmethod
    def notification(message: OutboundMessage) -> str:
        """What the service worker gets, as JSON: title, body, url, tag, actions."""
        shown: dict[str, Any] = {"title": message.subject or "Vigilia", "body": message.text}
        shown |= {key: message.payload[key] for key in ("url", "tag", "actions") if key in message.payload}
        return json.dumps(shown, ensure_ascii=False)


def _refusal(error: WebPushException) -> Exception:
    status = int(getattr(error.response, "status_code", 0) or 0)
    if status in _GONE:
        return PermanentFailure(410, "the browser's subscription is gone")
    if status in (400, 401, 403, 413):
        return PermanentFailure(status, "the push service refused the message")
    return TemporaryFailure(status or "webpush", "the push service is not answering", next_channel=True)
