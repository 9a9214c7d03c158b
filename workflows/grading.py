"""CTCAE grades from laboratory values, by table version, and the research marks for fever.

A grade is a proposal that the investigator confirms. These patients start at grade 3 or 4, so the
baseline's grade goes beside it. Nothing here opens or lowers an alert.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from workflows.decisions import RuleViolation

D = Decimal


@dataclass(frozen=True)
class Low:
    """Grades of a value that is too low. Each limit is where that grade begins below: `x < limit`, down to
    the next.

    Grade 1 begins below the lower limit of normal. A grade that the table does not have is left out.
    """

    limits: Mapping[int, Decimal]


@dataclass(frozen=True)
class High:
    """Grades of a value that is too high, as multiples of the upper limit of normal: `x > multiple x ULN`."""

    multiples: Mapping[int, Decimal]


Rule = Low | High

_V5: dict[str, Rule] = {
    "anc": Low({2: D(1500), 3: D(1000), 4: D(500)}),  # /mm3
    "platelets": Low({2: D(75000), 3: D(50000), 4: D(25000)}),  # /mm3
    "hb": Low({2: D("10.0"), 3: D("8.0")}),  # g/dL; grade 4 is not a number
    "wbc": Low({2: D(3000), 3: D(2000), 4: D(1000)}),  # /mm3
    "creatinine": High({1: D(1), 2: D("1.5"), 3: D(3), 4: D(6)}),
    "alt": High({1: D(1), 2: D(3), 3: D(5), 4: D(20)}),
    "ast": High({1: D(1), 2: D(3), 3: D(5), 4: D(20)}),
}
_V6: dict[str, Rule] = {**_V5, "anc": Low({2: D(1000), 3: D(500), 4: D(100)})}
TABLES: Mapping[str, Mapping[str, Rule]] = {"ctcae-5.0": _V5, "ctcae-6.0": _V6}
DEFAULT_TABLE = "ctcae-5.0"


@dataclass(frozen=True)
class Grade:
    """`grade` 0 (normal) to 4; `baseline` the grade before treatment, None where unknown."""

    test: str
    grade: int
    table: str
    baseline: int | None = None

    @property
    def is_worse(self) -> bool:
        """Whether it is above the baseline's grade; with no baseline, whether it is above 0."""
        return self.grade > (self.baseline or 0)


def grade_value(
    test: str,
    value: Decimal,
    *,
    lower: Decimal | None = None,
    upper: Decimal | None = None,
    table: str = DEFAULT_TABLE,
) -> int:
    """The grade of one value in the table's unit (`anc` and `wbc` and `platelets` /mm3, `hb` g/dL).

    `lower` and `upper` are the laboratory's limits of normal: a grade 1 count needs `lower`, creatinine and
    ALT or AST need `upper`. Raises RuleViolation for a test or table that is not known, a value below 0,
    and a missing limit.
    """
    rule = _rule(test, table)
    if not value.is_finite() or value < 0:
        raise RuleViolation(test, value, "must be a number, 0 or more")
    if isinstance(rule, Low):
        return _grade_low(test, rule, value, lower)
    if upper is None or upper <= 0:
        raise RuleViolation("upper", upper, f"the upper limit of normal is needed to grade {test}")
    return max((grade for grade, multiple in rule.multiples.items() if value > multiple * upper), default=0)


def propose_grade(
    test: str,
    value: Decimal,
    baseline: Decimal | None,
    *,
    lower: Decimal | None = None,
    upper: Decimal | None = None,
    table: str = DEFAULT_TABLE,
) -> Grade:
    """The grade of a value with the baseline value's grade beside it. Errors as for `grade_value`."""
    grade = grade_value(test, value, lower=lower, upper=upper, table=table)
    before = None if baseline is None else grade_value(test, baseline, lower=lower, upper=upper, table=table)
    return Grade(test, grade, table, before)


def grade_fever(celsius: Decimal, hours: Decimal = Decimal(0)) -> int:
    """CTCAE grade of a fever: 38.0-39.0, >39.0-40.0, >40.0 for up to 24 h, >40.0 for longer (`hours` above
    40.0).
    """
    if celsius < D("38.0"):
        return 0
    if celsius <= D("39.0"):
        return 1
    if celsius <= D("40.0"):
        return 2
    return 3 if hours <= 24 else 4


def is_idsa_febrile_neutropenia(
    highest: Decimal, hours_at_38: Decimal, anc: Decimal | None, *, expected: bool
) -> bool:
    """IDSA: >= 38.3 once, or >= 38.0 for 1 h or longer, with ANC < 500 or expected to fall below."""
    hot = highest >= D("38.3") or (highest >= D("38.0") and hours_at_38 >= 1)
    return hot and (expected or (anc is not None and anc < 500))


def is_ctcae_febrile_neutropenia(highest: Decimal, hours_at_38: Decimal, anc: Decimal | None) -> bool:
    """CTCAE v5: > 38.3 once, or >= 38.0 for more than 1 h, with ANC < 1000."""
    hot = highest > D("38.3") or (highest >= D("38.0") and hours_at_38 > 1)
    return hot and anc is not None and anc < 1000


def _grade_low(test: str, rule: Low, value: Decimal, lower: Decimal | None) -> int:
    numeric = max((grade for grade, limit in rule.limits.items() if value < limit), default=0)
    if numeric:
        return numeric
    if lower is None:
        raise RuleViolation(
            "lower", lower, f"the lower limit of normal is needed to tell grade 0 from 1 for {test}"
        )
    return 1 if value < lower else 0


def _rule(test: str, table: str) -> Rule:
    if table not in TABLES:
        raise RuleViolation("table", table, f"is not a grading table; there are: {', '.join(TABLES)}")
    if test not in TABLES[table]:
        raise RuleViolation("test", test, f"is not graded by {table}; it grades: {', '.join(TABLES[table])}")
    return TABLES[table][test]
