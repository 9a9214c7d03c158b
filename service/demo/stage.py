"""The demo's stage: a throw-away database, the made-up study, the simulated carrier, and the weeks before the
curtain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from flask import Flask

from notifications.message import Channel
from service.carriers import carriers_from
from service.clock import Clock, MovableClock
from service.config import Config
from service.demo import seed
from service.demo.engine import Engine, Mailbox
from service.demo.inprocess import InProcessTwilioHttpClient
from service.demo.robots import Robots
from service.demo.sim_api import SimulatorApi, create_simulator
from service.demo.simulator import Simulator
from service.migrate import upgrade
from service.runtime import Runtime
from service.security import new_token

ACCOUNT, FROM, PAGE_FROM, WHATSAPP_FROM = "AC" + "0" * 32, "+15550000001", "+15550000002", "+15550000003"
ZONE = ZoneInfo(seed.ZONE)
FIRST_DAY = datetime(2026, 2, 12, 9, 0, tzinfo=ZONE)
ENROLLED_AFTER = (0, 1, 4, 6, 8, 11, 13, 15, 18)  # days after FIRST_DAY, on working days
CURTAIN = datetime(2026, 3, 4, 14, 40, tzinfo=ZONE)
SECOND_PHONE = "P-002"  # speaks the other language, so that both are on the screen

# (RuntimeMaker, AppMaker) come from the composition root, which stands above this room
MakeRuntime = Callable[[Config, Clock], Runtime]
MakeApp = Callable[[Config, Runtime], Flask]


@dataclass
class Stage:
    """Everything that plays in a demo."""

    config: Config
    runtime: Runtime
    app: Flask
    simulator: Simulator
    simulator_app: SimulatorApi
    engine: Engine
    robots: Robots
    mailbox: Mailbox
    language: str


def demo_config(folder: Path, port: int) -> Config:
    """Settings that need nothing from the environment."""
    return Config(
        database_url=f"sqlite:///{folder / 'demo.db'}",
        secret_key=new_token(32) + new_token(32),
        public_url=f"http://127.0.0.1:{port}",
        twilio_account_sid=ACCOUNT,
        twilio_auth_token="demo-token",
        twilio_api_base=f"http://127.0.0.1:{port}/twilio",
        twilio_from=FROM,
        twilio_page_from=PAGE_FROM,
        twilio_whatsapp_from=WHATSAPP_FROM,
        alarm_email=seed.BIA.email,
        poll_seconds=0,
        secure_cookies=False,
        log_json=False,
    )


def build(config: Config, *, make_runtime: MakeRuntime, make_app: MakeApp, language: str = "en") -> Stage:
    """Migrate, seed the study with its team, and wire the carrier. Nobody is enrolled yet; the clock is at
    FIRST_DAY."""
    clock = MovableClock(FIRST_DAY - Clock().machine())
    runtime = make_runtime(config, clock)
    upgrade(runtime.db.engine)
    simulator = Simulator(ACCOUNT, config.twilio_auth_token, public_url=config.public_url, now=clock.now)
    simulator.keyword_replies = True
    for number in (FROM, PAGE_FROM, WHATSAPP_FROM):
        simulator.own(number)
    simulator_app, mailbox = create_simulator(simulator), Mailbox()
    runtime.carriers = {
        **carriers_from(config, http_client=InProcessTwilioHttpClient(simulator_app)),
        Channel.EMAIL: mailbox,
    }
    app = make_app(config, runtime)
    simulator.wire(app)
    with runtime.db.unit_of_work() as session:
        seed.seed_study(session, now=clock.now(), language=language)
    robots = Robots(
        runtime,
        simulator,
        patients=[number for _, number in seed.PATIENTS],
        staff=[person.phone for person in seed.TEAM],
    )
    engine = Engine(runtime, simulator, robots.act)
    return Stage(config, runtime, app, simulator, simulator_app, engine, robots, mailbox, language)


def play_first_weeks(stage: Stage, *, patients: int = 9, curtain: datetime = CURTAIN) -> None:
    """Enrol the patients one after the other and let everybody answer until the curtain rises.

    Everything goes through the real code, so that the demo opens on a study with calendars, answers and visits.
    """
    stage.robots.clinic = True
    for (code, _), days in zip(seed.PATIENTS[:patients], ENROLLED_AFTER, strict=False):
        stage.engine.advance_to(min(FIRST_DAY + timedelta(days=days), curtain))
        on = stage.runtime.clock.now().astimezone(ZONE).date()
        with stage.runtime.db.unit_of_work() as session:
            seed.enrol(session, code, on=on, now=stage.runtime.clock.now(), language=language_of(stage, code))
        stage.engine.settle()
        if stage.engine.cancelled:
            break
    stage.engine.advance_to(curtain)
    stage.robots.clinic = False
    stage.robots.skip()


def language_of(stage: Stage, code: str) -> str:
    """A patient's language in this demo."""
    if code == SECOND_PHONE:
        return "pt-BR" if stage.language == "en" else "en"
    return stage.language
