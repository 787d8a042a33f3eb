"""Every page of all roles, read once, in a world whose texts are all long words: the pages that links lead to, and the responses
to each form sent empty and with nonsense. For tests of rules that hold on every page."""

import re
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain
from pathlib import Path
from urllib.parse import urlsplit

from bs4 import BeautifulSoup
from peewee import CharField, TextField
from werkzeug.exceptions import HTTPException

from database import Typed, database
from models import TABLES, Site
from public_pages.eid import PENDING, PENDING_LASTS
from tests import factories as make
from tests.identity.eid.steps import bram
from tests.marks import VIEWERS, Marks, World
from tests.visitor import Visitor
from times import utcnow
from workflow import limits
from workflow.accounts import registration
from workflow.sites import sites
from workflow.stages import placements

LONGEST = 60  # letters in the longest word
WORD = "Hottentottententententoonstellingsmakersopleidingsverantwoor"
"""a word of that length, without a place where a line may break"""
AS_THEY_ARE = {"kavo_id", "postcode", "phone", "email", "claimed_email"}
"""columns without free text; the e-mail addresses of this world are long already"""
HALFWAY = {"e": "a person logged in with eID, without an account", "c": "a user who still has to type a code"}
LOGGING_IN = {"h": ("/aanmelden",), "c": ("/aanmelden/code", "/aanmelden/noodcode", "/aanmelden/tweede-stap")}
WAITS_DAYS = {"op tijd": 3, "te laat": 20}
UNSEEN = ("hidden", "submit", "button")
ASKS = re.compile(r'method="post".*<(?:input(?! type="(?:hidden|checkbox)")|textarea|select)', re.S)
SKELETON = re.compile(r"<(/?\w+)(?:[^>]*?\sclass=\"([^\"]*)\")?(?:[^>]*?\s(type|aria-current)=\"?([\w-]*))?")


@dataclass(frozen=True)
class Page:
    """A page as a viewer sees it. `form`: how its form was sent: '' for not at all, 'empty' or 'nonsense'."""

    who: str
    path: str
    html: str
    form: str = ""

    def __str__(self):
        return f"{(VIEWERS | HALFWAY)[self.who]}: {self.path}{f' (its form sent {self.form})' if self.form else ''}"

    @property
    def kind(self):
        """A key shared by pages that differ only in their words or number of rows."""
        return self.form, frozenset(SKELETON.findall(self.html.partition("<main")[2]))


class LongWords(Marks):
    """Marks of the maximum length of a word."""

    def __call__(self, name, *seen, text=None, **more):
        return super().__call__(
            name, *seen, text=text or f"zq{re.sub('[^a-z0-9]', '', name)}".ljust(LONGEST, "w"), **more
        )


class WideWorld(World):
    """The world of `marks`, with a long word in every text typed by a person, and sites in every state of an application."""

    highest, variants_of_rows = 1, 12

    def __init__(self, app):
        super().__init__(app, LongWords())
        for alike in "v2":  # the holder of a link to an attest sees more, association 1 the same
            self.viewers.pop(alike)
        self.viewers |= {"e": self._with_eid(), "c": self._asked_for_a_code()}
        limits.set_up(False, "")
        _lengthen()

    def _with_eid(self):
        visitor, person = Visitor(self.app), bram(first_name=WORD, last_name=WORD)
        with visitor.client.session_transaction() as session:
            session[PENDING] = registration.keep_draft(PENDING, person.plain(), utcnow(), PENDING_LASTS)
        return visitor

    def _asked_for_a_code(self):
        user = make.user("team", password=make.PASSWORD)
        make.app_with_codes(self.app, user)
        visitor = Visitor(self.app)
        visitor.get("/aanmelden")
        visitor.send(email=user.email, password=make.WORD)
        return visitor

    def _waiting(self):
        super()._waiting()
        for state in ("approved", "rejected", "withdrawn", "closed", "asked", *WAITS_DAYS):
            self._application(state)
        placements.couple(make.trajectory(association=self.associations[0]), self.site_b, 20, self.b, make.NOW)

    def _application(self, state):
        now = make.NOW - timedelta(days=WAITS_DAYS.get(state, 0))
        place = {
            "name": f"{state} {WORD}",
            "recognition": "municipal",
            "street": WORD,
            "postcode": "9000",
            "municipality": "Gent",
            "animator": True,
            "email": f"{state.replace(' ', '')}@kavo.test",
            "phone": "0470 12 34 56",
        }
        site = registration.submit_site(self.b, place, sites.Periods(["summer"]), now)
        if state in ("approved", "closed"):
            sites.approve(site, self.team, now)
        if state == "closed":
            sites.close(Site.get_by_id(site.id), self.team, now, WORD, False)
        if state == "rejected":
            sites.reject(site, self.team, now, WORD)
        if state == "withdrawn":
            registration.withdraw(site, self.b, now)
        if state == "asked":
            sites.ask(site, self.team, now, WORD)


def _lengthen():
    """Put a long word in every text column that people fill in, bypassing rules and triggers."""
    for model in TABLES:
        for field in model._meta.sorted_fields:
            if isinstance(field, Typed) and isinstance(field, CharField | TextField) and field.name not in AS_THEY_ARE:
                longest = min(getattr(field, "max_length", None) or LONGEST, LONGEST)
                for number, row in enumerate(model.select().where(field.is_null(False), field != "")):
                    text = f"{number}{WORD}"[:longest]
                    database.execute(model.update({field: text}).where(model._meta.primary_key == row.pk))


def every_page(app) -> list[Page]:
    """The pages, one of each kind: first those that links lead to, then the responses to forms."""
    world, kinds = WideWorld(app), {}
    for who in world.viewers:
        asked = ((path, world.viewers[who].client.get(path)) for path in LOGGING_IN.get(who, ()))
        for path, answer, text in chain(((path, one, one.text) for path, one in asked), world.answers(who)):
            if answer.mimetype == "text/html" and "<main" in text:
                page = Page(who, path, text)
                kinds.setdefault(page.kind, page)
    for page in list(_sent(world, list(kinds.values()))):
        kinds.setdefault(page.kind, page)
    return list(kinds.values())


def _sent(world, pages):
    """The responses of each form with inputs, sent empty and then with nonsense."""
    adapter = world.app.url_map.bind("localhost")
    for how, done in (("empty", set()), ("nonsense", set())):
        for page in pages:
            main = page.html.partition("<main")[2]
            if not ASKS.search(main):
                continue
            for form in BeautifulSoup(main, "html.parser").select("form[method=post]"):
                action = form.get("action") or page.path
                names = {one["name"] for one in _inputs(form)}
                try:
                    key = page.who, adapter.match(urlsplit(action).path, "POST")[0], frozenset(names)
                except HTTPException:
                    continue
                if not names or key in done:
                    continue
                done.add(key)
                answer = world.viewers[page.who].client.post(action, data=_filled(form, how), buffered=True)
                text = answer.get_data(as_text=True) if answer.mimetype == "text/html" else ""
                if "<main" in text:
                    yield Page(page.who, page.path, text, how)


def _inputs(form):
    """The inputs that a person sees and fills in."""
    return [one for one in form.select("input[name], select[name], textarea[name]") if one.get("type") not in UNSEEN]


def _filled(form, how):
    """The values that a browser sends: the hidden fields unchanged, the rest empty or with a long word."""
    data = {one["name"]: one.get("value", "") for one in form.select("input[type=hidden][name]")}
    button = form.select_one("button[name]")
    if button:
        data[button["name"]] = button.get("value", "")
    for one in _inputs(form):
        if one.get("type") not in ("checkbox", "radio", "file"):
            data[one["name"]] = WORD if how == "nonsense" else ""
    return data


def write(pages, folder: Path):
    """Save each page as a file in this folder; returns file → page."""
    kept = {folder / f"{number:04}.html": page for number, page in enumerate(pages)}
    for path, page in kept.items():
        path.write_text(page.html, encoding="utf-8")
    return kept
