"""What a request refused: collected while the page is built, logged under its reference and counted at the end."""

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
"""what Flask-WTF says of a request that may not come from our own page → title and what to do"""
STALE = (
    "Deze pagina is verlopen",
    "Deze pagina stond te lang open, of je meldde je opnieuw aan. Ga terug, vernieuw de pagina en bewaar nog eens.",
)
"""for a token of another session, or one that is too old"""


def note(text: str, field: str = ""):
    """Record that this page refuses something with this sentence, at a field or as a whole."""
    if has_request_context():
        g.setdefault("refused", []).append((field, text))


def note_form(form):
    """Record a form on this page: at the end its own errors are counted."""
    if has_request_context():
        g.setdefault("refused_forms", {})[id(form)] = form


def count():
    """Log and count the refusals; called after the response is built. A failure here never fails the request."""
    found = _found()
    if not found:
        return
    for (_, field, rule), number in found.items():
        log.info("refused", extra={"facts": {"field": field, "rule": rule, "times": number}})
    try:
        refusals.count(found, utcnow())
    except Exception as error:  # whatever is wrong with the database: the response is ready
        log.warning("refusals are not counted: %s", type(error).__name__)


def _found() -> Counter:
    # workaround: streamed-twice
    # Popped, since Flask 3.1.3 ends a request with a streamed response twice.
    loose, forms = g.pop("refused", []), g.pop("refused_forms", {})
    pairs = [pair for form in forms.values() for pair in _errors(form)]
    told = {text for _, text in pairs}  # a form's error may be shown as a message too
    pairs += [(field, text) for field, text in loose if text not in told]
    found: Counter[tuple[str, str, str]] = Counter()
    for field, text in pairs[:MOST]:
        found[request.endpoint or "", re.sub(r"\d+", "#", field), sentences.of(text)] += 1
    return found


def _errors(form):
    """(name of the field, sentence) of all errors in a form."""
    yield from (("", str(text)) for text in form.form_errors)
    for field in form:
        yield from ((field.short_name, str(text)) for text in field.errors)
