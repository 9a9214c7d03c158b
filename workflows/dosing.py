"""Dose arithmetic: shown step by step, decided and signed by a prescriber, never sent to a patient."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from workflows.decisions import RuleViolation

ATG_MG_PER_KG = Decimal("3.5")
CSA_MG_PER_KG = Decimal(5)
TARGET, LOW, HIGH = Decimal(200), Decimal(150), Decimal(250)  # ng/mL
ROUND_TO = Decimal(25)  # mg
CAP = Decimal("0.25")
PLAUSIBLE = (Decimal(10), Decimal(2000))  # ng/mL
WEIGHTS = (Decimal(20), Decimal(250))  # kg
TROUGH_HOURS = (Decimal(11), Decimal(13))


@dataclass(frozen=True)
class Dose:
    """A proposal. `total` and the parts of `split` are mg; `steps` is the arithmetic, one line each."""

    total: Decimal
    split: tuple[Decimal, ...]
    steps: tuple[str, ...]
    capped: bool = False


def atg_dose(weight_kg: Decimal, mg_per_kg: Decimal = ATG_MG_PER_KG) -> Dose:
    """Rabbit ATG for one day, to 0.1 mg. RuleViolation for a weight outside 20-250 kg."""
    weight = _weight(weight_kg)
    total = (weight * mg_per_kg).quantize(Decimal("0.1"), ROUND_HALF_UP)
    return Dose(total, (total,), (f"{weight} kg x {mg_per_kg} mg/kg = {total} mg per day",))


def csa_start(weight_kg: Decimal, mg_per_kg: Decimal = CSA_MG_PER_KG) -> Dose:
    """The first daily dose of cyclosporine, rounded to 25 mg and split in two."""
    weight = _weight(weight_kg)
    raw = weight * mg_per_kg
    total = _rounded(raw)
    return Dose(
        total, _split(total), (f"{weight} kg x {mg_per_kg} mg/kg = {raw} mg per day", *_rounding(total))
    )


def csa_level(value: Decimal, unit: str) -> Decimal:
    """A whole-blood cyclosporine level in ng/mL.

    ng/mL and ug/L are the same number. mg/dL, which the trial registry prints, is an error there and is
    refused here, as is any other unit and a level outside 10-2000 ng/mL.
    """
    known = unit.strip().lower().replace("µ", "u").replace("μ", "u").replace("mcg", "ug")
    if known not in ("ng/ml", "ug/l"):
        hint = " (the registry's mg/dl is an error)" if known == "mg/dl" else ""
        raise RuleViolation("unit", unit, f"the level is in ng/mL or ug/L{hint}")
    if not value.is_finite() or not PLAUSIBLE[0] <= value <= PLAUSIBLE[1]:
        raise RuleViolation("level", value, f"must be from {PLAUSIBLE[0]} to {PLAUSIBLE[1]} ng/mL")
    return value


def is_trough(
    hours_after_dose: Decimal, low: Decimal = TROUGH_HOURS[0], high: Decimal = TROUGH_HOURS[1]
) -> bool:
    """Whether a level was drawn 11 to 13 hours after the last dose, inclusive."""
    return low <= hours_after_dose <= high


def csa_correction(
    current_mg: Decimal,
    level: Decimal,
    *,
    target: Decimal = TARGET,
    low: Decimal = LOW,
    high: Decimal = HIGH,
    cap: Decimal = CAP,
) -> Dose:
    """The proportional correction of a daily dose (mg) from a trough level (ng/mL, see `csa_level`).

    In range low..high inclusive the dose stays. Otherwise new = current x target / level, at most `cap` up
    or down, rounded to 25 mg without passing the cap, split in two.
    """
    if not current_mg.is_finite() or current_mg <= 0:
        raise RuleViolation("current_mg", current_mg, "must be a dose above 0 mg")
    if low <= level <= high:
        line = f"{level} ng/mL is within {low}-{high}: {current_mg} mg stays"
        return Dose(current_mg, _split(current_mg), (line,))
    wanted = current_mg * target / level
    floor, ceiling = current_mg * (1 - cap), current_mg * (1 + cap)
    bounded = min(max(wanted, floor), ceiling)
    steps = [f"{current_mg} mg x {target} / {level} = {wanted.quantize(Decimal('0.1'), ROUND_HALF_UP)} mg"]
    capped = bounded != wanted
    if capped:
        steps.append(
            f"a step is at most {cap * 100:.0f} percent: {bounded.quantize(Decimal('0.1'), ROUND_HALF_UP)} mg"
        )
    total = _rounded(bounded)
    while total > ceiling and total > ROUND_TO:
        total -= ROUND_TO
    while total < floor:
        total += ROUND_TO
    if total > ceiling:
        total = current_mg
        steps.append("no multiple of 25 mg lies within the cap: the dose stays")
    return Dose(total, _split(total), (*steps, *_rounding(total)), capped)


def _weight(weight_kg: Decimal) -> Decimal:
    if not weight_kg.is_finite() or not WEIGHTS[0] <= weight_kg <= WEIGHTS[1]:
        raise RuleViolation("weight_kg", weight_kg, f"must be from {WEIGHTS[0]} to {WEIGHTS[1]} kg")
    return weight_kg


def _rounded(amount: Decimal) -> Decimal:
    return (amount / ROUND_TO).quantize(Decimal(1), ROUND_HALF_UP) * ROUND_TO


def _split(total: Decimal) -> tuple[Decimal, ...]:
    """Two doses in whole 25 mg capsules, the larger in the morning; a dose that is no multiple is halved."""
    if total % ROUND_TO:
        return (total / 2, total / 2)
    capsules = int(total / ROUND_TO)
    evening = capsules // 2
    return ((capsules - evening) * ROUND_TO, evening * ROUND_TO)


def _rounding(total: Decimal) -> tuple[str, ...]:
    morning, evening = _split(total)
    return (
        f"rounded to {ROUND_TO} mg: {total} mg per day, {morning} mg in the morning and {evening} mg at night",
    )
