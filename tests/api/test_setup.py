"""Studies, sites, rotas, staff and who is on call, over the API."""

from __future__ import annotations

from typing import Any

import pytest

from service.demo.seed import protocol_text
from service.security import Role

SITE = {"study": "NCT01297972", "code": "SP", "name": "Sao Paulo", "telephone": "(11) 3061-0000", "place": "Clinica"}


@pytest.fixture
def admin(caller: Any) -> Any:
    return caller(Role.ADMIN, site=None)


def other_protocol(version: str = "9") -> str:
    lines = protocol_text().splitlines(keepends=True)
    changed = [f'version: "{version}"\n' if line.startswith("version:") else line for line in lines]
    assert changed != lines
    return "".join(changed)


def test_a_study_is_loaded_confirmed_and_started(admin: Any) -> None:
    loaded = admin.call("POST", "/studies", 201, data=other_protocol().encode(), content_type="application/yaml")
    assert loaded.get_json()["version"] == "9" and loaded.get_json()["status"] == "draft"
    assert admin.post("/studies/NCT01297972/activate", status=409)["field"]
    assert admin.post("/studies/NCT01297972/confirm", {}, 422)["field"] == "by"
    confirmed = admin.post("/studies/NCT01297972/confirm", {"by": "Dr. Prado"})
    assert (confirmed["status"], confirmed["confirmed_by"]) == ("confirmed", "Dr. Prado")
    assert admin.post("/studies/NCT01297972/activate")["status"] == "active"
    assert admin.get("/studies/NCT01297972")["activated_at"]
    assert [row["code"] for row in admin.get("/studies")["items"]] == ["NCT01297972"]


def test_a_protocol_comes_as_json_too_and_twice_changes_nothing(admin: Any) -> None:
    first = admin.post("/studies", {"protocol": other_protocol()}, 201)
    assert admin.post("/studies", {"protocol": other_protocol()}, 201) == first


def test_every_fault_of_a_protocol_file_is_named_by_its_path(admin: Any) -> None:
    text = other_protocol().replace("version:", "versoin:", 1)
    problem = admin.post("/studies", {"protocol": text}, 422)
    assert problem["field"] == "protocol"
    assert {"version", "versoin"} <= {error["field"] for error in problem["errors"]}


NO_PROTOCOLS = ["", "  ", "a: b\x00", "[" * 5000, "- 1", "a: 1\na: 2", "!!python/object:os.x {}", "&a [*a]"]


@pytest.mark.parametrize("text", NO_PROTOCOLS)
def test_a_text_that_is_no_protocol_is_refused(admin: Any, text: str) -> None:
    assert admin.post("/studies", {"protocol": text}, 422)["field"] == "protocol"


def test_a_protocol_of_another_media_type_is_refused(admin: Any) -> None:
    admin.call("POST", "/studies", 415, data=b"<study/>", content_type="application/xml")
    admin.call("POST", "/studies", 422, data=b"\xff\xfe", content_type="application/yaml")
    admin.call("POST", "/studies", 422, data=b"[]", content_type="application/json")


def test_a_token_of_one_site_changes_no_study_and_makes_no_site(api: Any) -> None:
    api.post("/studies", {"protocol": other_protocol()}, 403)
    api.post("/studies/NCT01297972/confirm", {"by": "Dr. Prado"}, 403)
    api.post("/studies/NCT01297972/activate", status=403)
    api.post("/sites", SITE, 403)


@pytest.mark.parametrize("code", ["NCT0", "%00", "%F0%9F%92%A9"])
def test_an_unknown_study_is_not_found(admin: Any, code: str) -> None:
    admin.get(f"/studies/{code}", 404)


def test_a_site_is_made_and_changed_with_a_reason(admin: Any) -> None:
    site = admin.post("/sites", SITE | {"closed_days": ["2026-12-24"]}, 201)
    assert site["closed_days"] == ["2026-12-24"] and site["emergency_number"] == "192"
    assert site["feed"].startswith("/calendar/")
    path = f"/sites/{site['id']}"
    assert admin.patch(path, {"place": "Sala 4"}, 422)["field"] == "reason"
    assert admin.patch(path, {"place": "Sala 4", "reason": "moved"})["place"] == "Sala 4"
    assert admin.get(path)["place"] == "Sala 4"
    assert [row["code"] for row in admin.get("/sites?study=NCT01297972")["items"]] == ["RP", "SP"]


@pytest.mark.parametrize(
    ("change", "field", "status"),
    [
        ({"place": "a place whose name no SMS can carry"}, "place", 422),
        ({"telephone": "12"}, "telephone", 422),
        ({"timezone": "Nowhere"}, "timezone", 422),
        ({"clinic_hour": "9"}, "clinic_hour", 422),
        ({"closed_days": ["2026-02-30"]}, "closed_days.0", 422),
        ({"country": "brazil"}, "country", 422),
        ({"code": "RP"}, "code", 409),
        ({"study": "NCT0"}, "study", 404),
    ],
)
def test_a_site_that_cannot_be_names_its_field(admin: Any, change: dict[str, Any], field: str, status: int) -> None:
    assert admin.post("/sites", SITE | change, status)["field"] == field


def test_who_is_on_call(api: Any) -> None:
    found = api.get("/on-call?at=2026-03-10T03:00:00-03:00")
    assert [(one["layer"], one["name"]) for one in found["items"]] == [("on_call", "Dr. Reis"), ("backup", "Dr. Lima")]
    assert found["at"] == "2026-03-10T06:00:00Z" and found["holes"] == []
    assert api.get("/on-call")["at"] == "2026-03-02T11:00:00Z"
    assert api.get("/on-call?at=2026-03-10T03:00:00+00:00")["at"] == "2026-03-10T03:00:00Z"


def test_nobody_on_call_is_an_answer_and_a_hole(admin: Any) -> None:
    admin.post("/sites", SITE, 201)
    assert admin.get("/on-call", 422)["field"] == "site"
    found = admin.get("/on-call?site=SP")
    assert found["items"] == [] and found["holes"]


@pytest.mark.parametrize("query", ["at=now", "at=2026-03-10T03:00", "at=2026-99-10T03:00:00Z"])
def test_an_instant_without_its_offset_is_refused(api: Any, query: str) -> None:
    assert api.get(f"/on-call?{query}", 422)["field"] == "at"


def members(api: Any) -> dict[str, int]:
    return {row["name"]: row["id"] for row in api.get("/staff")["items"]}


def test_a_rota_is_made_and_overridden(api: Any) -> None:
    who = members(api)
    layer = {"start": "2026-01-05", "members": [who["Ana Souza"]]}
    rota = api.post("/rotas", {"site": "RP", "name": "Day line", "layers": [layer]}, 201)
    assert rota["layers"][0]["members"] == [who["Ana Souza"]] and rota["timezone"] == "America/Sao_Paulo"
    assert [row["name"] for row in api.get("/rotas")["items"]] == ["Fever line", "Day line"]
    fever = api.get("/rotas")["items"][0]["id"]
    stretch = {"staff": who["Dr. Lima"], "start_at": "2026-03-10T00:00:00Z", "end_at": "2026-03-11T00:00:00Z"}
    api.post(f"/rotas/{fever}/overrides", stretch | {"reason": "congress", "instead_of": who["Dr. Reis"]}, 201)
    names = [one["name"] for one in api.get("/on-call?at=2026-03-10T06:00:00Z")["items"] if one["layer"] == "on_call"]
    assert names == ["Dr. Lima", "Ana Souza"]
    assert api.post(f"/rotas/{fever}/shifts", stretch, 201)["layer"] == "on_call"
    assert api.post(f"/rotas/{fever}/overrides", stretch, 422)["field"] == "reason"


def test_two_people_change_places_and_change_back(api: Any) -> None:
    who = {row["name"]: row["id"] for row in api.get("/staff")["items"]}
    (rota,) = api.get("/rotas")["items"]
    mine = {"staff": who["Dr. Reis"], "start_at": "2026-03-09T11:00:00Z", "end_at": "2026-03-10T11:00:00Z"}
    theirs = {"staff": who["Dr. Prado"], "start_at": "2026-03-12T11:00:00Z", "end_at": "2026-03-13T11:00:00Z"}
    body = {"layer": "on_call", "first": mine, "second": theirs, "reason": "congress"}
    made = api.post(f"/rotas/{rota['id']}/swaps", body, 201)["items"]

    def on_call(at: str) -> str:
        return next(row["name"] for row in api.get(f"/on-call?at={at}")["items"] if row["layer"] == "on_call")

    assert on_call("2026-03-09T12:00:00Z") == "Dr. Prado" and on_call("2026-03-12T12:00:00Z") == "Dr. Reis"
    api.post(f"/overrides/{made[0]['id']}/cancel")
    assert on_call("2026-03-09T12:00:00Z") == "Dr. Reis"
    wrong = body | {"second": theirs | {"end_at": "2026-03-12T11:00:00Z"}}
    assert api.post(f"/rotas/{rota['id']}/swaps", wrong, 422)["field"] == "end_at"
    unknown = body | {"second": theirs | {"staff": 999999}}
    assert api.post(f"/rotas/{rota['id']}/swaps", unknown, 404)["field"] == "staff"


@pytest.mark.parametrize(
    ("layer", "field"),
    [
        ({"members": []}, "layers.0.members"),
        ({"members": [999999]}, "layers.0.members"),
        ({"members": [2**63]}, "layers.0.members.0"),
        ({"handover": "8"}, "layers.0.handover"),
        ({"every": "year"}, "layers.0.every"),
        ({"weekday": 7}, "layers.0.weekday"),
    ],
)
def test_a_rota_that_cannot_be_names_its_place(api: Any, layer: dict[str, Any], field: str) -> None:
    body = {"site": "RP", "name": "x", "layers": [{"start": "2026-01-05", "members": [1]} | layer]}
    assert api.post("/rotas", body, 422)["field"] == field


def test_a_person_is_added_and_verified_by_a_code(api: Any, world: Any) -> None:
    body = {"name": "Dr. Nova", "email": "nova@vigilia.example", "role": "clinician", "site": "RP"}
    person = api.post("/staff", body | {"phone": "+5516991119999"}, 201)
    contact = next(one for one in person["contacts"] if one["channel"] == "sms")
    assert contact["verified_at"] is None and "99999" not in contact["address"]
    path = f"/staff/{person['id']}/contacts/{contact['id']}"
    api.post(path + "/code")
    world.settle()
    text = world.phone("+5516991119999").expects("digo")
    code = next(word for word in text.replace(".", " ").split() if word.isdigit())
    assert api.post(path + "/verify", {"code": "000000" if code != "000000" else "111111"}) == {"verified": False}
    assert api.post(path + "/verify", {"code": code}) == {"verified": True}
    shown = next(row for row in api.get("/staff")["items"] if row["id"] == person["id"])
    assert all(one["verified_at"] for one in shown["contacts"] if one["channel"] in ("sms", "voice"))


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"email": "ana@vigilia.example"}, 409),
        ({"email": "nobody"}, 422),
        ({"role": "king"}, 422),
        ({"phone": "1"}, 422),
        ({"password": "short"}, 422),
        ({"role": "admin"}, 403),
        ({"site": None}, 403),
        ({"site": "XX"}, 404),
    ],
)
def test_a_person_that_cannot_be_added(api: Any, change: dict[str, Any], status: int) -> None:
    body = {"name": "Dr. Nova", "email": "nova@vigilia.example", "role": "clinician", "site": "RP"}
    api.post("/staff", body | change, status)
