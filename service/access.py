"""Who may call what. A view without a policy is refused: deny by default."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import g

from service.errors import Forbidden
from service.models import Patient
from service.security import Role

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True)
class Policy:
    """`roles` that may call; `public` says why a view needs none (a signature, a link in a message, a probe).

    `patient`: a patient's own phone may call too (`check_patient` keeps it to its own patient).
    """

    roles: frozenset[Role] = frozenset()
    public: str = ""
    patient: bool = False


@dataclass(frozen=True)
class Actor:
    """Who is asking. `site_id` None: every site. `name` is what the audit keeps ("staff:3", "token:7", "patient:5")."""

    name: str
    role: Role | None
    site_id: int | None = None
    staff_id: int | None = None
    patient_id: int | None = None
    language: str = "en"
    shown: str = ""


def allow(*roles: Role, patient: bool = False) -> Callable[[View], View]:
    """Only these roles (an administrator always may), and with `patient` the patient's own phone."""

    def mark(view: View) -> View:
        view.__policy__ = Policy(frozenset(roles) | {Role.ADMIN}, patient=patient)  # type: ignore[attr-defined]
        return view

    return mark


def public(why: str) -> Callable[[View], View]:
    """No log-in; `why` says what protects it instead."""

    def mark(view: View) -> View:
        view.__policy__ = Policy(public=why)  # type: ignore[attr-defined]
        return view

    return mark


def policy_of(view: Any, method: str = "GET") -> Policy | None:
    """The policy of a view function or of the method of a view class; None: it has none and is refused."""
    found: Policy | None = getattr(view, "__policy__", None)
    if found is None and (view_class := getattr(view, "view_class", None)) is not None:
        handler = getattr(view_class, method.lower(), None)
        found = getattr(handler, "__policy__", None) or getattr(view_class, "__policy__", None)
    return found


def actor() -> Actor:
    """Who is asking, in this request. Forbidden where nobody is known."""
    found: Actor | None = g.get("actor")
    if found is None:
        raise Forbidden("nobody is logged in")
    return found


def check_site(site_id: int | None) -> None:
    """Forbidden when the asking person belongs to another site."""
    mine = actor().site_id
    if mine is not None and site_id is not None and mine != site_id:
        raise Forbidden("this belongs to another site")


def check_patient(patient: Patient) -> None:
    """Forbidden for another site's patient, and for a patient's own phone with another patient."""
    check_site(patient.site_id)
    own = actor().patient_id
    if own is not None and own != patient.id:
        raise Forbidden("this belongs to another patient")
