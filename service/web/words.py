"""Words for what the record stores as codes. A code without words is shown as it is, never hidden."""

from __future__ import annotations

from flask_babel import LazyString
from flask_babel import lazy_gettext as _

from service.web.words_messages import TEMPLATE

Words = dict[str, LazyString]

PATIENT: Words = {
    "screening": _("screening"),
    "enrolled": _("enrolled"),
    "completed": _("completed"),
    "withdrawn": _("withdrawn"),
    "died": _("died"),
    "admitted": _("in hospital"),
    "discharged": _("discharged"),
}
VISIT: Words = {
    "planned": _("planned"),
    "booked": _("booked"),
    "completed": _("completed"),
    "missed": _("missed"),
    "cancelled": _("cancelled"),
    "late": _("past its window"),
    "due": _("due"),
    "projected": _("expected"),
    "merged": _("with another visit"),
}
STUDY: Words = {"draft": _("draft"), "confirmed": _("confirmed by the investigator"), "active": _("under way")}
ANCHOR: Words = {
    "enrolment": _("enrolment"),
    "atg_start": _("ATG day 1"),
    "infusion_1": _("infusion 1"),
    "infusion_2": _("infusion 2"),
    "infusion_3": _("infusion 3"),
    "infusion_4": _("infusion 4"),
    "infusion_5": _("infusion 5"),
}
ROLE: Words = {
    "coordinator": _("coordinator"),
    "clinician": _("clinician"),
    "investigator": _("investigator"),
    "monitor": _("medical monitor"),
    "operator": _("operations"),
    "admin": _("administrator"),
}
SETTING: Words = {"clinic": _("clinic"), "inpatient": _("in hospital"), "phone": _("by telephone")}
CHANNEL: Words = {
    "sms": _("SMS"),
    "whatsapp": _("WhatsApp"),
    "voice": _("telephone call"),
    "email": _("e-mail"),
    "webpush": _("notification"),
    "web": _("web page"),
    "phone": _("telephone interview"),
    "app": _("app"),
}
MESSAGE: Words = {
    "ready": _("waits"),
    "claimed": _("being sent"),
    "accepted": _("accepted by the carrier"),
    "sending": _("being sent"),
    "sent": _("sent"),
    "delivered": _("delivered"),
    "undelivered": _("not delivered"),
    "failed_temporary": _("failed, tried again"),
    "failed_permanent": _("failed"),
    "expired": _("expired"),
    "cancelled": _("cancelled"),
    "unknown": _("unknown, being checked"),
}
LEVEL: Words = {"red": _("red"), "amber": _("amber"), "nothing": _("for information")}
CASE: Words = {"open": _("nobody has it yet"), "acknowledged": _("taken"), "closed": _("closed")}
OUTCOME: Words = {
    "sent_to_er": _("sent to the emergency room"),
    "advised_by_phone": _("advised by phone"),
    "not_reached": _("not reached"),
    "wrong_reading": _("wrong reading"),
    "other": _("other"),
}
OCCASION: Words = {
    "upcoming": _("not due yet"),
    "open": _("waiting for an answer"),
    "answered": _("answered"),
    "late": _("late"),
    "missed": _("missed"),
    "paused": _("paused"),
    "cancelled": _("cancelled"),
}
SITES: Words = {
    "armpit": _("armpit"),
    "mouth": _("mouth"),
    "ear": _("ear"),
    "forehead": _("forehead"),
    "other": _("other place"),
    "unknown": _("place not known"),
}
QUESTIONNAIRE: Words = {"daily": _("daily questions"), "weekly": _("weekly questions")}
ACTION: Words = {
    "patient:enrol": _("enrolled"),
    "patient:enrolled": _("back in the study"),
    "patient:admitted": _("went into hospital"),
    "patient:discharged": _("left hospital"),
    "patient:withdrawn": _("withdrew"),
    "patient:died": _("died"),
    "patient:completed": _("completed the study"),
    "patient:change": _("data changed"),
    "patient:amend": _("moved to a newer protocol version"),
    "patient:opt_out": _("wants no messages"),
    "visit:add": _("unscheduled visit added"),
    "visit:booked": _("visit booked"),
    "visit:complete": _("visit completed"),
    "visit:completed": _("visit completed"),
    "visit:confirm": _("visit confirmed by the patient"),
    "visit:missed": _("visit missed"),
    "visit:cancelled": _("visit cancelled"),
    "visit:planned": _("visit planned again"),
    "visit:move": _("visit moved"),
    "visit:deviate": _("visit held or moved outside its window"),
    "calendar:plan": _("calendar planned"),
    "calendar:anchor": _("date recorded"),
    "calendar:undo": _("date taken back"),
    "task:open": _("task opened"),
    "task:see": _("task seen"),
    "task:done": _("task done"),
    "task:reopen": _("task waits again"),
    "task:climb": _("task became a case: nobody had seen it"),
    "alert:open": _("case opened"),
    "alert:opened": _("case opened"),
    "alert:join": _("further report joined the case"),
    "alert:joined": _("further report joined the case"),
    "alert:acknowledge": _("case taken"),
    "alert:acknowledged": _("case taken"),
    "alert:outcome": _("outcome recorded"),
    "alert:pass_on": _("case passed on"),
    "alert:passed_on": _("case passed on"),
    "alert:reopen": _("case open again"),
    "response:correct": _("answer corrected"),
    "observation:record": _("laboratory value recorded"),
    "observation:correct": _("laboratory value corrected"),
    "observation:tell": _("doctor told of a laboratory value"),
    "task:note": _("task noted"),
    "alert:hand_over": _("case handed over"),
    "advice:answer": _("answered whether the hospital was reached"),
}
TASK: Words = {
    "call_today": _("call today"),
    "watch_fever": _("did not measure again after a raised temperature: call"),
    "recheck_silent": _("did not measure again after a raised temperature: call"),
    "call_requested": _("asks to be called"),
    "call_me": _("asks to be called"),
    "call_and_next_of_kin": _("no answer two days running: call, and the next of kin"),
    "weekly_event": _("an infection, a hospital stay or bleeding in the weekly answers: record it"),
    "no_infusion_by_day_28": _("no infusion 28 days after ATG: weekly visits have stopped"),
    "undeliverable": _("messages do not arrive: agree on another way"),
    "opted_out": _("wants no messages: agree on another way"),
    "visit_change": _("asks for another date"),
    "confirm_arrival": _("sent to the emergency room: ask whether the patient arrived"),
    "silent": _("no answer: call"),
    "free_text": _("wrote a text: read it and answer"),
    "unclear_answer": _("an answer that could not be read: call"),
    "text_not_read": _("a text that could not be handled: look at it"),
    "unknown_sender": _("a text from an unknown number"),
    "which_patient": _("two patients share a number: ask which one wrote"),
    "media": _("sent a picture or a recording: look at it"),
    "called": _("called our number, where nobody answers: call back"),
    "nobody_on_call": _("a case and nobody on call: fill the rota"),
    "exhausted": _("everybody was paged and nobody took the case"),
}
RULE: Words = {
    "T-RED": _("temperature at or above the study's limit"),
    "T-SUST": _("two raised temperatures, none lower between"),
    "T-NONE": _("no measurement"),
    "T-NONE-SIGN": _("no measurement, and a sign"),
    "T-WATCH": _("temperature just below the limit: measured again in an hour"),
    "T-LOW": _("temperature too low"),
    "T-LOW-FIRST": _("temperature very low: measured again"),
    "T-MASK": _("a fever medicine may hide a fever"),
    "S-RED": _("a sign that cannot wait"),
    "S-BLEED": _("bleeding"),
    "S-GI": _("vomiting, cannot drink"),
    "S-SERUM": _("rash or joint pain"),
    "S-SERUM-MARK": _("rash or joint pain in the days when serum sickness is likely"),
    "S-INF": _("a sign within a day of an infusion"),
    "W-WORSE": _("feels much worse"),
    "W-EVENT": _("an infection, a hospital stay or bleeding in the weekly answers"),
    "W-CALL": _("asks to be called, in the weekly answers"),
    "N-MISS1": _("no answer in the weeks of highest risk"),
    "N-MISS2": _("no answer two days running"),
    "N-UNDEL": _("messages do not reach this number"),
    "N-TEXT": _("words of distress in a text"),
    "N-TEXT-RED": _("words of danger in a text"),
    "N-TEXT-FEVER": _("fever in a text, without a number"),
    "N-TEXT-HELP": _("a text that asks for help"),
    "N-ONE-OF": _("distress from a telephone that several patients share"),
    "N-ADVICE": _("told to go in, and nothing shows that the patient went"),
}
LAB: Words = {
    "hb": _("Haemoglobin"),
    "wbc": _("Leukocytes"),
    "anc": _("Neutrophils"),
    "lymphocytes": _("Lymphocytes"),
    "platelets": _("Platelets"),
    "reticulocytes": _("Reticulocytes"),
    "creatinine": _("Creatinine"),
    "urea": _("Urea"),
    "k": _("Potassium"),
    "mg": _("Magnesium"),
    "alt": _("ALT"),
    "ast": _("AST"),
    "bilirubin": _("Bilirubin, total"),
    "glucose": _("Glucose"),
    "csa": _("Cyclosporine, trough"),
    "sbp": _("Systolic pressure"),
    "dbp": _("Diastolic pressure"),
    "weight": _("Weight"),
}
DETAIL: Words = {
    "case": _("case"),
    "visit": _("visit"),
    "date": _("date"),
    "from": _("from"),
    "error": _("fault"),
    "scope": _("does not want"),
}
SCOPE: Words = {"reminders": _("reminders and questions"), "all": _("any message")}
ITEM: Words = {
    "temp": _("temperature"),
    "recheck": _("second temperature"),
    "bleeding": _("bleeding"),
    "antipyretic": _("medicine against fever or pain in the last 8 hours"),
    "well": _("compared with yesterday"),
    "doses": _("doses"),
    "signs": _("signs"),
    "temp_site": _("measured at"),
    "infection": _("infection or antibiotic"),
    "hospital": _("hospital"),
    "bleeding_week": _("bleeding in the week"),
    "call_me": _("wants a call"),
}
SHORT: Words = {"anc": _("neutrophils"), "platelets": _("platelets"), "csa": _("ciclosp.")}


def say(words: Words, code: str | None) -> str:
    """The words for a code; the code itself, readable, where there are none."""
    if not code:
        return ""
    found = words.get(code)
    return str(found) if found is not None else code.replace("_", " ").replace(":", ": ")


TABLES: dict[str, Words] = {
    "patient": PATIENT,
    "study": STUDY,
    "role": ROLE,
    "anchor": ANCHOR,
    "visit": VISIT,
    "setting": SETTING,
    "channel": CHANNEL,
    "message": MESSAGE,
    "level": LEVEL,
    "case": CASE,
    "outcome": OUTCOME,
    "occasion": OCCASION,
    "site": SITES,
    "questionnaire": QUESTIONNAIRE,
    "action": ACTION,
    "task": TASK,
    "rule": RULE,
    "lab": LAB,
    "short": SHORT,
    "item": ITEM,
    "template": TEMPLATE,
    "detail": DETAIL,
    "scope": SCOPE,
}


def term(table: str, code: str | None) -> str:
    """The words for a code of one of the tables, for templates."""
    return say(TABLES[table], code)
