"""docs/reference/speed.md, from bench/results.json."""

from __future__ import annotations

from pathlib import Path

from bench.harness import RESULTS, load, table

PAGE = Path(__file__).parent.parent / "docs" / "reference" / "speed.md"
TITLES = {
    "sending": "Sending",
    "peers": "Sending, beside what one would pick instead",
    "carrier": "A carrier that takes its time",
    "growth": "Growing",
    "inbound": "Receiving",
    "pages": "A fever's page",
    "calendar": "Calendars",
}
WORDS = {
    "sending": "The real sender against a table of the same rows: a claim with an attempt each, the check of consent, "
    "opt-out, quiet hours and daily cap, the text, a carrier that takes everything, and the record, which shares a "
    "commit with the next claim. The limit is two UPDATEs a batch of 100 of the same table, with nothing checked, "
    "written or logged. Both sync to disk, and take turns.",
    "peers": "Each does one thing a reminder: fetch it when it is due, run our function, note in PostgreSQL that it "
    "went. Ours also checks, renders, and keeps an attempt; it works in four threads here. APScheduler keeps one job a "
    "reminder in its SQLAlchemy store and has 32 threads, Celery a worker of 8 threads with late acknowledgement, "
    "Procrastinate a worker of 8 at a time.",
    "carrier": "The lane with the real `twilio` client against an HTTP server on 127.0.0.1 that answers after 100 ms.",
    "growth": "The median claim of 100 due messages, committed, in tables of different size: a large one is of many "
    "patients, with a thousand messages each.",
    "inbound": "Signed posts of patients' texts over 8 kept connections to waitress; hello is an empty Flask view on "
    "the same server. Reading a text (whose is it, what does it say, triage, the reply) is separate from storing it; "
    "the second line does both in one post, as the shipped server does.",
    "pages": "From the commit in one process to the carrier's hand in another, which sends a batch over 32 threads.",
    "calendar": "The visits, questions and reminders of a patient's whole study.",
}


def page_text(results: Path = RESULTS) -> str:
    """The page as it has to be."""
    machine, rows = load(results)
    lines = [
        "# Speed",
        "",
        "Written by `python -m bench` from `bench/results.json`; do not edit. Machines are noisy: a figure",
        "means something only beside the one that was measured with it, in the same run, on the same server.",
        "`make bench` runs everything, `python -m bench --quick` some minutes of it, `python -m bench NAME` one part.",
        "",
        f"This run: {machine['cores']} cores, Python {machine['python']}, load {machine['load']} when it began"
        f"{', quick' if machine.get('quick') else ''}.",
    ]
    for name in (*TITLES, *sorted({row.bench for row in rows} - set(TITLES))):
        some = [row for row in rows if row.bench == name]
        if some:
            lines += ["", f"## {TITLES.get(name, name)}", "", WORDS.get(name, ""), "", table(some)]
    missed = [row for row in rows if row.reached == "no"]
    lines += ["", "## Not reached", ""]
    lines += [f"- {row.work} ({row.against}): {row.ratio:.2f}, goal {row.goal}" for row in missed]
    if not missed:
        lines += ["Every goal was reached in this run."]
    return "\n".join(lines) + "\n"


def write_page(path: Path = PAGE) -> None:
    """Put it into the docs."""
    path.write_text(page_text())
