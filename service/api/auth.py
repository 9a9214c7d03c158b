"""Bearer tokens: who is asking. A browser's session never counts here, so that no page can be made to call the API."""

from __future__ import annotations

from flask import g, request

from service import runtime
from service.access import Actor
from service.api.fields import BIGGEST_ID, is_clean
from service.errors import NotFound, NotLoggedIn
from service.models import ApiToken
from service.security import Role
from service.use_cases import tokens

PREFIXES = ("/api/", "/fhir/")


def authenticate() -> None:
    """Set `g.actor` from the token of a call to the API. NotLoggedIn for a token that is unknown or revoked."""
    if not request.path.startswith(PREFIXES) or request.endpoint is None:  # no such address: 404, whoever asks
        return
    g.pop("actor", None)
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if not scheme:
        return
    if scheme.lower() != "bearer" or not token.strip():
        raise NotLoggedIn("say Authorization: Bearer TOKEN")
    running = runtime.current()
    now = running.clock.now()
    with running.db.reading() as session:
        found = tokens.find(session, token.strip())
        if found is None:
            raise NotLoggedIn("the token is unknown or was revoked")
        g.actor, g.token_id = _actor(found), found.id
        stale = tokens.should_touch(found, now)
    if stale:
        with running.db.unit_of_work() as session:
            tokens.touch(session, g.token_id, now=now)


def _actor(token: ApiToken) -> Actor:
    """A patient's own phone has no role: it sees its patient and nobody else."""
    return Actor(
        name=f"patient:{token.patient_id}" if token.patient_id else f"token:{token.id}",
        role=None if token.patient_id else Role(token.role),
        site_id=token.site_id,
        staff_id=token.staff_id,
        patient_id=token.patient_id,
        shown=token.name,
    )


def refuse_impossible_addresses() -> None:
    """NotFound for a row's number that no row can have, and for a name with control signs."""
    for value in (request.view_args or {}).values():
        if isinstance(value, int) and value > BIGGEST_ID:
            raise NotFound("no such number")
        if isinstance(value, str) and not is_clean(value):
            raise NotFound("no such name")
