"""The study card that a patient carries: whom to call, for the emergency room too. To be printed."""

from __future__ import annotations

import segno
from flask import g, render_template
from markupsafe import Markup

from service.runtime import current
from service.use_cases import questions_page, studies
from service.web.console.blueprint import console, patient_of, readers
from service.web.i18n import dialled


@console.get("/patients/<int:patient_id>/card")
@readers
def card(patient_id: int) -> str:
    with current().db.reading() as session:
        found = patient_of(session, patient_id)
        g.language = found.language
        site = found.site
        picture = segno.make(f"tel:{dialled(site.telephone, site.country)}", micro=False)
        code = Markup(picture.svg_inline(scale=4, border=2, omitsize=True))  # markup of our own making
        limit = questions_page.red_from(studies.design_for(session, found))
        return render_template("console/card.html", patient=found, site=site, code=code, limit=limit)
