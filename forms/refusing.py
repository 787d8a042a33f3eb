"""The refusals of a request: collected while the page is built, then logged under its reference and counted."""

import logging
import re
from collections import Counter

from flask import g, has_request_context, request

from times import utcnow
from workflow import refusals, sentences

log = logging.getLogger("kavo.refusing")

MOST = 100  # kinds of refusals counted per request

CSRF = {
    "The CSRF token is missing.": (
        "Er kwam geen beveiligingscode mee",
        "De pagina was nog niet helemaal geladen, of werd veranderd door een programma. Ga terug, vernieuw de pagina, wacht tot "
        "ze er helemaal staat en probeer het opnieuw.",
    ),
    "The CSRF session token is missing.": (
        "Je browser stuurde onze cookie niet mee",
        "Zonder die cookie weten we niet of jij dit vraagt. Laat cookies toe voor deze website. Ga dan terug, vernieuw de pagina "
        "en probeer het opnieuw.",
    ),
    "The referrer header is missing.": (
        "Je browser zegt niet van welke pagina je komt",
        "Dat vragen we om zeker te zijn dat jij dit wilt. Een extensie of een instelling voor privacy houdt het tegen. Zet die "
        "uit voor deze website, of gebruik een andere browser. Ga dan terug en probeer het opnieuw.",
    ),
    "The referrer does not match the host.": (
        "Dit kwam van een andere website",
        "We nemen alleen iets aan van onze eigen pagina’s. Open deze website zelf, ga naar de pagina en probeer het daar.",
    ),
}
"""CSRF errors of Flask-WTF → title and instructions"""
STALE = (
    "Deze pagina is verlopen",
    "Deze pagina stond te lang open, of je meldde je opnieuw aan. Ga terug, vernieuw de pagina en bewaar nog eens.",
)
"""title and instructions for an expired token, or one of another session"""


def note(text: str, field: str = ""):
    """Record a refusal with message `text`, at `field` or, without one, of the page as a whole."""
    if has_request_context():
        g.setdefault("refused", []).append((field, text))


def note_form(form):
    """Record a form of this page, so that its errors are counted at the end."""
    if has_request_context():
        g.setdefault("refused_forms", {})[id(form)] = form


def count():
    """Log and count the refusals; called after the response is built. A failure here never fails the request."""
    counts = _counts()
    if not counts:
        return
    for (_, field, rule), number in counts.items():
        log.info("refused", extra={"facts": {"field": field, "rule": rule, "times": number}})
    try:
        refusals.count(counts, utcnow())
    except Exception as error:  # any database error: the response is already built
        log.warning("refusals are not counted: %s", type(error).__name__)


def _counts() -> Counter:
    # workaround: streamed-twice
    # Popped, since Flask 3.1.3 ends a request with a streamed response twice.
    loose, forms = g.pop("refused", []), g.pop("refused_forms", {})
    pairs = [pair for form in forms.values() for pair in _errors(form)]
    counted = {text for _, text in pairs}  # a form's error may be flashed too
    pairs += [(field, text) for field, text in loose if text not in counted]
    counts: Counter[tuple[str, str, str]] = Counter()
    for field, text in pairs[:MOST]:
        counts[request.endpoint or "", re.sub(r"\d+", "#", field), sentences.of(text)] += 1
    return counts


def _errors(form):
    """Yield (field name, message) of all errors of a form."""
    yield from (("", str(text)) for text in form.form_errors)
    for field in form:
        yield from ((field.short_name, str(text)) for text in field.errors)
