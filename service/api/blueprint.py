"""flask-smorest's Blueprint, with types and problems as errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import flask_smorest
from marshmallow import RAISE, Schema

from service.api import problems

View = TypeVar("View", bound=Callable[..., Any])


class Blueprint(flask_smorest.Blueprint):  # type: ignore[misc]
    """A part of `/api/v1`. Its name is the tag in the description."""

    def __init__(self, name: str, import_name: str, description: str) -> None:
        super().__init__(name, import_name, url_prefix="/api/v1", description=description)
        problems.guard(self)

    def on(self, method: str, rule: str) -> Callable[[View], View]:
        """Serve `rule`. Outermost: the policy (`access.allow`) stands right below it."""
        routed: Callable[[View], View] = self.route(rule, methods=[method])
        return routed

    def takes(self, schema: type[Schema]) -> Callable[[View], View]:
        """The JSON body, read and checked by `schema`; the view gets it after `work`."""
        read: Callable[[View], View] = self.arguments(schema)
        return read

    def takes_maybe(self, schema: type[Schema]) -> Callable[[View], View]:
        """A JSON body that may be left out."""
        read: Callable[[View], View] = self.arguments(schema, required=False)
        return read

    def asks(self, schema: type[Schema]) -> Callable[[View], View]:
        """The query string, read and checked by `schema`; a parameter that it does not know is refused, not ignored."""
        read: Callable[[View], View] = self.arguments(schema, location="query", unknown=RAISE)
        return read

    def notes(self, **doc: Any) -> Callable[[View], View]:
        """More for the description."""
        noted: Callable[[View], View] = self.doc(**doc)
        return noted

    def answers(self, status: int, schema: Schema, headers: Any = None) -> Callable[[View], View]:
        """What the description says of the answer; the view makes it itself."""
        said: Callable[[View], View] = self.response(status, schema, headers=headers)
        return said
