"""The phones page: patients' phones, the care team's phone, what the system did, and a clock."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from flask import Blueprint, abort, jsonify, redirect, render_template, request, session
from sqlalchemy import select
from werkzeug.wrappers import Response

from service.access import public
from service.demo import feed, seed, stories
from service.demo.sim_state import Call
from service.demo.stage import ZONE, Stage
from service.demo.words import DONE, WORDS
from service.models import Alert
from service.web import i18n

WHY = "a demo on this machine: made-up people, and every phone is on the page"
PARTS = ("clock", "carrier", "phone-a", "phone-b", "phone-s", "feed", "mail")
SHOWN_TEXTS = 12
_CODE = re.compile(r"\b(\d[A-Z]{1,2})4\b")


def blueprint(stage: Stage) -> Blueprint:
    """The pages under /demo, on one stage."""
    pages = Blueprint(
        "demo", __name__, url_prefix="/demo", template_folder="templates", static_folder="static"
    )

    @pages.get("")
    @public(WHY)
    def phones() -> str:
        return render_template("demo/phones.html", **_everything(stage))

    @pages.get("/parts")
    @public(WHY)
    def parts() -> Response:
        shown = _everything(stage)
        made = {
            part: render_template(f"demo/part_{part.split('-')[0]}.html", part=part, **shown)
            for part in PARTS
        }
        answer = jsonify(made)
        answer.set_etag(hashlib.sha256(answer.get_data()).hexdigest()[:16])
        return answer.make_conditional(request)

    @pages.post("/text")
    @public(WHY)
    def text() -> Response:
        number, body = _number(request.form.get("number", "")), request.form.get("body", "").strip()
        if body:
            stories.type_text(stage, number, body[:1600])
            stage.robots.quiet.add(number)
            stage.engine.wake()
        return _back()

    @pages.post("/call/<sid>/<verb>")
    @public(WHY)
    def call(sid: str, verb: str) -> Response:
        found = stage.simulator.desk.calls.get(sid)
        if found is None:
            abort(404)
        if verb == "answer":
            stage.simulator.answer(found)
        elif verb == "press":
            stage.simulator.press(found, request.form.get("digits", "")[:1])
        elif verb == "hang_up":
            stage.simulator.hang_up(found)
        else:
            abort(404)
        stage.engine.wake()
        return _back()

    @pages.post("/story/<name>")
    @public(WHY)
    def story(name: str) -> Response:
        play = stories.STORIES.get(name) or abort(404)
        patient = request.form.get("patient", "")
        if patient not in dict(seed.PATIENTS):
            abort(404)
        back_up = name == "carrier" and stage.simulator.faults.down
        label = _words()["carrier_up" if back_up else name]
        stage.engine.note(label)
        if name == "carrier":
            play(stage, patient)
        else:
            stage.engine.submit(label, lambda: play(stage, patient))
        return _back()

    @pages.post("/clock/<name>")
    @public(WHY)
    def clock(name: str) -> Response:
        if name == "cancel":
            stage.engine.cancel()
            return _back()
        move = stories.CLOCK.get(name) or abort(404)
        label = _words()[name]
        stage.engine.note(label)
        stage.engine.submit(label, lambda: move(stage))
        return _back()

    @pages.post("/language")
    @public(WHY)
    def language() -> Response:
        if request.form.get("language") in WORDS:
            session["language"] = request.form["language"]
        return _back()

    return pages


def _words() -> dict[str, str]:
    return WORDS.get(i18n.language(), WORDS["en"])


def _number(number: str) -> str:
    known = {phone for _, phone in seed.PATIENTS} | {person.phone for person in seed.TEAM}
    if number not in known:
        abort(404)
    return number


def _back() -> Response:
    if request.headers.get("X-Requested-With") == "demo":
        return Response(status=204)
    wanted = {name: request.form[name] for name in ("a", "b", "s") if request.form.get(name)}
    query = "&".join(f"{name}={value}" for name, value in wanted.items() if value.replace("-", "").isalnum())
    return redirect("/demo" + (f"?{query}" if query else ""), code=303)


def _everything(stage: Stage) -> dict[str, Any]:
    """What the templates show. `a`, `b` and `s` in the address say whose phones."""
    enrolled = stories.codes_of_patients(stage)
    codes = [code for code, _, _ in enrolled]
    first = request.args.get("a") if request.args.get("a") in codes else (codes or ["P-001"])[0]
    second = request.args.get("b") if request.args.get("b") in codes else (codes[1:] or codes or ["P-002"])[0]
    names = [person.name for person in seed.TEAM]
    person = next((one for one in seed.TEAM if _slug(one.name) == request.args.get("s")), seed.REIS)
    numbers = dict(seed.PATIENTS)
    now = stage.runtime.clock.now()
    return {
        "w": _words(),
        "done": DONE.get(i18n.language(), DONE["en"]),
        "zone": str(ZONE),
        "now": now,
        "local": now.astimezone(ZONE),
        "progress": stage.engine.progress,
        "waiting": stage.engine.waiting,
        "down": stage.simulator.faults.down,
        "lines": feed.lines(stage),
        "letters": list(reversed(stage.mailbox.letters[-8:])),
        "enrolled": enrolled,
        "phones": {
            "phone-a": _phone(stage, str(first), numbers[str(first)], "a"),
            "phone-b": _phone(stage, str(second), numbers[str(second)], "b"),
            "phone-s": _phone(stage, person.name, person.phone, "s"),
        },
        "chosen": {"a": first, "b": second, "s": _slug(person.name)},
        "team": [(one, _slug(one.name), _busy(stage, one.phone)) for one in seed.TEAM],
        "names": names,
        "password": seed.PASSWORD,
    }


def _slug(name: str) -> str:
    return name.lower().replace(". ", "-").replace(" ", "-")


def _busy(stage: Stage, number: str) -> bool:
    return any(call.ringing for call in stage.simulator.phone(number).calls)


def _is_open(stage: Stage, case: str) -> bool:
    """Whether nobody has this case yet: somebody may have taken it through the link, by telephone or in the console."""
    with stage.runtime.db.reading() as session:
        return session.scalar(select(Alert.id).where(Alert.case == case, Alert.status == "open").limit(1)) is not None


def _phone(stage: Stage, name: str, number: str, place: str) -> dict[str, Any]:
    phone = stage.simulator.phone(number)
    both = sorted(phone.inbox + phone.outbox, key=lambda text: (text.at, text.sid))[-SHOWN_TEXTS:]
    texts = [{"out": text.direction == "inbound", "text": text} for text in both]
    code = next((found[1] for text in reversed(phone.inbox) if (found := _CODE.search(text.body))), "")
    calls: list[Call] = [call for call in phone.calls if call.live] or phone.calls[-1:]
    answered = code and any(text.body.strip().upper().startswith(code) for text in phone.outbox)
    return {
        "name": name,
        "number": number,
        "place": place,
        "texts": texts,
        "code": code if code and not answered and _is_open(stage, code) else "",
        "call": calls[-1] if calls else None,
        "staff": place == "s",
    }
