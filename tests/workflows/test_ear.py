"""The ear: every phrase of the corpus, what is denied and what is not, and what must hold for every text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.corpora.report import Phrase, phrases
from workflows.ear import Heard, hear
from workflows.replies import hears_distress
from workflows.words_ear import KEYWORDS, LOOKALIKES, right_spelling, slips_between

CORPUS = list(phrases())


def test_the_corpus_is_large_and_in_both_languages() -> None:
    assert len(CORPUS) >= 500
    for language in ("pt-BR", "en"):
        assert sum(phrase.language == language for phrase in CORPUS) >= 150
    assert sum(not phrase.distress for phrase in CORPUS) >= 150


@pytest.mark.parametrize("distress", [True, False])
def test_the_corpus_is_heard(distress: bool) -> None:
    wrong = {phrase.text: phrase.faults for phrase in CORPUS if phrase.distress is distress and phrase.faults}
    assert wrong == {}


@pytest.mark.parametrize("language", ["pt-BR", "en", "", "xx", "de"])
def test_the_patients_own_language_changes_nothing(language: str) -> None:
    some = [phrase for place, phrase in enumerate(CORPUS) if place % 9 == 0]
    assert [p.text for p in some if hears_distress(p.text, language) != p.distress] == []


@pytest.mark.parametrize(
    "text",
    [
        "sem febre mas com calafrio",
        "no fever but I can't breathe",
        "nao sei se tenho febre",
        "i don't think i have a fever",
        "nao tenho febre, so falta de ar",
        "nao para de sangrar",
        "nao consigo respirar",
        "a febre nao passa",
        "no peito sinto dor, dor no peito",
        "vomitei sangue no vomito",
        "sem febre e calafrio",
    ],
)
def test_a_doubtful_denial_is_no_denial(text: str) -> None:
    assert hears_distress(text, "pt-BR")


def test_letters_and_words_are_named() -> None:
    heard = hear("desmaiei e estou com falta de ar, 38,9", "en")
    assert heard.signs == {"B", "C"}
    assert heard.red_words == {"fainting"}
    assert str(heard.highest) == "38.9"
    assert not heard.fever_without_number
    assert hear("febre", "en").fever_without_number
    assert not hear("febre 39", "en").fever_without_number
    assert hear("me ajuda", "en").help_alone
    assert not hear("me ajuda, falta de ar", "en").help_alone


@given(st.text(max_size=300), st.text(max_size=5))
def test_no_text_raises(text: str, language: str) -> None:
    assert isinstance(hear(text, language), Heard)
    assert hears_distress(text, language) in (True, False)


DISTRESS = [phrase for phrase in CORPUS if phrase.distress and phrase.celsius == "" and phrase.red_words]


@given(st.sampled_from(DISTRESS), st.sampled_from(["oi doutora. ", "bom dia! ", "hello. ", "ok. ", "👍 "]))
def test_a_greeting_before_it_hides_nothing(phrase: Phrase, greeting: str) -> None:
    assert hears_distress(greeting + phrase.text, "pt-BR")


@given(st.sampled_from(DISTRESS))
def test_capitals_hide_nothing(phrase: Phrase) -> None:
    assert hears_distress(phrase.text.upper(), "en")


@given(st.sampled_from([word for word in KEYWORDS if len(word) >= 7]), st.data())
def test_one_slip_is_forgiven(word: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(1, len(word) - 2))
    slip = word[:place] + word[place + 1 :]
    if slip in LOOKALIKES or slip in KEYWORDS:
        return
    assert slips_between(right_spelling(slip), word) <= 2


def test_ordinary_words_are_not_taken_for_keywords() -> None:
    for word in ("never", "ever", "fewer", "jeito", "feito", "doing", "waiting", "ponto", "manha", "esperar"):
        assert right_spelling(word) == word


@pytest.mark.parametrize(
    "piece", ["febre, ", "sem febre, ", "nao estou ", "dor ", "sem ", "a", "no fever or chills "]
)
def test_long_texts_are_heard_too(piece: str) -> None:
    assert hears_distress(piece * 3000 + ". socorro", "pt-BR")
