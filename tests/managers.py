"""Site managers at work over HTTP, as in a browser: log in, look, couple, evaluate; they retry after an error."""

import re
import time
from collections import Counter
from urllib.parse import urljoin

import requests

from tests import factories as make

FIELD = re.compile(r'name="(csrf_token|form_key|trajectory|version)"(?: type="hidden")? value="([^"]*)"')
DONE_BEFORE = "Dat was al bewaard."


class Refused(Exception):
    """The page refused the form; the message is the page."""


class Manager:
    """A manager with a browser. `statuses`: status code → number of responses."""

    def __init__(self, address, email, password=make.WORD):
        self.address, self.email, self.password = address, email, password
        self.web, self.statuses = requests.Session(), Counter()

    def ask(self, method, path, data=None):
        """Send a request; returns the page as text. Raises OSError without a good response."""
        answer = self.web.request(method, urljoin(self.address, path), data=data, timeout=20)
        self.statuses[answer.status_code] += 1
        if answer.status_code >= 500:
            raise OSError(answer.status_code)
        return answer.text

    def persist(self, act, *values, seconds=120):
        """Repeat `act` until it works, like a person who comes back when asked to."""
        end = time.monotonic() + seconds
        while True:
            try:
                return act(*values)
            except (OSError, requests.RequestException):
                self.statuses["again"] += 1
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)

    def log_in(self):
        fields = self.fields("/aanmelden")
        page = self.ask("POST", "/aanmelden", {**fields, "email": self.email, "password": self.password})
        if "Afmelden" not in page:
            raise Refused(page)

    def look(self, path):
        return self.ask("GET", path)

    def fields(self, path) -> dict[str, str]:
        """The hidden fields of all forms on a page."""
        return dict(FIELD.findall(self.ask("GET", path)))

    def look_up(self, site_id, kavo_id) -> dict[str, str]:
        """'Opzoeken'; returns the fields of the resulting form."""
        path = f"/stageplaatsen/{site_id}/deelnemers/"
        fields = self.fields(path)
        page = self.ask("POST", path, {"csrf_token": fields["csrf_token"], "kavo": kavo_id})
        if "Deelnemer toevoegen" not in page:
            raise Refused(page)
        return {**dict(FIELD.findall(page)), "kavo": kavo_id}

    def couple(self, site_id, kavo_id, hours, fields):
        """'Deelnemer toevoegen' with the fields of `look_up`; sending the same fields twice couples once."""
        page = self.ask("POST", f"/stageplaatsen/{site_id}/deelnemers/", {**fields, "hours": hours})
        if "toegevoegd" not in page and DONE_BEFORE not in page:
            raise Refused(page)

    def to_evaluate(self) -> str | None:
        """The id of the first placement without an evaluation."""
        found = re.search(r"beoordelen/\?id=(\d+)", self.ask("GET", "/gekoppelde-deelnemers/?tab=open"))
        return found and found[1]

    def evaluation(self, placement_id) -> dict[str, str]:
        """The fields of the form 'Traject opvolging'."""
        return self.fields(f"/gekoppelde-deelnemers/beoordelen/?id={placement_id}")

    def evaluate(self, placement_id, hours, result, day, fields):
        """'Beoordeling bewaren', for a stage of a single day."""
        filled = {
            "mentor": "Eline",
            "criterion": "instructor",
            "starts_on": day.isoformat(),
            "ends_on": day.isoformat(),
            "hours_done": hours,
            "result": result,
            "motivation": "Te vaak afwezig.",
        }
        page = self.ask("POST", f"/gekoppelde-deelnemers/beoordelen/?id={placement_id}", {**fields, **filled})
        if "bewaard" not in page or "Kijk dit nog na" in page:
            raise Refused(page)
