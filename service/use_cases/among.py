"""`column IN (a batch of ids)` as one statement whatever the batch is: compiled, prepared and planned once."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Boolean, String, TypeDecorator, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


class Ids(TypeDecorator[Any]):
    """A list of ids as one text: an array's on PostgreSQL (an array itself is slow to hand over), JSON on SQLite."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> str:
        ids = json.dumps([int(one) for one in value], separators=(",", ":"))
        return "{" + ids[1:-1] + "}" if dialect.name == "postgresql" else ids


class among(FunctionElement[bool]):
    """`among(column, IDS)`: the column is one of the ids given as "ids" when the statement is executed."""

    name = "among"
    type = Boolean()
    inherit_cache = True

    def self_group(self, against: Any = None) -> Any:
        """As it is: "... IN (...) = 1", as a truth is written for SQLite, would have it read the whole table."""
        return self


IDS: Any = bindparam("ids", type_=Ids())


@compiles(among)
def _in_json(element: Any, compiler: Any, **given: Any) -> str:
    column, ids = (compiler.process(one, **given) for one in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({ids}))"


@compiles(among, "postgresql")
def _in_array(element: Any, compiler: Any, **given: Any) -> str:
    column, ids = (compiler.process(one, **given) for one in element.clauses)
    return f"{column} = ANY(CAST({ids} AS BIGINT[]))"
