"""Some rows of one table that are to be written together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table

from service.db import Base

Values = tuple[Any, ...]
Same = dict[str, Any]


@dataclass(frozen=True)
class Part:
    """One table's rows: `rows` hold `names`, and all of them what `same` has. `versions`: what each row's `version_id`
    was when it was read; it rises by one, and a row that has another by now is not written.
    """

    model: type[Base]
    is_update: bool
    names: tuple[str, ...]
    rows: Sequence[Values]
    same: Same
    versions: Sequence[int] = ()

    @property
    def table(self) -> Table:
        return table_of(self.model)


def table_of(model: type[Base]) -> Table:
    """The table behind a model."""
    table = model.__table__
    assert isinstance(table, Table)
    return table
