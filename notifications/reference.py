"""The reference page of messages, written from the catalogue.

`python -m notifications.reference > docs/reference/messages.md`
"""

from __future__ import annotations

from notifications.carriers.twilio_codes import CODES
from notifications.catalog import CATALOG, FIELDS, longest_values
from notifications.gsm import fold_gsm7
from notifications.render import LANGUAGES, Renderer

HEAD = """\
# Messages

Written from `notifications/catalog.py` by `python -m notifications.reference`; a test keeps it true.

A text is `notifications/templates/<language>/<name>.txt`, or `<name>.<channel>.txt` where one channel says it
differently. SMS goes out without accents (GSM-7) and fits one segment of 160 characters with the longest
legal values;
WhatsApp, email, calls and pages keep their accents. No SMS names a disease, a drug or a diagnosis.

Under the profile `minimal` the template in the column *minimal* is sent instead; it has no health word at
all.
"""


def as_markdown() -> str:
    """The whole page."""
    renderer = Renderer()
    parts = [HEAD, "## Fields\n", "| field | at most | longest value tested | default |", "|---|---|---|---|"]
    for field in FIELDS.values():
        longest = (
            "60 or more letters" if len(field.longest) > 58 and field.longest[0] == "W" else field.longest
        )
        parts.append(f"| `{field.name}` | {field.max_length} | {longest} | {field.default or ''} |")
    parts += [
        "\n## Templates\n",
        "| name | channels | fields | minimal | longest SMS |",
        "|---|---|---|---|---|",
    ]
    for template in CATALOG.values():
        sizes = [
            len(
                fold_gsm7(
                    renderer.render(template.name, longest_values(template), language=tag, channel="sms").text
                )
            )
            for tag in LANGUAGES
        ]
        channels = " ".join(sorted(template.channels))
        fields = " ".join(f"`{name}`" for name in template.fields)
        minimal = f"`{template.minimal}`" if template.minimal else "itself"
        parts.append(f"| `{template.name}` | {channels} | {fields} | {minimal} | {max(sizes)} |")
    parts += ["\n## Texts\n"]
    sources = renderer.sources()
    for template in CATALOG.values():
        parts.append(f"**{template.name}**\n")
        for tag, folder in LANGUAGES.items():
            parts.append(f"- {tag}: {sources[f'{folder}/{template.name}']}")
        parts.append("")
    parts += [
        "## The carrier's codes\n",
        "From `notifications/carriers/twilio_codes.py`. What is not here counts as temporary and moves to the",
        "recipient's next channel.\n",
        "| code | becomes | next channel now | meaning |",
        "|---|---|---|---|",
    ]
    for code, outcome in CODES.items():
        following = "yes" if outcome.next_channel else "no"
        parts.append(f"| {code} | {outcome.status} | {following} | {outcome.reason} |")
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    print(as_markdown(), end="")
