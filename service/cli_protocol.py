"""`vigilia protocol ...`: look at a study file without a database."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, time
from pathlib import Path
from typing import NoReturn

import click

from notifications.catalog import CATALOG
from service.protocol_output import FORMATS
from workflows.amendments import compare_designs
from workflows.anchors import AnchorDate, resolve_anchors
from workflows.closed_days import closed_days_of
from workflows.decisions import RuleViolation
from workflows.protocol import StudyDesign
from workflows.protocol_file import ProtocolErrors, load_design
from workflows.usdm import looks_like_usdm, read_usdm, write_usdm
from workflows.visit_calendar import PlannedVisit, plan_visits

ANCHOR = re.compile(r"(?P<name>[^=]+)=(?P<date>\d{4}-\d{2}-\d{2})(?:[T ](?P<time>\d{2}:\d{2}(?::\d{2})?))?")
DEFAULT_ZONE = "America/Sao_Paulo"
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def protocol() -> None:
    """Check, show and convert study files. FILE is our YAML or a CDISC USDM v4 JSON.

    \b
    Example: vigilia protocol check my-study.yaml
    """


@protocol.command()
@click.argument("file", type=FILE)
def check(file: Path) -> None:
    """Exit 0, or 1 with every error as `path.in.file: what is wrong`.

    \b
    Example: vigilia protocol check workflows/protocols/nct01297972.yaml
    """
    design = _read(file)
    dated = sum(1 for encounter in design.encounters if encounter.timing is not None)
    anchors = "1 anchor" if len(design.anchors) == 1 else f"{len(design.anchors)} anchors"
    click.echo(f"{design.code} version {design.version}: {dated} visits, {anchors}, no errors")
    if design.defaults_to_confirm and not design.confirmed_by_site:
        click.echo("To be confirmed by a named investigator before the study is activated:")
        for line in design.defaults_to_confirm:
            click.echo(f"  - {line.get('en') or next(iter(line.values()))}")


@protocol.command()
@click.argument("file", type=FILE)
@click.option(
    "--anchor",
    "anchors",
    multiple=True,
    metavar="NAME=DATE",
    help="An actual date, as 2026-03-20 or 2026-03-20T14:30; repeat it. `start` is a USDM study's Fixed Reference.",
)
@click.option(
    "--planned", multiple=True, metavar="NAME=DATE", help="A date that is planned but has not happened."
)
@click.option("--zone", help=f"The patient's time zone [default: the file's, else {DEFAULT_ZONE}]")
@click.option("--format", "form", type=click.Choice(sorted(FORMATS)), default="table", show_default=True)
@click.option("--closed", multiple=True, metavar="DATE", help="A day on which the site is closed; repeat it.")
@click.option("--today", metavar="DATE", help="Apply the study's stops as of this day.")
@click.option("--language", default="en", show_default=True, help="The language of the labels.")
def calendar(
    file: Path,
    anchors: tuple[str, ...],
    planned: tuple[str, ...],
    zone: str | None,
    form: str,
    closed: tuple[str, ...],
    today: str | None,
    language: str,
) -> None:
    """Every visit with its date and window, computed without a database.

    \b Example: vigilia protocol calendar study.yaml --anchor enrolment=2026-03-02 --anchor
    infusion_1=2026-03-20
    """
    design = _read(file)
    zone = zone or str(design.settings.get("zone", DEFAULT_ZONE))
    dates = _anchor_dates(anchors, planned)
    try:
        days = closed_days_of(design.closed_days, [_day(text, "--closed") for text in closed])
        visits = plan_visits(design, dates, zone, days, today=_day(today, "--today") if today else None)
        for line in _undated(design, dates, zone, visits):
            click.echo(line, err=True)
    except RuleViolation as error:
        _fail([str(error)])
    click.echo(FORMATS[form](design, visits, language), nl=False)


@protocol.command()
@click.argument("file", type=FILE)
@click.option("--format", "form", type=click.Choice(["usdm"]), default="usdm", show_default=True)
@click.option("--language", default="en", show_default=True, help="The language of the labels.")
def export(file: Path, form: str, language: str) -> None:
    """The study as CDISC USDM v4 JSON on standard output.

    \b
    Example: vigilia protocol export study.yaml --format usdm > study.json
    """
    try:
        click.echo(write_usdm(_read(file), language), nl=False)
    except RuleViolation as error:
        _fail([str(error)])


@protocol.command()
@click.argument("old", type=FILE)
@click.argument("new", type=FILE)
def compare(old: Path, new: Path) -> None:
    """What an amendment changes, one sentence a line.

    \b
    Example: vigilia protocol compare study-v1.yaml study-v2.yaml
    """
    for line in compare_designs(_read(old), _read(new)) or ("Nothing changed.",):
        click.echo(line)


def _read(file: Path) -> StudyDesign:
    """The design of either kind of file; every error is printed and the command ends with 1."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        _fail([f"(file): is not UTF-8 text at byte {error.start}"])
    except OSError as error:
        _fail([f"(file): {error.strerror}"])
    try:
        if not looks_like_usdm(text):
            return load_design(text, known_templates=set(CATALOG))
        study = read_usdm(text)
    except ProtocolErrors as error:
        _fail(error.errors)
    for note in study.notes:
        click.echo(note, err=True)
    return study.design


def _fail(lines: Iterable[str]) -> NoReturn:
    for line in lines:
        click.echo(line, err=True)
    raise SystemExit(1)


def _anchor_dates(actual: tuple[str, ...], planned: tuple[str, ...]) -> dict[str, AnchorDate]:
    dates: dict[str, AnchorDate] = {}
    for option, texts in (("--planned", planned), ("--anchor", actual)):
        for text in texts:
            name, day, hour = _named_date(text, option)
            if option == "--planned":
                dates[name] = AnchorDate(name, planned=day)
            else:
                before = dates.get(name)
                dates[name] = AnchorDate(name, before.planned if before else None, day, hour)
    return dates


def _named_date(text: str, option: str) -> tuple[str, date, time | None]:
    found = ANCHOR.fullmatch(text.strip())
    if found is None:
        raise click.BadParameter(
            f"{text!r} is not NAME=DATE, such as enrolment=2026-03-02", param_hint=option
        )
    try:
        hour = time.fromisoformat(found["time"]) if found["time"] else None
    except ValueError:
        raise click.BadParameter(f"{found['time']!r} is not a time of day", param_hint=option) from None
    return found["name"].strip(), _day(found["date"], option), hour


def _day(text: str, option: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is not a date such as 2026-03-02", param_hint=option) from None


def _undated(
    design: StudyDesign, dates: Mapping[str, AnchorDate], zone: str, visits: tuple[PlannedVisit, ...]
) -> list[str]:
    """A line for each anchor that nothing dates, with the visits that are therefore missing."""
    resolved = resolve_anchors(design, dates, zone)
    planned = {visit.code for visit in visits}
    missing: dict[str, list[str]] = {}
    for encounter in design.encounters:
        timing = encounter.timing
        if timing is not None and encounter.code not in planned and resolved[timing.anchor].date is None:
            missing.setdefault(timing.anchor, []).append(encounter.code)
    return [f"{name}: has no date, so there is no {', '.join(codes)}" for name, codes in missing.items()]
