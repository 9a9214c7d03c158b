"""The codes by which a person on call answers a page: number + letter is the case, one more digit the action.

`7K4` takes case 7K, `7K5` passes it on; on the telephone the last digit alone is the key to press. A code
never moves to another case within seven days, so that a late answer cannot take the wrong one. Letters and
digits that are mistaken for one another by hand or by ear are left out.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from itertools import count, product

LETTERS = "ACDEFHJKMNPRTUWXY"  # no B 8, G 6, I 1, L 1, O 0, Q 0, S 5, V U, Z 2
NUMBERS = "23456789"
NOT_REUSED_WITHIN = timedelta(days=7)
_STRIDE = 37  # shares no factor with the number of short or long codes: neighbours differ in both characters


class CodeAction(StrEnum):
    ACKNOWLEDGE = "acknowledge"
    PASS_ON = "pass_on"


DIGITS = {"4": CodeAction.ACKNOWLEDGE, "5": CodeAction.PASS_ON}
DIGIT_OF = {action: digit for digit, action in DIGITS.items()}


@dataclass(frozen=True)
class CodeReply:
    """`case` as printed ("7K")."""

    case: str
    action: CodeAction


def allocate(used: Collection[str], after: str = "") -> str:
    """A case code that is not in `used` (the codes of the last seven days), the same for the same arguments.

    It follows `after` (the latest code given out) in a fixed order, so that a code comes back as late as possible. When
    every code of one length is taken the next has a digit more: a page never waits for a code.
    """
    taken = {code.upper() for code in used}
    for digits in count(1):
        order = list(_codes(digits))
        start = order.index(after) + 1 if after in order else 0
        for code in (*order[start:], *order[:start]):
            if code not in taken:
                return code
    raise AssertionError("count() ended")


def code_for(case: str, action: CodeAction) -> str:
    """What to type: the case and the digit of the action."""
    return case + DIGIT_OF[action]


def read_codes(text: str) -> tuple[CodeReply, ...]:
    """Every code in a text, in order, without doubles. Forgives case, blanks, full-width characters; never
    raises.

    >>> read_codes("ok 7k 4")
    (CodeReply(case='7K', action=<CodeAction.ACKNOWLEDGE: 'acknowledge'>),)
    """
    plain = unicodedata.normalize("NFKC", text).upper()
    found = [
        CodeReply(number + letter, DIGITS[digit])
        for number, letter, digit in _CODE.findall(plain)
        if letter in LETTERS and set(number) <= set(NUMBERS)
    ]
    return tuple(dict.fromkeys(found))


_CODE = re.compile(r"(?<![0-9A-Z])([0-9]{1,6})[ .-]?([A-Z])[ .-]?([45])(?![0-9A-Z])")


def _codes(digits: int) -> Iterator[str]:
    """Every code with so many digits before its letter."""
    numbers = ["".join(signs) for signs in product(NUMBERS, repeat=digits)]
    pairs = [number + letter for letter in LETTERS for number in numbers]
    return (pairs[index * _STRIDE % len(pairs)] for index in range(len(pairs)))
