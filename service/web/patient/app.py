"""The patient's pages as an app: where it begins, what an installation needs, and its files."""

from __future__ import annotations

from flask import Response, jsonify, make_response, render_template, url_for

from service.access import public
from service.web import i18n, lean
from service.web.base import static
from service.web.patient.questions import blueprint

STATIC_FILE = "a file that holds nobody's data"
FOR_EVER = "public, max-age=31536000, immutable"  # the address changes with the content


def lean_address(kind: str) -> str:
    """Address of the patient's script ("js") or stylesheet ("css")."""
    return url_for(f"questions.app_{kind}", v=lean.digest(kind))


blueprint.add_app_template_global(lean_address, "lean")


@blueprint.get("/q/app.js")
@public(STATIC_FILE)
def app_js() -> Response:
    return _file(lean.script(), "text/javascript", FOR_EVER)


@blueprint.get("/q/app.css")
@public(STATIC_FILE)
def app_css() -> Response:
    return _file(lean.style(), "text/css", FOR_EVER)


@blueprint.get("/q/worker.js")
@public(STATIC_FILE)
def worker() -> Response:
    """The worker is the page's own script, which the browser has already."""
    return _file(f'importScripts("{lean_address("js")}");', "text/javascript", "no-cache")


@blueprint.get("/q/manifest.webmanifest")
@public(STATIC_FILE)
def manifest() -> Response:
    answer = jsonify(
        id="/q/", name="Vigília", short_name="Vigília", lang=i18n.language(), start_url=url_for("questions.begin"),
        scope="/q/", display="standalone", background_color="#faf9f6", theme_color="#0b5c64",
        icons=[
            {"src": static(f"app-{size}.png"), "sizes": f"{size}x{size}", "type": "image/png", "purpose": purpose}
            for size in (192, 512)
            for purpose in ("any", "maskable")
        ],
    )  # fmt: skip
    answer.mimetype = "application/manifest+json"
    return answer


@blueprint.get("/q/")
@public(STATIC_FILE)
def begin() -> str:
    """Where the installed app begins: its script goes on to the newest page of questions that this phone has had."""
    return render_template("patient/begin.html")


def _file(text: str, kind: str, keep: str) -> Response:
    answer = make_response(text)
    answer.mimetype = kind
    answer.headers["Cache-Control"] = keep
    return answer
