"""A world in which every personal column of every person holds a unique mark, and a crawler that records which viewer meets
which mark.

Each `Mark` names the permitted viewers, by their letters in VIEWERS: before the handover, after it, and after the erasure."""

import io
import re
from dataclasses import dataclass
from datetime import date, timedelta
from html import unescape
from urllib.parse import parse_qsl, urlencode, urlsplit

from werkzeug.exceptions import HTTPException

import mails
from database import readings
from mails import links
from models import Draft, Handover, LinkRequest, Mail, Participant, SavedView, Site, Trajectory, User
from tests import factories as make
from tests.admin_kit.test_rights import ARGUMENTS
from tests.visitor import Visitor
from workflow.accounts import identities, registration
from workflow.imports import batches
from workflow.privacy import erasure
from workflow.sites import handovers, proposals, sites
from workflow.stages import attests, finals, placements, trajectories

VIEWERS = {
    "v": "a visitor without login",
    "h": "the holder of a link to an attest",
    "a": "manager A, who hands over a site",
    "b": "manager B of other sites, who takes it over",
    "1": "staff of association 1",
    "2": "staff of association 2",
    "t": "the team",
}
DAY = timedelta(days=1)
HIGHEST = 6  # the highest id tried in every URL, besides the ids in links
VARIANTS = 1  # of the same page, with other values of the same arguments
ENDING = (
    "/afmelden",
    "/registreren/met-eid/stoppen",
    "/aanmelden-met-eid",
    "/afgemeld",
    "/static/",
    "/eid/",
    "/aanmelden",
)
HREF = re.compile(r'(?:href|action|data-url|data-lookup)="([^"#]+)')


TEXTS = "text/html", "text/csv", "application/json", "text/plain"


@dataclass
class Mark:
    """`texts`: the ways to write it; `before`, `after`, `erased`: the permitted viewers, per stage."""

    texts: tuple[str, ...]
    before: str
    after: str
    erased: str


class Marks(dict):
    """Name → Mark. Calling it with a name and the permitted viewers adds a mark and returns the text to plant."""

    def __call__(self, name, before, after=None, erased=None, text=None):
        after = before if after is None else after
        text = text or f"zq{re.sub('[^a-z0-9]', '', name)}"
        self[name] = Mark((text,), before, after, after if erased is None else erased)
        return text

    def born(self, name, *seen, **more):
        """A unique birth date."""
        day = date(1961, 1, 3) + timedelta(days=37 * (len(self) + 1))
        self(name, *seen, text=day.isoformat(), **more)
        self[name].texts = (day.isoformat(), f"{day:%d/%m/%Y}")
        return day

    def phone(self, name, *seen, **more):
        """A unique telephone number, which may also be shown as people write it."""
        text = self(name, *seen, text=f"+324{71000000 + 1013 * (len(self) + 1)}", **more)
        self[name].texts = (text, readings.shown_phone(text))
        return text

    def in_text(self, text) -> set[str]:
        text = text.casefold()
        return {name for name, mark in self.items() if any(one.casefold() in text for one in mark.texts)}


class World:
    """The rows, the viewers by letter, and their marks."""

    highest, variants_of_rows = HIGHEST, None
    """the highest id tried in every URL; how many rows to try per route (None: all)"""

    def __init__(self, app, marks=None):
        self.app, self.marks = app, Marks() if marks is None else marks
        self._people()
        self._sites()
        self._stages()
        self._waiting()
        self.viewers = {"v": Visitor(app), "h": Visitor(app)}
        for letter, user in (("a", self.a), ("b", self.b), ("1", self.one), ("2", self.two), ("t", self.team)):
            self.viewers[letter] = Visitor(app, User.get_by_id(user.id))

    # ---- planting

    def _person(self, tag, role, name, contact, born="t", association=None, **erased):
        """A person with marks; `name`, `contact`, `born`: the viewers of each, before/after the handover."""
        mark, both = self.marks, lambda seen: (seen.split("/") * 2)[:2]
        own = born if tag not in VIEWERS else born + tag
        return make.user(
            role,
            association,
            first_name=mark(f"{tag}.first", *both(name), **erased).capitalize(),
            last_name=mark(f"{tag}.last", *both(name), **erased).capitalize(),
            email=mark(f"{tag}.email", *both(contact), **erased) + "@kavo.test",
            phone=mark.phone(f"{tag}.phone", *both(contact), **erased),
            birth_date=mark.born(f"{tag}.born", own, **erased),
            password_exception=mark(f"{tag}.exception", own, **erased),
            password=make.PASSWORD,
            created_at=make.NOW - 400 * DAY,
        )

    def _people(self):
        mark = self.marks
        self.associations = [
            make.association(
                name=f"Kring {number}",
                email=mark(f"kring{number}.email", f"{number}t") + "@kavo.test",
                phone=mark.phone(f"kring{number}.phone", f"{number}t"),
            )
            for number in "12"
        ]
        self.team = self._person("t", "team", "tab12", "t")
        self.one = self._person("1", "association", "1t", "1t", association=self.associations[0])
        self.two = self._person("2", "association", "2t", "2t", association=self.associations[1])
        self.a = self._person("a", "manager", "at1/atb1", "at/atb", erased="")
        self.b = self._person("b", "manager", "bat12", "bt/bat")
        self.double = self._person("d", "manager", "t/ta", "t/ta", erased="")
        User.update(claimed_email=mark("a.claimed", "at", erased="") + "@kavo.test").where(
            User.id == self.a.id
        ).execute()

    def _sites(self):
        mark = self.marks
        self.site_a, self.site_b, self.site_c = (
            make.site(
                manager=manager,
                name=f"Plein {tag}",
                declared_by=manager,
                declared_at=make.NOW,
                postcode=postcode,
                street=mark(f"{tag}.street", seen, after),
                email=mark(f"{tag}.mail", seen, after) + "@kavo.test",
                phone=mark.phone(f"{tag}.phone", seen, after),
            )
            for tag, manager, seen, after, postcode in (
                ("pleina", self.a, "at", "abt", "9000"),
                ("pleinb", self.b, "bt", "bt", "2000"),
                ("pleinc", self.b, "bt", "bt", "3000"),
            )
        )
        now = make.NOW
        sites.note(self.site_a, self.team, now, mark("team.note", "t"))
        sites.reopen(self.site_a, self.team, now, mark("team.why", "at", "abt"))
        self.site_a = Site.get_by_id(self.site_a.id)
        sites.ask(self.site_a, self.team, now, mark("team.question", "at"))
        registration.answer(self.site_a, mark("a.answer", "at", erased=""), self.a, now)
        right, wrong = self.a.email, mark("a.wrong", "at", erased="t") + "@kavo.test"
        User.update(email=wrong, confirmed_at=None).where(User.id == self.a.id).execute()
        registration.correct_address(Site.get_by_id(self.site_a.id), right, self.team, now)
        User.update(confirmed_at=now).where(User.id == self.a.id).execute()
        sites.approve(Site.get_by_id(self.site_a.id), self.team, now)
        self.site_a = Site.get_by_id(self.site_a.id)
        values = {name: getattr(self.site_a, name) for name in Site.IDENTITY}
        proposals.propose(self.site_a, self.a, now, **{**values, "street": mark("a.proposal", "at", "abt")})

    def _participant(self, tag, name, own):
        mark = self.marks
        return make.participant(
            first_name=mark(f"{tag}.first", name).capitalize(),
            last_name=mark(f"{tag}.last", name).capitalize(),
            email=mark(f"{tag}.email", own) + "@kavo.test",
            birth_date=mark.born(f"{tag}.born", own),
        )

    def _stages(self):
        mark, team, now = self.marks, self.team, make.NOW
        first, second = self.associations
        self.p1 = self._participant("p1", "abt1", "1t")
        run = make.trajectory(participant=self.p1, association=first)
        stage = placements.couple(run, self.site_a, 20, self.a, now)
        make.evaluated(
            stage,
            self.a,
            mentor=mark("p1.mentor", "at1", "abt1"),
            motivation=mark("p1.motivation", "at1", "abt1"),
            remarks=mark("p1.remarks", "at1", "abt1"),
        )
        at_b = placements.couple(Trajectory.get_by_id(run.id), self.site_b, 20, self.b, now)
        placements.cancel(at_b, self.b, now, mark("p1.cancelled", "bt1"))
        placements.couple(Trajectory.get_by_id(run.id), self.site_c, 5, self.b, now)

        self.p2 = self._participant("p2", "bt2", "2t")
        failed = make.trajectory(participant=self.p2, association=second)
        stage = placements.couple(failed, self.site_b, 50, self.b, now)
        make.evaluated(stage, self.b, mentor=mark("p2.mentor", "bt2"), motivation=mark("p2.motivation", "bt2"))
        finals.give(Trajectory.get_by_id(failed.id), team, now, "failed", now.date(), mark("p2.final", "2t"))
        for name in [name for name in mark if name.startswith("p2.")]:
            mark[name].erased = ""

        self.p3 = self._participant("p3", "t1h", "1t")
        passed = make.trajectory(participant=self.p3, association=first)
        make.evaluated(make.placement(trajectory=passed, site=make.site(postcode="8000"), hours=50), team)
        finals.give(Trajectory.get_by_id(passed.id), team, now, "passed", now.date(), mark("p3.final", "1t"))
        attests.release(Trajectory.get_by_id(passed.id), team, now)

        self.p4 = self._participant("p4", "t2", "2t")
        extended = make.trajectory(participant=self.p4, association=second)
        trajectories.extend(extended, team, now, extended.ends_on + DAY, mark("p4.extension", "2t"))
        trajectories.stop(Trajectory.get_by_id(extended.id), team, now, mark("p4.stopped", "2t"))

    def _waiting(self):
        """Pending decisions, and data left behind by people who do not return."""
        mark, now = self.marks, make.NOW
        line = ";".join(
            (
                "777777-12",
                mark("row.first", "1t"),
                mark("row.last", "1t"),
                "x",
                mark("row.email", "1t") + "@kavo.test",
                "",
                "animator",
                "10/01/2026",
            )
        )
        head = "kavo_id;voornaam;naam;geboortedatum;email;vereniging;type;start_cursus"
        file = io.BytesIO(f"{head}\n{line}\n".encode())
        batches.receive(file, mark("1.file", "1t") + ".csv", self.one, now)
        batches.work(now)
        LinkRequest.create(
            user=self.a,
            created_at=now,
            first_name=mark("eid.first", "t", erased=""),
            last_name=mark("eid.last", "t", erased=""),
            birth_date=mark.born("eid.born", "t", erased=""),
            issuer="x",
            subject="y",
        )
        SavedView.create(user=self.a, screen="placement", name=mark("a.view", "at", erased=""), query="")
        SavedView.create(user=self.team, screen="participant", name=mark("t.view", "t"), query="", shared_with="team")
        Draft.create(
            key_hash="k", form="registration", data=f'{{"x": "{mark("draft", "")}"}}', created_at=now, expires_at=now
        )
        make.lookup(user=self.a, kavo_id=self.p1.kavo_id)
        mails.digest_for_manager(self.a, [mark("mail.body", "t", erased="")], [], [1], now)
        refused = handovers.ask(self.site_a, self.b, self.b.email, self.b.phone, now)
        handovers.refuse(refused, self.a, now, mark("a.refusal", "abt", erased="bt"))
        self.asked = handovers.ask(
            self.site_a,
            self.b,
            mark("b.typed", "bt", "bat") + "@kavo.test",
            mark.phone("b.typedphone", "bt", "bat"),
            now,
        )
        handovers.offer(self.site_c, self.b, mark("offer.email", "bt") + "@kavo.test", now)

    # ---- events

    def hand_over(self):
        handovers.accept(Handover.get_by_id(self.asked.id), User.get_by_id(self.a.id), make.NOW + DAY)
        sites.reopen(Site.get_by_id(self.site_a.id), self.team, make.NOW + DAY, self.marks("team.again", "bt"))

    def merge(self):
        identities.merge(self.double, User.get_by_id(self.a.id), self.team, make.NOW)

    def erase(self):
        self.viewers.pop("a")
        erasure.erase_user(User.get_by_id(self.a.id), self.team, make.NOW, "gevraagd")
        erasure.erase_participant(Participant.get_by_id(self.p2.id), self.team, make.NOW, "gevraagd")

    # ---- crawling

    def starts(self, letter) -> list[str]:
        """The start URLs of a viewer: every route with each low id, and the links mailed to them."""
        found = []
        for rule in self.app.url_map.iter_rules():
            if "GET" not in rule.methods or rule.rule.startswith(ENDING):
                continue
            by_id = "pk" in rule.arguments or rule.endpoint.endswith(BY_ID)
            if by_id and letter == "t" and not rule.endpoint.startswith("insight."):
                continue  # the team may see every row, so links lead to all of them
            numbers = range(1, self.highest + 1) if by_id else [1]
            people = ("account", "deelnemer") if "kind" in rule.arguments else ("account",)
            for number in numbers:
                for person in people:
                    path = rule.build({**ARGUMENTS, "pk": number, "kind": person}, append_unknown=False)[1]
                    whole = "?alles=1" if "export" in rule.endpoint else ""
                    found.append(f"{path}?id={number}" if rule.endpoint.endswith(BY_ID) else path + whole)
        return found + [self._page(secret) for secret, to in self._secrets() if to == letter]

    def _secrets(self):
        """(secret of a link, letter of the viewer) for all mailed links."""
        boxes = self._boxes()
        for mail in Mail.select().where(Mail.to_address << list(boxes)):
            for secret in re.findall(r"/l/(\w+)", mail.body):
                yield secret, boxes[mail.to_address]

    @staticmethod
    def _page(secret):
        """Where a link leads."""
        token = links.find(secret)
        return f"{links.PURPOSES[token.purpose].page}/{secret}" if token else f"/l/{secret}"

    def mailed(self):
        """(letter, kind of mail, name of a mark) for the marks in the mails to each viewer."""
        boxes = self._boxes()
        for mail in Mail.select().where(Mail.to_address << list(boxes)):
            for name in self.marks.in_text(f"{mail.subject} {mail.body}"):
                yield boxes[mail.to_address], mail.kind, name

    def _boxes(self):
        """E-mail address → letter of the viewer."""
        boxes = {self.a.email: "a", self.b.email: "b", self.one.email: "1", self.two.email: "2", self.p3.email: "h"}
        return boxes | {association.email: number for number, association in zip("12", self.associations, strict=True)}

    def crawl(self, letter) -> dict[str, str]:
        """Name of each mark that this viewer met → the first URL that showed it."""
        met, self.visited = {}, 0
        for path, answer, text in self.answers(letter):
            self.visited += 1
            for name in self.marks.in_text(unescape(text) + answer.headers.get("Location", "") + str(answer.headers)):
                met.setdefault(name, path)
        return met

    def answers(self, letter):
        """(URL, response, its text) for everything that this viewer reaches, by links and by trying ids."""
        visitor, seen = self.viewers[letter], set()
        queue = self.starts(letter)
        adapter, variants, rows = self.app.url_map.bind("localhost"), {}, {}
        while queue:
            path = queue.pop()
            if path in seen:
                continue
            seen.add(path)
            answer = visitor.client.get(path, buffered=True)
            text = answer.get_data(as_text=True) if answer.mimetype in TEXTS else ""
            yield path, answer, text
            for link in HREF.findall(text) if answer.mimetype == "text/html" else ():
                address = urlsplit(unescape(link))
                if address.netloc or address.path.startswith(ENDING):
                    continue
                full = address.path or urlsplit(path).path
                if not full.startswith("/"):
                    full = urlsplit(path).path.rpartition("/")[0] + "/" + full
                arguments = dict(parse_qsl(address.query))
                try:
                    endpoint, values = adapter.match(full, "GET")
                except HTTPException:
                    continue
                key = endpoint, tuple(values.items()), tuple(sorted(arguments)), arguments.get("id")
                variants[key] = variants.get(key, 0) + 1
                rows[endpoint, *arguments] = rows.get((endpoint, *arguments), 0) + (variants[key] == 1)
                enough = self.variants_of_rows and rows[endpoint, *arguments] > self.variants_of_rows
                if variants[key] <= VARIANTS and not enough:
                    queue.append(f"{full}?{urlencode(arguments)}" if arguments else full)


BY_ID = (
    "details_view",
    "edit_view",
    "placement.evaluate",
    "placement.cancel",
    "trajectory_history",
    "trajectory.final",
    "many.evaluate",
)
"""routes that take the id of their row from the query"""
