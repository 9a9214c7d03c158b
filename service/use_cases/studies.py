"""Studies: a protocol file becomes a version, a named investigator stands for its defaults, the study starts."""

from __future__ import annotations

import hashlib
from datetime import datetime

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from notifications.catalog import CATALOG
from service.errors import Conflict, NotFound
from service.models import Patient, Study, StudyVersion
from service.prepared import Prepared
from service.use_cases import audit, bulk
from workflows.decisions import RuleViolation
from workflows.protocol import StudyDesign
from workflows.protocol_file import load_design

DRAFT, CONFIRMED, ACTIVE = "draft", "confirmed", "active"
DIGEST = Prepared(select(StudyVersion.sha256).where(StudyVersion.id == bindparam("version")))


_BY_DIGEST: dict[str, StudyDesign] = {}


def design_of(session: Session, version_id: int) -> StudyDesign:
    """The design of one version. Files never change, so each is read once a process, and asked for once a session."""
    known: dict[int, StudyDesign] = session.info.setdefault("designs", {})
    if version_id not in known:
        bulk.flush_of(session, StudyVersion)
        found = DIGEST.first(session, version=version_id)
        if found is None:
            raise NotFound(f"there is no protocol version {version_id}")
        (digest,) = found
        if digest not in _BY_DIGEST:
            source = session.scalars(select(StudyVersion.source).where(StudyVersion.id == version_id)).one()
            _BY_DIGEST[digest] = load_design(source, CATALOG)
        known[version_id] = _BY_DIGEST[digest]
    return known[version_id]


def remember(session: Session, version_id: int, digest: str) -> None:
    """The digest of a version that the caller has read anyway: `design_of` need not ask for it."""
    if digest in _BY_DIGEST:
        session.info.setdefault("designs", {})[version_id] = _BY_DIGEST[digest]


def design_for(session: Session, patient: Patient) -> StudyDesign:
    """The design that the patient is pinned to."""
    return design_of(session, patient.study_version_id)


def by_code(session: Session, code: str) -> Study:
    """The study called `code`; NotFound names it."""
    study = session.scalars(select(Study).where(Study.code == code)).one_or_none()
    if study is None:
        raise NotFound(f"there is no study {code!r}", field="study", value=code)
    return study


def load(session: Session, text: str, *, actor: str, now: datetime) -> Study:
    """A protocol file as a new study, or a new version of the study that has its code.

    ProtocolErrors lists every fault by its path. Conflict when that version is there with another text; the same
    text again changes nothing. A new version starts unconfirmed, and patients stay on theirs.
    """
    design = load_design(text, CATALOG)
    study = session.scalars(select(Study).where(Study.code == design.code).with_for_update()).one_or_none()
    if study is None:
        study = Study(code=design.code, title=_title(design), status=DRAFT, created_at=now)
        session.add(study)
        session.flush()
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    known = session.scalars(
        select(StudyVersion).where(StudyVersion.study_id == study.id, StudyVersion.version == design.version)
    ).one_or_none()
    if known is not None:
        if known.sha256 != sha256:
            raise Conflict(
                f"version {design.version} of {design.code} is there already with another text; give it a new version",
                field="version",
                value=design.version,
            )
        return study
    version = StudyVersion(
        study_id=study.id, version=design.version, source=text, sha256=sha256, created_at=now, created_by=actor
    )
    session.add(version)
    session.flush()
    _BY_DIGEST[sha256] = design
    study.version_id, study.title, study.status = version.id, _title(design), DRAFT
    study.confirmed_by = study.confirmed_at = None
    audit.record(
        session, "study:load", actor=actor, now=now, subject_id=study.id,
        detail={"version": design.version, "sha256": sha256},
    )  # fmt: skip
    return study


def confirm(session: Session, study: Study, *, by: str, actor: str, now: datetime) -> Study:
    """A named investigator stands for the values that the file marks as defaults. RuleViolation without a name."""
    if not by.strip():
        raise RuleViolation("by", by, "name the investigator who confirms the defaults")
    if study.version_id is None:
        raise Conflict("the study has no protocol version to confirm")
    study.confirmed_by, study.confirmed_at = by.strip(), now
    if study.status == DRAFT:
        study.status = CONFIRMED
    audit.record(
        session, "study:confirm", actor=actor, now=now, subject_id=study.id,
        detail={
            "by": by.strip(),
            "defaults": [dict(each) for each in design_of(session, study.version_id).defaults_to_confirm],
        },
    )  # fmt: skip
    return study


def activate(session: Session, study: Study, *, actor: str, now: datetime) -> Study:
    """Start it: patients may be enrolled. Conflict while nobody has confirmed its defaults."""
    if study.confirmed_by is None:
        raise Conflict("an investigator must confirm the protocol's defaults first", field="confirmed_by")
    if study.status != ACTIVE:
        study.status, study.activated_at = ACTIVE, study.activated_at or now
        audit.record(session, "study:activate", actor=actor, now=now, subject_id=study.id)
    return study


def all_studies(session: Session) -> list[Study]:
    """Every study, in order of code."""
    return list(session.scalars(select(Study).order_by(Study.code)))


def versions(session: Session, study: Study) -> list[StudyVersion]:
    """Its protocol versions, oldest first."""
    return list(
        session.scalars(select(StudyVersion).where(StudyVersion.study_id == study.id).order_by(StudyVersion.id))
    )


def _title(design: StudyDesign) -> str:
    return design.title.get("en") or next(iter(design.title.values()), design.code)
