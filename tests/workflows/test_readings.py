"""Temperatures in texts: the table of what is one and what is not, and what must hold for every text."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.readings import Ambiguous, Reading, Unreadable, read_temperature

READ = [
    ("37.8", "37.8", "C", True),
    ("37,8", "37.8", "C", True),
    ("37.8C", "37.8", "C", True),
    ("37,8 ºC", "37.8", "C", True),
    ("38,5oC", "38.5", "C", True),
    ("temp 37,8", "37.8", "C", True),
    ("t37.8", "37.8", "C", True),
    ("temp-37,8", "37.8", "C", True),
    ("38 graus", "38.0", "C", True),
    ("100.4", "38.0", "F", True),
    ("100,4F", "38.0", "F", True),
    ("102 f", "38.9", "F", True),
    ("my temp is 102", "38.9", "F", True),
    ("febre de 39", "39.0", "C", True),
    ("febre38", "38.0", "C", True),
    ("３８．５", "38.5", "C", True),
    ("37", "37.0", "C", True),
    ("bom dia 39", "39.0", "C", True),
    ("estou com 39", "39.0", "C", True),
    ("39 por 2 dias", "39.0", "C", True),
    ("às 20h deu 38", "38.0", "C", True),
    ("em 12/03 deu 38,9", "38.9", "C", True),
    ("errei, 36,8", "36.8", "C", True),
    ("38,5!!!", "38.5", "C", True),
    ("38.5 (101.3F)", "38.5", "C", True),
    ("38 e meio", "38.5", "C", True),
    ("trinta e oito e meio", "38.5", "C", False),
    ("trinta e sete vírgula oito", "37.8", "C", False),
    ("thirty-eight point five", "38.5", "C", False),
    ("a hundred and one point four", "38.6", "F", False),
    ("quarenta graus", "40.0", "C", False),
    ("378", "37.8", "C", False),
    ("340", "34.0", "C", False),
    ("425", "42.5", "C", False),
    ("38..5", "38.5", "C", False),
    ("-38.5", "38.5", "C", False),
    ("36.8 F", "36.8", "C", False),
    ("38º", "38.0", "C", True),
    ("38,5 º", "38.5", "C", True),
    ("37 ,9", "37.9", "C", False),
    ("37 . 9", "37.9", "C", False),
    ("37-9", "37.9", "C", False),
    ("37;9", "37.9", "C", False),
    ("37º9", "37.9", "C", False),
    ("37h9", "37.9", "C", False),
    ("37 com 9", "37.9", "C", False),
    ("37 ,9 N 1 2", "37.9", "C", False),
    ("100 .9", "38.3", "F", False),
    # rounded half up before anything compares it
    ("37.75", "37.8", "C", True),
    ("37.749", "37.7", "C", True),
    ("100.0 F", "37.8", "F", True),
    ("100", "37.8", "F", True),
    ("99.9 F", "37.7", "F", True),
    # the ends of what is believed
    ("34.0", "34.0", "C", True),
    ("42.5", "42.5", "C", True),
    ("93.2", "34.0", "F", True),
    ("108.5", "42.5", "F", True),
]
NOT_READ = [
    "", "   ", "nan", "inf", "38_5", "3_8", "38²", "٣٨٫٥", "३८", "33.9", "42.6", "93.1", "108.6", "45", "27",
    "dia 38", "38 comprimidos", "38 mg", "tenho 38 anos", "i am 38 years old", "120/80", "100/60", "12 por 8",
    "pressao 100 por 60", "16 99123-4567", "37 99123 4567", "(37) 3232-1000", "+55 37 98888 7777", "9h30", "9:38",
    "às 9.38", "38.5.2", "2026-11-29", "28/11", "peso 98 kg", "saturacao 98", "pulso 100", "R$ 38,50", "38%",
    "sala 38", "quarto 37", "onibus 38", "meu quarto é o 38", "38o andar", "37a semana", "daqui a quarenta dias",
    "chego em 40 minutos", "36 horas", "faltam 36 dias", "3 8,5", "38" * 800, "1e38", "0x26", "código 385",
]  # fmt: skip


@pytest.mark.parametrize(("text", "celsius", "unit", "confirmed"), READ)
def test_is_a_temperature(text: str, celsius: str, unit: str, confirmed: bool) -> None:
    assert read_temperature(text) == Reading(Decimal(celsius), unit, text, confirmed)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", NOT_READ)
def test_is_no_temperature(text: str) -> None:
    assert read_temperature(text) == Unreadable()


@pytest.mark.parametrize(
    ("text", "candidates"),
    [
        ("37,8 e 38,2", ("37.8", "38.2")),
        ("37-38", ("37.0", "38.0")),
        ("era 39 agora 37,5", ("39.0", "37.5")),
        ("38 5", ("38.5", "38.0")),
        ("estou com 38 e depois 39,2", ("38.0", "39.2")),
        ("36,8 depois 38", ("36.8", "38.0")),
    ],
)
def test_two_numbers_are_for_the_patient_to_settle(text: str, candidates: tuple[str, ...]) -> None:
    found = read_temperature(text)
    assert found == Ambiguous(tuple(map(Decimal, candidates)))
    assert isinstance(found, Ambiguous) and found.highest == max(map(Decimal, candidates))


@given(st.text(max_size=200))
def test_no_text_raises(text: str) -> None:
    found = read_temperature(text)
    assert isinstance(found, Reading | Ambiguous | Unreadable)
    if isinstance(found, Reading):
        assert Decimal("34.0") <= found.celsius <= Decimal("42.5") and found.raw == text


@given(st.integers(3400, 4250), st.sampled_from([".", ","]))
def test_every_celsius_value_is_read_and_rounded_half_up(hundredths: int, point: str) -> None:
    text = f"{hundredths // 100}{point}{hundredths % 100:02}"
    expected = (Decimal(hundredths) / 100).quantize(Decimal("0.1"), rounding=ROUND_HALF_UP)
    assert read_temperature(text) == Reading(expected, "C", text)


@given(st.integers(932, 1085))
def test_every_fahrenheit_value_is_converted_then_rounded(tenths: int) -> None:
    text = f"{tenths // 10}.{tenths % 10}F"
    celsius = (Decimal(tenths) / 10 - 32) * 5 / 9
    found = read_temperature(text)
    assert found == Reading(celsius.quantize(Decimal("0.1"), rounding=ROUND_HALF_UP), "F", text)


@pytest.mark.parametrize(
    "piece", ["38 ", "1 ", "37,8", "trinta e ", "(", "9", "38.5, ", "½", "\ud800", "😀 38 "]
)
def test_long_texts_are_read_too(piece: str) -> None:
    assert isinstance(read_temperature(piece * 4000), Reading | Ambiguous | Unreadable)


@pytest.mark.parametrize("text", ["37:°C9", "37℃9", "37 C9", "37c9", "37:℉9", "37::9 graus", "37;9 degrees"])
def test_a_digit_beside_the_unit_is_not_dropped(text: str) -> None:
    found = read_temperature(text)
    assert isinstance(found, Reading) and found.celsius == Decimal("37.9") and not found.confirmed


@given(
    st.integers(34, 42),
    st.integers(0, 9),
    st.from_regex(r"\A ?[^\w\s]{1,4} ?\Z").filter(lambda mark: not re.search(r"\w", normalize("NFKC", mark))),
    st.sampled_from(["", " C", " graus", " N 1 2"]),
)
def test_a_digit_after_any_mark_is_never_dropped_from_a_temperature(
    whole: int, tenth: int, mark: str, rest: str
) -> None:
    """"37 ,9" taken for 37.0 would be a fever missed: it is read as 37.9, or not read at all and asked."""
    found = read_temperature(f"{whole}{mark}{tenth}{rest}")
    if not isinstance(found, Unreadable) and Decimal(f"{whole}.{tenth}") <= Decimal("42.5"):
        highest = found.highest if isinstance(found, Ambiguous) else found.celsius
        assert highest >= Decimal(f"{whole}.{tenth}")
