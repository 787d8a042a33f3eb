"""The words on every screen, in every file and in every mail: plain Dutch, one word for one thing, no codes, short sentences.

Checked in the sources (`tests/our_texts.py`), so also for texts that no test page shows; and in the pages, files and mails
themselves, where a word may come from the database."""

import csv
import io
import re

import mails
from admin_kit.base import AdminView
from local.catcher import Mailbox, make_page
from mails import delivery
from models import MAIL_KINDS, TABLES, Mail
from tests import every_mail, our_texts
from tests import factories as make
from tests.marks import World
from tests.visitor import Visitor
from workflow.privacy import personal_data, subject_access

FORBIDDEN = re.compile(
    r"""\b(?:
    # English
    the|and|your|with|please|save|delete|edit|create|search|required|invalid|choose|password|login|logout|details|submit|cancel|
    actions|user|users|username|email|mail|found|purpose|declared|decided|created|updated|received|changed|kind|subject|by|at|
    true|false|none|null|undefined|error|view|views|export|filter\ by|worker|timestamp|id|exports|pending|failed|
    # another word for the same
    inlog\w*|ingelogd|uitlog\w*|uitgelogd|log\sin|log\ je\ in|men|verwittig\w*|terugdraai\w*|ten\ laatste|binnen\ de\ (?:twee|14)|
    milliseconden?|kladversies?|pin-code|de\ KAVO-ID|mails?|mailen|mailde\w*|mailt|gemaild|u|uw|helaas|gelieve|sorry|
    een\ stuk\ of|kunt\ dit\ niet\ terug\w*
    )\b|!|\b[a-z]+_[a-z_]+\b""",
    re.X | re.I,
)
NAMES = re.compile(r"KAVO-IDs?|e-mail\w*|Opgevangen e-mails|\bE-mail\w*|@\S+|https?://\S+|\S+\.(?:csv|test|be)\b")
"""contexts in which a forbidden word is allowed: names, URLs, files"""
ALLOWED = {
    "Mails": "the screen of the contract",
    "2FAS, Google Authenticator": "names of products",
    "kavo_id; voornaam; naam; geboortedatum; email; vereniging; type; start_cursus": "the columns of a file",
    "Authenticator": "a name of a product",
}
MOST_WORDS, MOST_ON_AVERAGE = 22, 12
FOR_PROGRAMS = ("/export/programma/", "/resultaat.csv")
"""files for programs: those with codes, and the one for re-import"""
LEAST = 3  # minimum words of a sentence for the average: a label does not count
EXEMPT = ()
"""longer sentences, quoted literally from law"""


def faults(text: str) -> list[str]:
    """The forbidden words in a text."""
    for name in ALLOWED:
        text = text.replace(name, " ")
    return [found[0] for found in FORBIDDEN.finditer(NAMES.sub(" ", text))]


def listed(found: dict | set) -> str:
    return "\n".join(sorted(map(str, found)))


# ---- sources


def test_no_text_has_a_word_that_we_do_not_use():
    wrong = {
        f"{one.place}: {faults(plain)} in {plain}" for one in our_texts.every() if faults(plain := _plain(one.text))
    }
    assert not wrong, listed(wrong)


def _plain(text: str) -> str:
    return text.replace(our_texts.HOLE, " ")


def test_an_apostrophe_is_a_curly_one():
    wrong = {f"{one.place}: {one.text}" for one in our_texts.every() if re.search(r"\w'|'\w", one.text)}
    assert not wrong, listed(wrong)


def test_sentences_are_short():
    lengths, wrong = [], {}
    for one in our_texts.every():
        for sentence in one.sentences:
            count = our_texts.words(sentence)
            if count > MOST_WORDS and sentence not in EXEMPT:
                wrong[f"{count} words, {one.place}: {sentence}"] = count
            if count >= LEAST and sentence[-1] in ".?:…":
                lengths.append(count)
    assert not wrong, listed(wrong)
    assert len(lengths) > 1500, "fewer sentences than there were: is every source read?"
    assert sum(lengths) / len(lengths) <= MOST_ON_AVERAGE


# ---- pages, files and mails


def shown(answer) -> list[str]:
    """The readable texts of a response: of a page with its captions, filters and options; of a file its titles."""
    if answer.mimetype == "text/html":
        return [re.sub(r"\s+", " ", text).strip() for text in our_texts.blocks(answer.get_data(as_text=True))]
    if answer.mimetype == "text/csv":
        lines = csv.reader(io.StringIO(answer.get_data(as_text=True).lstrip("\ufeff")), delimiter=";")
        return next(lines, [])
    return []


def test_no_page_and_no_file_shows_a_word_that_we_do_not_use(app):
    world, wrong, lengths, read = World(app), {}, {}, set()
    world.highest = 1
    for letter in "va1t":
        visited = list(world.answers(letter))
        assert len(visited) > 150, letter
        for path, answer, _ in visited:
            if answer.status_code in range(300, 400) or path.partition("?")[0].endswith(FOR_PROGRAMS):
                continue
            assert answer.status_code < 500 or answer.status_code == 503, path
            assert answer.mimetype != "text/html" or '<html lang="nl">' in answer.get_data(as_text=True), path
            texts = set(shown(answer)) - read
            read |= texts
            for text in texts:
                for word in faults(text):
                    wrong.setdefault((word, text[:100]), f"{letter} {path}")
                for sentence in our_texts.END.split(text):
                    if our_texts.words(sentence) > MOST_WORDS:
                        lengths.setdefault(sentence, f"{letter} {path}")
    assert not wrong, listed(f"{path}: {word!r} in {text}" for (word, text), path in wrong.items())
    assert not lengths, listed(lengths.items())


def test_no_mail_has_a_word_that_we_do_not_use_or_a_long_sentence(app, now):
    written = every_mail.write(now)
    assert set(written) == every_mail.KINDS == set(MAIL_KINDS), "each kind of mail has words for the team"
    wrong = {}
    for kind, mail in written.items():
        for line in (mail.subject, *mail.body.splitlines()):
            wrong.update({f"{kind}: {word!r} in {line}": kind for word in faults(line)})
            long = (one for one in our_texts.END.split(line) if our_texts.words(one) > MOST_WORDS)
            wrong.update({f"{kind}: {one}": kind for one in long})
    assert not wrong, listed(wrong)


def test_every_column_has_a_dutch_word(app):
    for view in app.extensions["admin"][0]._views:
        if isinstance(view, AdminView):
            lists = (view.column_list, view.column_details_list, view.column_optional, view.form_columns)
            for name in (name for names in lists for name in names or ()):
                assert view.label(name), (view.name, name)
    for model in TABLES:
        for entry in personal_data.REGISTER:
            shown = set(entry.columns.get(model, ())) - subject_access.LEFT_OUT - subject_access.FOR_PROGRAMS
            for name in shown if model in subject_access.TITLES else ():
                assert not faults(subject_access.label_of(model, name)), (model, name)


def test_codes_with_the_same_label_are_one_choice(app, now):
    """And choosing the label finds the rows of each."""
    team = Visitor(app, make.user("team", password=make.PASSWORD))
    for view in app.extensions["admin"][0]._views:
        for one in view.list_filters if isinstance(view, AdminView) else ():
            options = [text for one in one.inputs({}) for _, text in one.get("options", ())]
            assert len(options) == len(set(options)), (view.name, options)
    for state in ("claimed", "data", "sent"):
        mails.password_changed(make.user(), now)
        Mail.update(state=state).where(Mail.state == "pending").execute()
    team.get("/mails/?state=claimed")
    assert len(team.page.select("tbody tr")) == 2


def test_the_pages_of_the_mail_catcher_say_what_they_are(tmp_path, now):
    box = Mailbox(tmp_path)
    (tmp_path / "1.eml").write_bytes(
        delivery.message(mails.password_changed(make.user(), now), "kavo@kavo.test").as_bytes()
    )
    visitor = make_page(box).test_client()
    for path in ("/", "/1"):
        assert "01/07/2026 om 10.00 uur" in visitor.get(path).text
