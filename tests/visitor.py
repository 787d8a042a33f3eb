"""A visitor with a browser without JavaScript: logs in with the real form, and sends forms as the page holds them."""

import re
from functools import cached_property

from bs4 import BeautifulSoup

from tests import factories as make

TOKEN = re.compile(r'<input\b(?=[^>]*\bname="csrf_token")[^>]*\bvalue="([^"]+)"')


class Visitor:
    def __init__(self, app, user=None):
        self.client = app.test_client()
        self.answer, self.path = None, "/"
        self._kept = None, None
        if user:
            self.log_in(app, user)

    def log_in(self, app, user):
        """With the password, and with a code from an app where required; a user who needs an app gets one first."""
        with app.app_context():
            if user.check_tf_required_setup() and user.password and not user.has_second_step:
                make.app_with_codes(app, user)
        self.get("/aanmelden")
        self.send(email=user.email, password=make.WORD)
        if self.path.startswith("/aanmelden/code"):
            self.send(code=make.code(app, user))

    def get(self, path, **kwargs):
        if path.startswith("/l/"):  # a link in a mail leads to its page
            kwargs["follow_redirects"] = True
        return self._keep(self.client.get(path, headers=self._referrer(), buffered=True, **kwargs))

    def _referrer(self):
        """The headers with which a browser names the page of a link."""
        return {"Referer": f"http://localhost{self.path}"}

    def post(self, path, data=None, token=True):
        """Post to a path, with the token of a page that was opened in this session."""
        data = dict(data or {})
        if token:
            data["csrf_token"] = self._token()
        return self._keep(self.client.post(path, data=data))

    def _token(self):
        """The token of the page with the own data. It is used again while the session stands for the same secret, as
        in a tab that stays open; a log-in and a log-out begin with a new secret, so what they should end is not kept alive."""
        with self.client.session_transaction() as session:
            secret = session.get("csrf_token")
        if secret is None or secret != self._kept[0]:
            own = self.client.get("/mijn-gegevens", follow_redirects=True).text
            with self.client.session_transaction() as session:
                self._kept = session["csrf_token"], TOKEN.search(own)[1]
        return self._kept[1]

    def send(self, form=None, **changes):
        """Send a form of the page (default: the first in `main` that posts, but not one in a message) with some fields changed,
        and follow redirects."""
        form = form or self.page.select_one("main form[method=post]:not([action^='/ongedaan/'])")
        data = [
            (one["name"], one.get("value", "on"))
            for one in form.select("input[name]")
            if one.get("type") not in ("checkbox", "radio") or one.has_attr("checked")
        ]
        data += [(one["name"], one.get_text().lstrip("\n")) for one in form.select("textarea[name]")]
        for one in form.select("select[name]"):
            chosen = one.select_one("option[selected]") or one.select_one("option")
            data += [(one["name"], chosen["value"])] if chosen else []
        data = [(name, value) for name, value in data if name not in changes]
        for name, value in changes.items():
            data += [(name, one) for one in (value if isinstance(value, list) else [value])]
        fields = {}
        for name, value in data:
            fields.setdefault(name, []).append(value)
        return self._keep(self.client.post(form.get("action") or self.path, data=fields, follow_redirects=True))

    @property
    def text(self):
        """The text of the main part of the page."""
        return self.page.select_one("main").get_text(" ", strip=True)

    def _keep(self, answer):
        self.path = answer.request.full_path.rstrip("?")
        self.answer = answer
        self.__dict__.pop("page", None)
        return answer

    @cached_property
    def page(self):
        """The open page, parsed when a test first uses it."""
        return BeautifulSoup(self.answer.data, "html.parser")
