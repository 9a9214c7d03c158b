"""What holds for every call: tokens, kept answers, problems, and the description."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest

from service.access import policy_of
from service.models import ApiToken, IdempotentAnswer, Patient
from service.security import Role
from service.use_cases import tokens
from tests.api.conftest import NEW, Caller


def test_without_a_token_nothing_is_answered(caller: Any, world: Any) -> None:
    nobody = caller(None)
    for rule in world.app.url_map.iter_rules():
        if not rule.rule.startswith("/api/v1/") or policy_of(world.app.view_functions[rule.endpoint]).public:
            continue
        path = rule.rule
        for part in rule.arguments:
            path = path.replace(f"<int:{part}>", "1").replace(f"<{part}>", "x")
        for method in rule.methods - {"HEAD", "OPTIONS"}:
            response = nobody.call(method, path, 401)
            assert response.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("header", ["Bearer x", "Bearer", "Basic dGVzdDp0ZXN0", "Bearer \u00e9", "x"])
def test_a_token_that_is_none_is_refused(world: Any, header: str) -> None:
    response = world.app.test_client().get("/api/v1/patients", headers={"Authorization": header})
    assert response.status_code == 401 and response.content_type == "application/problem+json"


def test_a_session_in_a_browser_does_not_open_the_api(world: Any) -> None:
    client = world.app.test_client()
    with client.session_transaction() as session:
        session["staff"] = 1
        session["epoch"] = 1
    assert client.get("/api/v1/patients").status_code == 401


def test_a_revoked_token_is_refused_and_its_use_is_written_down(api: Any, world: Any) -> None:
    api.get("/patients")
    with world.runtime.db.unit_of_work() as session:
        row = tokens.find(session, api.token)
        assert row.last_used_at == world.runtime.clock.now()
        assert api.token not in (row.digest, row.name)
        tokens.revoke(session, row.id, actor="operator", now=world.runtime.clock.now())
    api.get("/patients", 401)


@pytest.mark.parametrize("role", list(Role))
def test_only_carers_enrol(caller: Any, role: Role) -> None:
    may = role in (Role.COORDINATOR, Role.INVESTIGATOR, Role.ADMIN)
    caller(role).post("/patients", NEW, 201 if may else 403)


KEY = {"Idempotency-Key": "one-1"}


def test_the_same_key_gets_the_same_answer_and_enrols_once(api: Any, world: Any) -> None:
    first = api.call("POST", "/patients", 201, json=NEW, headers=KEY)
    again = api.call("POST", "/patients", 201, json=NEW, headers=KEY)
    assert again.get_json() == first.get_json()
    assert again.headers["Idempotent-Replayed"] == "true" and "Idempotent-Replayed" not in first.headers
    assert again.headers["Location"] == first.headers["Location"]
    with world.runtime.db.reading() as session:
        assert session.query(Patient).count() == 1


def test_the_same_key_with_another_request_is_refused(api: Any) -> None:
    api.post("/patients", NEW, 201, headers=KEY)
    problem = api.post("/patients", NEW | {"code": "P-011"}, 422, headers=KEY)
    assert problem["field"] == "Idempotency-Key" and problem["value"] == "one-1"


def test_a_refused_request_does_not_use_its_key_up(api: Any, world: Any) -> None:
    api.post("/patients", NEW | {"phone": "1"}, 422, headers=KEY)
    with world.runtime.db.reading() as session:
        assert session.query(IdempotentAnswer).count() == 0
    api.post("/patients", NEW, 201, headers=KEY)


def test_two_callers_may_use_the_same_key(caller: Any) -> None:
    caller().post("/patients", NEW, 201, headers=KEY)
    problem = caller().post("/patients", NEW, 409, headers=KEY)
    assert problem["field"] == "code"


@pytest.mark.parametrize("key", ["", "a b", "x" * 201, "\u00e9"])
def test_a_key_that_cannot_be_one_is_named(api: Any, key: str) -> None:
    problem = api.post("/patients", NEW, 422, headers={"Idempotency-Key": key})
    assert problem["field"] == "Idempotency-Key"


def test_unknown_addresses_and_methods_are_problems(api: Any) -> None:
    api.get("/nothing", 404)
    wrong = api.call("DELETE", "/patients", 405)
    assert "GET" in wrong.headers["Allow"] and "POST" in wrong.headers["Allow"]


def test_the_description_is_openapi_3_1_with_problems(caller: Any) -> None:
    spec = caller(None).get("/openapi.json")
    assert spec["openapi"] == "3.1.0"
    assert spec["security"] == [{"bearer": []}]
    for path, operations in spec["paths"].items():
        for method, operation in operations.items():
            if method == "parameters":
                continue
            assert operation["summary"], (path, method)
            assert operation["responses"]["default"] == {"$ref": "#/components/responses/DEFAULT_ERROR"}
    assert list(spec["components"]["responses"]["DEFAULT_ERROR"]["content"]) == ["application/problem+json"]
    for call in ("/api/v1/patients", "/api/v1/patients/{patient_id}/anchors", "/api/v1/visits/{visit_id}"):
        assert call in spec["paths"]


def test_the_page_of_the_description_has_no_inline_script_and_only_our_files(world: Any) -> None:
    client = world.app.test_client()
    page = client.get("/api/docs")
    text = page.get_data(as_text=True)
    assert page.status_code == 200 and "http" not in text.replace("http-equiv", "")
    assert "<script>" not in text and "style=" not in text
    for name in ("swagger-ui.css", "swagger-ui-bundle.js", "initializer.js"):
        assert f"/api/docs/static/{name}" in text
        assert client.get(f"/api/docs/static/{name}").status_code == 200


def test_a_patients_phone_sees_its_patient_and_nobody_else(api: Any, patient: Any, caller: Any, world: Any) -> None:
    other = api.post("/patients", NEW | {"code": "P-011", "phone": "+5516992220011"}, 201)
    nobody = caller(None)
    assert nobody.post("/app/codes", {"phone": NEW["phone"]}, 202) == {"minutes": 15}
    assert nobody.post("/app/codes", {"phone": "+5516999999999"}, 202) == {"minutes": 15}
    world.settle()
    code = world.phone(NEW["phone"]).expects("digo").split(" e ")[1].split(".")[0]
    assert len(code) == 6 and code == code.upper()
    typed = f"{code[:3]} {code[3:]}".lower()  # as a thumb types it
    body = {"phone": "(16) 99222-0010", "code": typed, "name": "Moto G"}
    nobody.post("/app/devices", body | {"code": "wrong1"}, 403)
    paired = nobody.post("/app/devices", body, 201)
    assert paired["patient"] == patient["id"]
    nobody.post("/app/devices", body, 403)
    phone = type(api)(world, paired["token"])
    assert [row["code"] for row in phone.get("/patients")["items"]] == ["P-010"]
    assert phone.get(f"/patients/{patient['id']}/calendar")
    assert phone.get(f"/patients/{patient['id']}/questionnaires/daily")["items"][0]["key"] == "temp"
    phone.get(f"/patients/{patient['id']}/questionnaires/none", 404)
    for path in (f"/patients/{other['id']}", f"/patients/{other['id']}/calendar", "/alerts", "/staff", "/messages"):
        phone.get(path, 403)
    phone.patch(f"/patients/{patient['id']}", {"channel": "sms", "reason": "x"}, 403)


def test_a_code_is_good_for_a_quarter_of_an_hour_and_three_are_sent(caller: Any, patient: Any, world: Any) -> None:
    nobody = caller(None)
    for _ in range(5):
        nobody.post("/app/codes", {"phone": NEW["phone"]}, 202)
        world.advance(seconds=1)
    texts = [text for text in world.phone(NEW["phone"]).reads_all() if "digo" in text]
    assert len(texts) == 3
    world.advance(minutes=16)
    code = texts[0].split(" e ")[1].split(".")[0]
    nobody.post("/app/devices", {"phone": NEW["phone"], "code": code}, 403)
    assert nobody.post("/app/codes", {"phone": "1"}, 422)["field"] == "phone"


def test_tokens_are_written_down_once_an_hour(api: Any, world: Any) -> None:
    api.get("/patients")
    world.advance(minutes=10)
    api.get("/patients")
    with world.runtime.db.reading() as session:
        assert session.query(ApiToken).one().last_used_at == world.runtime.clock.now() - timedelta(minutes=10)


def test_the_same_key_four_times_at_once_enrols_once(api: Any, world: Any) -> None:
    start = threading.Barrier(4)
    answers: list[Any] = []

    def send() -> None:
        client = world.app.test_client()
        start.wait()
        headers = {"Authorization": f"Bearer {api.token}"} | KEY
        answers.append(client.post("/api/v1/patients", json=NEW, headers=headers))

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [201] * 4
    assert len({answer.get_data() for answer in answers}) == 1
    assert sum("Idempotent-Replayed" in answer.headers for answer in answers) == 3
    with world.runtime.db.reading() as session:
        assert session.query(Patient).count() == 1


def test_a_fault_of_ours_is_a_problem_and_its_log_holds_no_words(
    api: Any, world: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("febre 38,7")

    monkeypatch.setattr("service.use_cases.lists.patients", broken)
    monkeypatch.setitem(world.app.config, "PROPAGATE_EXCEPTIONS", False)
    problem = api.get("/patients", 500)
    assert problem["detail"] == "the fault is ours; it was recorded"
    logged = "".join(capsys.readouterr())
    assert "38,7" not in logged and "RuntimeError" in logged and "api/patients.py" in logged


def test_a_body_that_is_too_large_is_a_problem(api: Any, world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(world.app.config, "MAX_CONTENT_LENGTH", 1000)
    api.call("POST", "/patients", 413, data=b"{" + b" " * 2000 + b"}", content_type="application/json")


def test_an_address_that_is_not_there_is_not_found_whatever_the_token(world: Any) -> None:
    for token in (None, "unknown"):
        Caller(world, token).get("/patients//occasions", 404)
