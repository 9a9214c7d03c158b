"""What goes wrong at the edge: each with the field, the value and what would be right."""

from __future__ import annotations

from http import HTTPStatus


class Problem(Exception):
    """An answer of RFC 9457. `field` names what is wrong with the request, where one field is."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "The request cannot be carried out"

    def __init__(self, detail: str, *, field: str = "", value: object = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.field = field
        self.value = value


class NotFound(Problem):
    status = HTTPStatus.NOT_FOUND
    title = "Not found"


class Conflict(Problem):
    """Somebody was there first, or the thing has changed since."""

    status = HTTPStatus.CONFLICT
    title = "Conflict"


class Stale(Problem):
    """`If-Match` does not match: the row has changed since it was read."""

    status = HTTPStatus.PRECONDITION_FAILED
    title = "Changed since you read it"


class Forbidden(Problem):
    status = HTTPStatus.FORBIDDEN
    title = "Not allowed"


class NotLoggedIn(Problem):
    """Nobody is known. Pages send to the log-in, the API answers 401."""

    status = HTTPStatus.UNAUTHORIZED
    title = "Log in first"


class ConfigError(Exception):
    """Every fault of the settings at once, one a line."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults
