"""Strict rendering: a missing or superfluous field is an error that names it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from jinja2 import Environment, StrictUndefined
from jinja2 import Template as JinjaTemplate
from jinja2 import TemplateError, meta

from notifications.catalog import CATALOG, FIELDS, PROFILES, Template
from notifications.gsm import fold_gsm7, segments
from notifications.message import Channel

TEMPLATES = Path(__file__).parent / "templates"

# BCP 47 outside, folder names inside.
LANGUAGES: Mapping[str, str] = {"en": "en", "pt-BR": "pt_BR"}

REMEMBERED = 1024  # texts

Profile = Literal["full", "minimal"]


class RenderError(ValueError):
    """A template, field, language or profile that does not fit. The message never holds a field's value."""


@dataclass(frozen=True)
class Rendered:
    """A text ready to send. `template` is the one used (the minimal one, under that profile)."""

    text: str
    subject: str
    segments: int
    template: str


def folder_of(language: str) -> str:
    """The folder for a BCP 47 tag; "pt", "pt-PT" and "en-US" find their nearest. RenderError where there is
    none."""
    wanted = language.replace("_", "-").lower()
    for tag, folder in LANGUAGES.items():
        if tag.lower() == wanted:
            return folder
    for tag, folder in LANGUAGES.items():
        if tag.lower().split("-")[0] == wanted.split("-")[0]:
            return folder
    raise RenderError(f"no templates in language {language!r}; there are {', '.join(LANGUAGES)}")


class Renderer:
    """Fills templates. `overlay_dir` holds a site's own texts, laid over the shipped ones file by file."""

    def __init__(self, overlay_dir: Path | None = None) -> None:
        self._roots = ([overlay_dir] if overlay_dir else []) + [TEMPLATES]
        self._environment = Environment(undefined=StrictUndefined, autoescape=False)
        self._sources: dict[str, str] = {}
        # a morning's question is the same text for many patients
        self._written = lru_cache(maxsize=REMEMBERED)(self._write)
        self._load()

    def _load(self) -> None:
        for root in reversed(self._roots):
            for path in sorted(root.glob("*/*.txt")):
                self._sources[f"{path.parent.name}/{path.stem}"] = path.read_text(encoding="utf-8").strip()
        self._compiled = {key: self._compile(key, text) for key, text in self._sources.items()}

    def _compile(self, key: str, text: str) -> JinjaTemplate:
        try:
            return self._environment.from_string(text)
        except TemplateError as error:
            raise RenderError(f"{key}.txt: {error.message}") from None

    def sources(self) -> Mapping[str, str]:
        """Every text as written, by "<folder>/<name>[.<channel>]"."""
        return dict(self._sources)

    def variables(self, key: str) -> set[str]:
        """The fields that the text under `key` mentions."""
        return meta.find_undeclared_variables(self._environment.parse(self._sources[key]))

    @staticmethod
    def pick(name: str, profile: str = "full") -> Template:
        """The template that `name` stands for under `profile`. RenderError for an unknown one."""
        if name not in CATALOG:
            raise RenderError(f"no template is called {name!r}")
        if profile not in PROFILES:
            raise RenderError(f"no profile is called {profile!r}")
        template = CATALOG[name]
        return CATALOG[template.minimal] if profile == "minimal" and template.minimal else template

    def fields(self, name: str, profile: str = "full") -> tuple[str, ...]:
        """The fields that `render(name, ..., profile=profile)` needs."""
        return self.pick(name, profile).fields

    def render(
        self,
        name: str,
        fields: Mapping[str, str],
        *,
        language: str,
        channel: Channel | str,
        profile: Profile = "full",
    ) -> Rendered:
        """`name` filled with `fields`, in `language`, worded for `channel`. Raises RenderError.

        `fields` may hold what the full and the minimal form of the template need, and nothing else.
        SMS comes out folded to GSM-7; every other channel keeps its accents.
        """
        given = frozenset((key, str(value)) for key, value in fields.items())
        return self._written(name, given, language, Channel(channel), profile)

    def _write(
        self, name: str, given: frozenset[tuple[str, str]], language: str, channel: Channel, profile: Profile
    ) -> Rendered:
        fields = dict(given)
        template = self.pick(name, profile)
        if channel not in template.channels:
            raise RenderError(f"template {template.name!r} is not made for {channel.value}")
        values = self._values(CATALOG[name], template, fields)
        folder = folder_of(language)
        key = next(
            (key for key in (f"{folder}/{template.name}.{channel.value}", f"{folder}/{template.name}")
             if key in self._compiled),
            None,
        )  # fmt: skip
        if key is None:
            raise RenderError(f"template {template.name!r} has no text in {language}")
        try:
            text = self._compiled[key].render(values)
        except TemplateError as error:
            raise RenderError(f"{key}.txt: {error.message}") from None
        subject = ""
        if channel is Channel.EMAIL:
            subject, text = self._split_subject(text, folder)
        if channel is Channel.SMS:
            text = fold_gsm7(text)
        return Rendered(text, subject, segments(text) if channel is Channel.SMS else 1, template.name)

    @staticmethod
    def _values(asked: Template, used: Template, fields: Mapping[str, str]) -> dict[str, str]:
        values = {name: default for name in used.fields if (default := FIELDS[name].default) is not None}
        values |= {name: str(value) for name, value in fields.items() if name in used.fields}
        missing = sorted(set(used.fields) - set(values))
        if missing:
            raise RenderError(f"template {used.name!r} misses {', '.join(missing)}")
        accepted = set(asked.fields) | set(used.fields)
        if asked.minimal:
            accepted |= set(CATALOG[asked.minimal].fields)
        # what has a default (the emergency number) may always be given
        accepted |= {name for name, field in FIELDS.items() if field.default is not None}
        surplus = sorted(set(fields) - accepted)
        if surplus:
            raise RenderError(f"template {asked.name!r} has no field {', '.join(surplus)}")
        return values

    def _split_subject(self, text: str, folder: str) -> tuple[str, str]:
        first, _, rest = text.partition("\n")
        if first.startswith("Subject: "):
            return first.removeprefix("Subject: "), rest.strip()
        return self._sources[f"{folder}/subject"], text
