"""Every text in every language: one segment, no word that does not belong."""

from __future__ import annotations

from pathlib import Path

import pytest

from notifications.catalog import CATALOG, FIELDS, FieldTooLong, check_field, longest_values
from notifications.gsm import fold_gsm7, segments
from notifications.message import Channel
from notifications.render import LANGUAGES, Renderer, RenderError, folder_of
from notifications.review import asked_words, faults

TEL = "(16) 3602-1000"

# design wording, word for word
VERBATIM = {
    (
        "temp",
        "en",
    ): "Daily check-in: please take your temperature now and reply with the number only, e.g. 36.8. "
    "No thermometer? Reply NO. Emergency: call 192.",
    ("temp", "pt-BR"): "Contato diario: meca sua temperatura agora e responda so o numero, ex. 36,8. "
    "Sem termometro? Responda NAO. Emergencia: ligue 192.",
    ("signs", "pt-BR"): "Desde ontem: A calafrio B falta de ar C tontura/desmaio D sangramento E confusao "
    "F mancha na pele/dor nas juntas G vomito N nada. Responda as letras, ex. AD",
    ("red", "en"): "URGENT: this can be serious for you. Do not wait. Call (16) 3602-1000 now or go to the "
    "emergency room and show your study card. Danger to life: 192.",
    (
        "red",
        "pt-BR",
    ): "URGENTE: isso pode ser grave para voce. Nao espere. Ligue (16) 3602-1000 agora ou va ao "
    "pronto-socorro com o cartao do estudo. Risco de vida: 192.",
    (
        "amber",
        "pt-BR",
    ): "Obrigado. A equipe foi avisada e deve ligar hoje. Se piorar, tiver febre ou sangramento, "
    "ligue (16) 3602-1000 ja. Nao espere nossa ligacao.",
    (
        "missed",
        "en",
    ): "We missed you today. Please call (16) 3602-1000 to set a new date, or reply CALL and we will "
    "call you.",
    (
        "opt_out",
        "pt-BR",
    ): "Voce nao recebera mais mensagens do estudo. Seu cuidado continua. A equipe vai ligar. "
    "Febre ou sangramento: ligue (16) 3602-1000. Emergencia 192.",
    (
        "red_minimal",
        "en",
    ): "Important message from your study team. Do not wait: call (16) 3602-1000 now or go to the "
    "emergency room. Danger to life: 192.",
}


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer()


def test_no_shipped_text_has_a_fault(renderer: Renderer) -> None:
    assert faults(renderer) == []


@pytest.mark.parametrize(("name", "language"), VERBATIM)
def test_agreed_wording_word_for_word(renderer: Renderer, name: str, language: str) -> None:
    fields = {"tel": TEL} if "tel" in CATALOG[name].fields else {}
    assert renderer.render(name, fields, language=language, channel="sms").text == VERBATIM[name, language]


@pytest.mark.parametrize("name", sorted(CATALOG))
@pytest.mark.parametrize("language", LANGUAGES)
def test_longest_values_fit_one_segment(renderer: Renderer, name: str, language: str) -> None:
    template = CATALOG[name]
    rendered = renderer.render(name, longest_values(template), language=language, channel=Channel.SMS)
    assert rendered.segments == 1
    assert rendered.text.isascii()
    for field in template.fields:
        assert longest_values(template)[field] in rendered.text


@pytest.mark.parametrize("name", sorted(CATALOG))
def test_each_field_is_said_in_each_language(renderer: Renderer, name: str) -> None:
    for folder in LANGUAGES.values():
        assert renderer.variables(f"{folder}/{name}") == set(CATALOG[name].fields)


def test_minimal_forms_exist_and_carry_no_health_word() -> None:
    for template in CATALOG.values():
        if template.health_words:
            assert not CATALOG[template.minimal].health_words
        else:
            assert template.minimal == ""


def test_sms_is_plain_and_other_channels_keep_accents(renderer: Renderer) -> None:
    fields = {"tel": TEL}
    assert "Ligação".lower() not in renderer.render("amber", fields, language="pt-BR", channel="sms").text
    assert "ligação" in renderer.render("amber", fields, language="pt-BR", channel="whatsapp").text
    assert "Não espere" in renderer.render("red", fields, language="pt-BR", channel="voice").text


def test_under_minimal_the_caller_gives_the_same_fields(renderer: Renderer) -> None:
    red = renderer.render("red", {"tel": TEL}, language="en", channel="sms", profile="minimal")
    assert red.template == "red_minimal" and TEL in red.text
    question = {"url": "https://example.org/q/1"}
    asked = renderer.render("temp", question, language="en", channel="sms", profile="minimal")
    assert asked.text == "Your study question is ready: https://example.org/q/1"
    assert "temperature" in renderer.render("temp", question, language="en", channel="sms").text


@pytest.mark.parametrize(
    ("name", "fields", "options", "named"),
    [
        ("red", {}, {}, "tel"),
        ("red", {"tel": TEL, "ward": "7"}, {}, "ward"),
        ("no_such", {}, {}, "no_such"),
        ("red", {"tel": TEL}, {"language": "fr"}, "'fr'"),
        ("red", {"tel": TEL}, {"profile": "loud"}, "loud"),
        ("weekly", {"url": "u"}, {"channel": "voice"}, "voice"),
    ],
)
def test_what_does_not_fit_is_an_error_that_names_it(
    renderer: Renderer, name: str, fields: dict[str, str], options: dict[str, str], named: str
) -> None:
    arguments = {"language": "en", "channel": "sms"} | options
    with pytest.raises(RenderError, match=named):
        renderer.render(name, fields, **arguments)  # type: ignore[arg-type]


def test_an_error_never_repeats_a_value(renderer: Renderer) -> None:
    with pytest.raises(RenderError) as caught:
        renderer.render("red", {"ward": "P-014"}, language="en", channel="sms")
    assert "P-014" not in str(caught.value)


def test_another_emergency_number_replaces_192(renderer: Renderer) -> None:
    text = renderer.render("temp", {"emergency": "112"}, language="pt-PT", channel="sms").text
    assert text.endswith("ligue 112.") and "192" not in text


def test_email_has_a_subject_without_health_words(renderer: Renderer) -> None:
    fields = dict(
        case="7K", patient="P-014", time="03:12", take="7K4", pass_on="7K5", url="https://e.org/a/1"
    )
    page = renderer.render("page", fields, language="en", channel="email")
    assert page.subject == "CASE 7K P-014" and "https://e.org/a/1" in page.text and "Subject" not in page.text
    code = renderer.render("contact_verified", {}, language="pt-BR", channel="email")
    assert code.subject == "Mensagem da equipe do estudo"


def test_the_page_says_which_case_and_how_to_answer(renderer: Renderer) -> None:
    fields = dict(
        case="7K", patient="P-014", time="03:12", take="7K4", pass_on="7K5", url="https://e.org/a/1"
    )
    text = renderer.render("page", fields, language="en", channel="sms").text
    assert text == "CASE 7K P-014 reported 03:12. Reply 7K4 take, 7K5 pass on. https://e.org/a/1"
    spoken = renderer.render("page", fields, language="pt-BR", channel="voice").text
    assert "tecle 4" in spoken and "tecle 5" in spoken and "http" not in spoken


def test_a_site_lays_its_own_text_over_ours(tmp_path: Path) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "saved.txt").write_text("Saved. Call {{ tel }} or {{ emergency }}.")
    renderer = Renderer(tmp_path)
    assert (
        renderer.render("saved", {"tel": "1"}, language="en", channel="sms").text == "Saved. Call 1 or 192."
    )
    assert "salvas" in renderer.render("saved", {"tel": "1"}, language="pt-BR", channel="sms").text
    assert faults(renderer) == []


@pytest.mark.parametrize(
    ("file", "text", "fault"),
    [
        ("en/saved.txt", "Saved. {{ ward }}", "ward"),
        ("en/saved.txt", "{{ tel }} " + "x" * 160, "do not fit one SMS"),
        ("en/saved.txt", "Your CsA is high, {{ tel }}", "csa"),
        ("en/saved.txt", "No fever? {{ tel }}", "fever"),
        ("en/saved.txt", "Reply YES or NO. {{ tel }}", "YES"),
        ("en/sawed.txt", "hello", "no template is called sawed"),
        ("fr/saved.txt", "bonjour", "no such language"),
        ("en/saved.voice.txt", "hello", "not made for voice"),
    ],
)
def test_a_bad_overlay_is_found_before_it_is_sent(tmp_path: Path, file: str, text: str, fault: str) -> None:
    path = tmp_path / file
    path.parent.mkdir()
    path.write_text(text)
    assert any(fault in line for line in faults(Renderer(tmp_path)))


def test_an_overlay_that_does_not_parse_names_its_file(tmp_path: Path) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "saved.txt").write_text("{{ tel ")
    with pytest.raises(RenderError, match="en/saved.txt"):
        Renderer(tmp_path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Reply OK or CHANGE. Questions: 1", {"OK", "CHANGE"}),
        ("Responda OK ou MUDAR. Tel", {"OK", "MUDAR"}),
        ("Reply with YES", {"YES"}),
        ("NO ANSWER. CASE", set()),
    ],
)
def test_asked_words(text: str, words: set[str]) -> None:
    assert asked_words(text) == words


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("ação não é ºC", "acao nao e oC"),
        ("37,8 °C – “já”…", '37,8 C - "ja"...'),
        ("Straße æble", "Strasse aeble"),
        ("\U0001f912", "?"),
        ("preço 5 €", "preco 5 €"),
    ],
)
def test_folding(text: str, folded: str) -> None:
    assert fold_gsm7(text) == folded


@pytest.mark.parametrize(
    ("text", "count"), [("", 1), ("a" * 160, 1), ("a" * 161, 2), ("€" * 81, 2), ("ã" * 70, 1), ("ã" * 71, 2)]
)
def test_segments(text: str, count: int) -> None:
    assert segments(text) == count


def test_a_value_too_long_is_refused_where_it_is_entered() -> None:
    longest = FIELDS["place"].longest
    assert check_field("place", longest) == longest
    with pytest.raises(FieldTooLong, match="place: at most 12"):
        check_field("place", longest + "x")


@pytest.mark.parametrize(
    ("tag", "folder"),
    [("en", "en"), ("en-GB", "en"), ("pt", "pt_BR"), ("pt_br", "pt_BR"), ("pt-PT", "pt_BR")],
)
def test_languages_find_their_folder(tag: str, folder: str) -> None:
    assert folder_of(tag) == folder
