"""Sends outgoing webhooks: read the audit chain on, claim, post holding nothing, record."""

from __future__ import annotations

import json
from collections.abc import Callable

import requests

from notifications import standard_webhooks
from service.logs import get_logger
from service.runtime import Runtime
from service.use_cases import hooks
from service.use_cases.hooks import Post

log = get_logger("hooks")


def run(runtime: Runtime, *, stopping: Callable[[], bool] = lambda: False) -> int:
    """One round over every endpoint; how many tries were made. An endpoint that raises stops no other. Once it is
    `stopping`, no further try begins: a worker that ends waits for one slow receiver at most."""
    with runtime.db.reading() as session:
        endpoints = [row.id for row in hooks.live(session)]
    tries = 0
    for endpoint_id in endpoints:
        if stopping():
            break
        try:
            tries += _one(runtime, endpoint_id, stopping)
        except Exception as error:
            log.error("webhook_failed", endpoint=endpoint_id, error=type(error).__name__)
    return tries


def _one(runtime: Runtime, endpoint_id: int, stopping: Callable[[], bool]) -> int:
    clock = runtime.clock
    while True:
        with runtime.db.unit_of_work() as session:
            if hooks.read_on(session, endpoint_id, now=clock.now()) < hooks.READ_AT_ONCE:
                break
    with runtime.db.unit_of_work() as session:
        posts = hooks.claim(
            session, endpoint_id, key=runtime.config.secret_key, now=clock.now(), machine_now=clock.machine()
        )
    tries = 0
    for post in posts:
        if stopping():
            break
        answer = _post(runtime, post)
        taken = answer.startswith("2")
        tries += 1
        with runtime.db.unit_of_work() as session:
            hooks.record(session, post.delivery_id, taken=taken, answer=answer, now=clock.now())
        if not taken:
            log.info("webhook_not_taken", endpoint=endpoint_id, answer=answer)
            break  # the others would meet the same receiver
    if posts:
        with runtime.db.unit_of_work() as session:
            hooks.release(session, endpoint_id)
    return tries


def _post(runtime: Runtime, post: Post) -> str:
    """The status of the answer, or the fault."""
    config = runtime.config
    body = json.dumps(post.body, separators=(",", ":")).encode()
    # the receiver compares the time of the try with its own clock, so it is the machine's
    stamp = int(runtime.clock.machine().timestamp())
    signed = standard_webhooks.headers(post.secrets, post.message_id, stamp, body)
    try:
        answer = requests.post(
            post.url,
            data=body,
            headers={"Content-Type": "application/json", "User-Agent": "vigilia", **signed},
            timeout=(config.connect_seconds, config.read_seconds),
            allow_redirects=False,
        )
    except requests.RequestException as error:
        return type(error).__name__
    return str(answer.status_code)
