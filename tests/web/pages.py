"""A browser without a browser: reads forms, fills them in and sends them, as a person does without JavaScript."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

from sqlalchemy import select

BASE = "https://vigilia.test"
LOOKS = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}  # what a browser says where somebody waits for a page


class Page(HTMLParser):
    """What a page shows: its text, links, forms with their fields, and which fields are marked as wrong."""

    def __init__(self, answer: Any) -> None:
        super().__init__()
        self.answer, self.status = answer, answer.status_code
        self.html: str = answer.get_data(as_text=True)
        self.words: list[str] = []
        self.forms: list[dict[str, Any]] = []
        self.links: list[str] = []
        self.wrong: set[str] = set()
        self._form: dict[str, Any] | None = None
        self._select, self._area, self._silent = "", "", 0
        self.feed(self.html)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in ("script", "style"):
            self._silent += 1
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag == "form":
            self._form = {"action": given.get("action", ""), "method": given.get("method", "get"), "fields": {}}
            self.forms.append(self._form)
        if tag == "option" and self._select and self._form:
            chosen = self._form["fields"].setdefault(self._select, given.get("value", ""))
            self._form["fields"][self._select] = given.get("value", "") if "selected" in given else chosen
        name = given.get("name", "")
        if "aria-invalid" in given:
            self.wrong.add(name)
        if self._form is None or not name:
            return
        fields = self._form["fields"]
        if tag == "input" and given.get("type") not in ("checkbox", "radio"):
            fields[name] = given.get("value", "")
        elif tag == "input" and "checked" in given:
            fields.setdefault(name, []).append(given.get("value", "on"))
        elif tag == "select":
            self._select = name
        elif tag == "textarea":
            self._area, fields[name] = name, ""
        if tag == "button" and name:
            self._form.setdefault("buttons", []).append((name, given.get("value", "")))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        if tag in ("script", "style"):
            self._silent -= 1
        if tag == "select":
            self._select = ""
        if tag == "textarea":
            self._area = ""

    def handle_data(self, data: str) -> None:
        if self._area and self._form:
            self._form["fields"][self._area] += data
        if not self._silent:
            self.words.append(data)

    def form(self, action: str) -> dict[str, Any]:
        """The first form whose address ends with `action`."""
        return next(form for form in self.forms if form["action"].split("?")[0].endswith(action))


class Person:
    """Somebody in front of a browser."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def opens(self, path: str, status: int = 200) -> Page:
        """Go to a page; AssertionError when its status is another."""
        page = Page(self.client.get(path, base_url=BASE, follow_redirects=True))
        assert page.status == status, f"{path}: {page.status} {page.text[:400]}"
        return page

    def sends(self, page: Page, action: str, status: int = 200, **values: Any) -> Page:
        """Fill in the page's form for `action` with `values`, keep what it holds, send it, follow on."""
        form = page.form(action)
        answer = self.client.post(
            form["action"] or page.answer.request.path,
            data={**form["fields"], **values},
            base_url=BASE,
            follow_redirects=True,
            headers=LOOKS,
        )
        result = Page(answer)
        assert result.status == status, f"{action}: {result.status} {result.text[:600]}"
        return result


def questions_link(world: Any, code: str, questionnaire: str = "daily") -> str:
    """The path of a link to the patient's newest open questionnaire of this kind."""
    from datetime import timedelta

    from service.models import Occasion, Patient
    from service.use_cases import links

    with world.runtime.db.unit_of_work() as session:
        patient = session.scalars(select(Patient).where(Patient.code == code)).one()
        occasion = session.scalars(
            select(Occasion)
            .where(
                Occasion.patient_id == patient.id,
                Occasion.questionnaire == questionnaire,
                Occasion.status.in_(["open", "late"]),
            )
            .order_by(Occasion.for_date.desc())
        ).first()
        assert occasion is not None, f"{questionnaire} is not open for {code}"
        token = links.make(
            session,
            kind="questions",
            now=world.now,
            lifetime=timedelta(days=3),
            patient_id=patient.id,
            occasion_id=occasion.id,
        )
    return f"/q/{token}"
