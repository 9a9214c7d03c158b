"""Inclusion and exclusion: eligible, or every reason why not, and every question that is still open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

MIN_AGE, MAX_AGE = 18, 65

# True is needed.
INCLUSION: Mapping[str, str] = {
    "acquired_aplastic_anaemia": "must have acquired aplastic anaemia",
    "relapsed_or_refractory": "must have relapsed after or be refractory to at least one immunosuppressive line",
    "not_for_transplant": "must not be eligible for an allogeneic transplant",
}
# False is needed.
EXCLUSION: Mapping[str, str] = {
    "malignancy": "previous or current malignancy",
    "infection": "active or latent infection",
    "hiv": "positive HIV serology",
    "hcv": "positive hepatitis C serology",
    "hbv": "positive hepatitis B serology",
    "htlv": "positive HTLV-1/2 serology",
    "syphilis": "positive syphilis serology",
    "chagas": "positive Chagas serology",
    "reaction_to_treatment": "earlier reaction to ATG, cyclosporine or corticosteroids",
    "organ_impairment": "severe renal, hepatic, cardiac or pulmonary impairment",
    "uncontrolled_hypertension": "uncontrolled hypertension",
    "uncontrolled_diabetes": "uncontrolled diabetes",
    "pregnancy": "pregnancy",
    "antibiotic_allergy": "allergy to penicillin or streptomycin",
    "psychiatric_disorder": "severe psychiatric disorder",
}


@dataclass(frozen=True)
class Eligibility:
    """`reasons` exclude; `unknown` are the criteria without an answer. Eligible only when both are empty."""

    reasons: tuple[str, ...]
    unknown: tuple[str, ...]

    @property
    def eligible(self) -> bool:
        return not self.reasons and not self.unknown


def age_on(born: date, day: date) -> int:
    """Completed years on `day`; someone born on 29 February turns a year older on 1 March of a common year."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def assess(born: date | None, answers: Mapping[str, bool | None], on: date) -> Eligibility:
    """Eligibility on the day `on` from the birth date and one answer per criterion.

    A criterion that is missing or None is unknown: it never counts as met. Keys that are no criterion raise
    KeyError.
    """
    strange = sorted(set(answers) - set(INCLUSION) - set(EXCLUSION))
    if strange:
        raise KeyError(f"no such criterion: {', '.join(strange)}")
    reasons: list[str] = []
    unknown: list[str] = []
    if born is None:
        unknown.append("age")
    else:
        age = age_on(born, on)
        if not MIN_AGE <= age <= MAX_AGE:
            reasons.append(f"age {age} is not {MIN_AGE} to {MAX_AGE}")
    for criteria, wanted in ((INCLUSION, True), (EXCLUSION, False)):
        for key, words in criteria.items():
            answer = answers.get(key)
            if answer is None:
                unknown.append(key)
            elif answer is not wanted:
                reasons.append(words)
    return Eligibility(tuple(reasons), tuple(unknown))
