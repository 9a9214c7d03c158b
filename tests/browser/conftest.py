"""A real Chromium against the real application, on 127.0.0.1, with the world's own clock and phones."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from werkzeug.serving import make_server

from tests.browser.chromium import find

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Refusals that a test provokes, and loads that fail because the test itself has cut the connection.
EXPECTED = ("status of 422", "status of 410", "ERR_INTERNET_DISCONNECTED")
PATIENCE = 15_000  # milliseconds that a condition may take on a busy machine


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/browser/" in item.path.as_posix():
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """One browser for the run. In CI a missing one is a failure; elsewhere a skip that says why."""
    path = find()
    if path is None:
        why = "no Chromium on the PATH (apt-get install chromium)"
        if os.environ.get("CI"):
            pytest.fail(why)
        pytest.skip(why)
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def address(world: Any) -> Iterator[str]:
    """Where the world's application listens, as long as the test runs."""
    server = make_server("127.0.0.1", 0, world.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    before = world.app.config["SESSION_COOKIE_SECURE"]
    world.app.config["SESSION_COOKIE_SECURE"] = False
    yield f"http://127.0.0.1:{server.server_port}"
    world.app.config["SESSION_COOKIE_SECURE"] = before
    server.shutdown()
    thread.join(timeout=10)
    server.server_close()


Opener = Callable[..., Any]


@pytest.fixture
def opened(chromium: Any, address: str) -> Iterator[Opener]:
    """`opened(width=360, dark=True, script=False)` -> a page; each test fails on any error in a page's console."""
    contexts: list[Any] = []
    errors: list[str] = []

    def open_page(
        *, width: int = 1280, height: int = 900, dark: bool = False, script: bool = True, locale: str = "en-GB"
    ) -> Any:
        context = chromium.new_context(
            base_url=address,
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            java_script_enabled=script,
            locale=locale,
        )
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        return page

    yield open_page
    for context in contexts:
        context.close()
    wrong = [error for error in errors if not any(expected in error for expected in EXPECTED)]
    assert not wrong, wrong


def log_in(page: Any, person: Any) -> None:
    """Log a member of the made-up team in, through the form."""
    from service.demo import seed

    page.goto("/login")
    page.get_by_label("E-mail").fill(person.email)
    page.locator("input[name=password]").fill(seed.PASSWORD)
    page.locator("main button").click()
    page.wait_for_url(lambda url: "/login" not in url)


def check_accessible(page: Any, *rules: str) -> None:
    """No axe violation (of all rules, or of those named), and nothing wider than the screen."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, options={"runOnly": list(rules)} if rules else None)
    assert found.violations_count == 0, found.generate_report()
    sideways = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert sideways <= 0, f"{page.url} is {sideways} px wider than the screen"


def registration(page: Any) -> tuple[Any, dict[str, Any]]:
    """A session with the browser's tools, and what it knows of the app's worker."""
    cdp = page.context.new_cdp_session(page)
    found: list[dict[str, Any]] = []
    cdp.on("ServiceWorker.workerRegistrationUpdated", lambda event: found.extend(event["registrations"]))
    cdp.send("ServiceWorker.enable")
    while not any(each["scopeURL"].endswith("/q/") for each in found):
        page.wait_for_timeout(20)
    return cdp, next(each for each in found if each["scopeURL"].endswith("/q/"))
