"""Laboratory values: which tests we know, in which unit they are kept, and what a plausible value is.

A value in another unit that we know is converted exactly; a unit that cannot be meant is refused by name. The
cyclosporine level is in ng/mL (LOINC 3520-4): the registry's "mg/dl" is an error and is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, localcontext

from workflows.decisions import RuleViolation

D = Decimal
TROUGH_EARLIEST, TROUGH_LATEST = timedelta(hours=11), timedelta(hours=13)


@dataclass(frozen=True)
class Lab:
    """One test. `unit` is kept; `others` are units that are converted by a factor. `low`..`high` is plausible."""

    code: str
    label: str
    unit: str
    low: Decimal
    high: Decimal
    others: Mapping[str, Decimal]
    loinc: str = ""


CELLS = {"/uL": D(1), "10^3/uL": D(1000), "10^9/L": D(1000)}

LABS: Mapping[str, Lab] = {
    lab.code: lab
    for lab in (
        Lab("hb", "Haemoglobin", "g/dL", D(1), D(25), {"g/L": D("0.1")}, "718-7"),
        Lab("wbc", "Leukocytes", "/mm3", D(0), D(500_000), CELLS, "6690-2"),
        Lab("anc", "Neutrophils", "/mm3", D(0), D(200_000), CELLS, "751-8"),
        Lab("lymphocytes", "Lymphocytes", "/mm3", D(0), D(200_000), CELLS, "731-0"),
        Lab("platelets", "Platelets", "/mm3", D(0), D(3_000_000), CELLS, "777-3"),
        Lab("reticulocytes", "Reticulocytes", "/mm3", D(0), D(1_000_000), CELLS, "60474-4"),
        Lab("creatinine", "Creatinine", "mg/dL", D("0.1"), D(30), {"umol/L": D("0.0113122")}, "2160-0"),
        Lab("urea", "Urea", "mg/dL", D(1), D(500), {}, "3091-6"),
        Lab("k", "Potassium", "mmol/L", D(1), D(10), {"mEq/L": D(1)}, "2823-3"),
        Lab("mg", "Magnesium", "mg/dL", D("0.3"), D(10), {}, "19123-9"),
        Lab("alt", "ALT", "U/L", D(1), D(20_000), {"IU/L": D(1)}, "1742-6"),
        Lab("ast", "AST", "U/L", D(1), D(20_000), {"IU/L": D(1)}, "1920-8"),
        Lab("bilirubin", "Bilirubin, total", "mg/dL", D("0.05"), D(60), {}, "1975-2"),
        Lab("glucose", "Glucose", "mg/dL", D(10), D(2000), {}, "2345-7"),
        Lab("csa", "Cyclosporine, trough, whole blood", "ng/mL", D(10), D(2000), {"ug/L": D(1)}, "3520-4"),
        Lab("sbp", "Systolic pressure", "mmHg", D(40), D(300), {}, "8480-6"),
        Lab("dbp", "Diastolic pressure", "mmHg", D(20), D(200), {}, "8462-4"),
        Lab("weight", "Weight", "kg", D(20), D(300), {}, "29463-7"),
    )
}
SAME = (("µ", "u"), ("μ", "u"), ("mcg", "ug"), ("³", "3"), ("×", ""), ("x10", "10"), (" ", ""))


@dataclass(frozen=True)
class Value:
    """A value in the unit that its test is kept in. `trough`: drawn 11-13 h after the last dose; None: not known."""

    code: str
    value: Decimal
    unit: str
    trough: bool | None = None


def read_value(code: str, value: Decimal, unit: str) -> Value:
    """The value in its test's unit. RuleViolation names `code`, `unit` or `value` and says what would be right."""
    lab = LABS.get(code)
    if lab is None:
        raise RuleViolation("code", code, "is not a test; there are: " + ", ".join(LABS))
    factor = _factor(lab, unit)
    if factor is None:
        known = ", ".join([lab.unit, *lab.others])
        raise RuleViolation("unit", unit, f"{lab.label} is in {known}")
    with localcontext() as context:
        context.prec = 20
        kept = value * factor
    if not lab.low <= kept <= lab.high:
        raise RuleViolation("value", value, f"is not plausible: {lab.low} to {lab.high} {lab.unit}")
    return Value(code, kept, lab.unit)


def _factor(lab: Lab, unit: str) -> Decimal | None:
    written = unit.strip().lower()
    for sign, plain in SAME:
        written = written.replace(sign, plain)
    factors = {lab.unit.lower(): Decimal(1)} | {other.lower(): factor for other, factor in lab.others.items()}
    return factors.get(written)


def is_trough(drawn_at: datetime | None, last_dose_at: datetime | None) -> bool | None:
    """Whether a level was drawn 11 to 13 hours after the last dose; None where a time is missing."""
    if drawn_at is None or last_dose_at is None:
        return None
    return TROUGH_EARLIEST <= drawn_at - last_dose_at <= TROUGH_LATEST
