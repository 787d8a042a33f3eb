"""The files in deploy/ and the page that explains them: linted, complete, and nginx in front of the real server."""

import os
import re
import shutil
import subprocess
import sys
import time
import urllib.error
from pathlib import Path
from urllib.request import urlopen

import pytest

from forms import Room
from tests.machines import Machine, Web, environment, free_port

PROJECT = Path(__file__).parents[2]
DEPLOY = PROJECT / "deploy"
PAGE = (PROJECT / "docs" / "deploy.md").read_text("utf-8")
SETTING = re.compile(r"KAVO_[A-Z0-9_]+")


def said_by(program, *words) -> str:
    """The output of a program of this environment; fails when the program does."""
    done = subprocess.run([Path(sys.executable).with_name(program), *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_dockerfile_is_well_made():
    said_by("hadolint", DEPLOY / "Dockerfile")


def test_the_compose_file_is_one():
    said_by("check-jsonschema", "--builtin-schema", "vendor.compose-spec", DEPLOY / "compose.yaml")


def test_systemd_takes_our_units():
    if not shutil.which("systemd-analyze"):
        pytest.skip("no systemd here")
    units = [*DEPLOY.glob("*.service"), *DEPLOY.glob("*.timer")]
    done = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True)
    lines = [line for line in done.stderr.splitlines() if any(unit.name.split("@")[0] in line for unit in units)]
    assert [line for line in lines if "is not executable" not in line] == []


def test_the_example_and_the_page_name_no_setting_that_does_not_exist():
    """`test_documentation.py` checks that docs/settings.md lists each."""
    known = set(SETTING.findall((PROJECT / "config.py").read_text("utf-8")))
    assert "KAVO_BASE_URL" in SETTING.findall((DEPLOY / "kavo.env.example").read_text("utf-8"))
    assert set(SETTING.findall(PAGE)) <= known
    assert set(SETTING.findall((DEPLOY / "kavo.env.example").read_text("utf-8"))) <= known


def test_every_file_that_the_page_names_is_there():
    for name in re.findall(r"`((?:deploy|docs|bench|tests)/[\w.@/-]+)`", PAGE):
        assert (PROJECT / name).exists(), name


def allowed(path: str) -> int:
    """The maximum number of bytes that nginx lets through to this path."""
    text = (DEPLOY / "nginx.conf").read_text("utf-8")
    own = re.search(rf"location = {re.escape(path)} {{\s*client_max_body_size (\w+);", text)
    found = own or re.search(r"client_max_body_size (\w+);", text)
    return int(found[1][:-1]) << {"k": 10, "m": 20}[found[1][-1]]


def test_nginx_lets_through_what_each_form_may_hold_and_much_only_where_that_is_needed(app):
    usual = allowed("/")
    assert usual <= 512 * 1024
    for rule in app.url_map.iter_rules():
        room = getattr(app.view_functions[rule.endpoint], "room", Room())
        assert allowed(rule.rule) >= room.text + room.file, rule.rule
        if room.text + room.file <= usual:
            assert allowed(rule.rule) == usual, rule.rule


class Nginx(Machine):
    """deploy/nginx.conf in front of these web processes, with the ports, certificate and folders of a test."""

    def __init__(self, folder, ports):
        super().__init__(folder)
        self.port, plain = free_port(), free_port()
        subprocess.run(
            [
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-days",
                "1",
                "-subj",
                "/CN=localhost",
                "-keyout",
                folder / "key.pem",
                "-out",
                folder / "fullchain.pem",
            ],
            check=True,
            capture_output=True,
        )
        text = (DEPLOY / "nginx.conf").read_text("utf-8")
        for old, new in {
            "server 127.0.0.1:8001": f"server 127.0.0.1:{ports[0]}",
            "server 127.0.0.1:8002": f"server 127.0.0.1:{ports[1]}",
            "listen 80;": f"listen {plain};",
            "listen [::]:80;": "",
            "listen 443 ssl http2;": f"listen {self.port} ssl http2;",
            "listen [::]:443 ssl http2;": "",
            "/etc/ssl/kavo/": f"{folder}/",
            "/srv/kavo/current/": f"{PROJECT}/",
            "kavo.example.be": "localhost",
            "/var/log/nginx/": f"{folder}/",
        }.items():
            assert old in text, old
            text = text.replace(old, new)
        (folder / "kavo.conf").write_text(text)
        paths = "".join(
            f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        user = "user root;" if os.getuid() == 0 else ""  # the owner of these folders
        (folder / "nginx.conf").write_text(
            f"{user} daemon off; pid {folder}/pid; error_log {folder}/errors; events {{}}\n"
            f"http {{ {paths} access_log off; include /etc/nginx/mime.types; include {folder}/kavo.conf; }}"
        )
        self.command = ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")]

    def ask(self, path, sent=None):
        """(status, headers, text), of an error too; `sent`: the bytes to post."""
        import ssl

        context = ssl.create_default_context(cafile=self.folder / "fullchain.pem")
        context.check_hostname = False  # the certificate has a common name only
        try:
            with urlopen(f"https://localhost:{self.port}{path}", sent, timeout=30, context=context) as answer:
                return answer.status, answer.headers, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read().decode()

    def answers(self):
        try:
            return bool(self.ask("/static/look.css"))
        except OSError:
            return False


SECRET = "aB3" * 7 + "x"
"""as long as the token of a mailed link"""


def test_nginx_shares_the_work_hides_what_is_ours_and_says_when_nobody_answers(db, tmp_path):
    if not shutil.which("nginx"):
        pytest.skip("no nginx here")
    (tmp_path / "nginx").mkdir()
    environ = environment(db, f"sqlite:///{tmp_path}/queue.db", KAVO_TRUSTED_PROXIES="1")
    one, two = Web(tmp_path, environ), Web(tmp_path, environ)
    with one, two, Nginx(tmp_path / "nginx", [one.port, two.port]) as front:
        status, headers, text = front.ask("/aanmelden?search=geheim")
        assert (status, "Aanmelden" in text) == (200, True)
        assert headers["X-Request-Id"]
        assert headers["Strict-Transport-Security"]  # it knows that the browser used TLS
        assert "granian" not in str(headers).lower()
        assert "X-Route" not in headers
        assert [front.ask(f"/l/{SECRET}{glue}")[0] for glue in ("", ").", "/aanpassen")] == [404] * 3
        assert front.ask(f"/nergens/{SECRET}")[0] == 404
        assert [front.ask(path)[0] for path in ("/metrics", "/readyz", "/healthz")] == [404] * 3
        for path, size in {"/aanmelden": 80_000, "/mijn-gegevens": 600_000, "/importeren/": 600_000}.items():
            status, _, text = front.ask(path, b"x=" + b"a" * size)
            assert (status, "te groot" in text, "Referentie" in text) == (413, True, size < 500_000 or "import" in path)
        one.kill()
        assert [front.ask("/aanmelden")[0] for _ in range(10)] == [200] * 10
        two.kill()
        front.ask(f"/l/{SECRET}")
        status, headers, text = front.ask("/aanmelden")
        assert (status, headers["Retry-After"], "Even geduld" in text) == (503, "30", True)
        one.start()
        end = time.monotonic() + 60
        while front.ask("/aanmelden")[0] != 200:
            assert time.monotonic() < end
            time.sleep(0.5)
        log = (tmp_path / "nginx" / "kavo.log").read_text()
        assert "GET /aanmelden " in log
        assert "GET /l/<path:secret> " in log
        for file in (tmp_path / "nginx").glob("*.log"):
            assert "geheim" not in file.read_text()
            assert SECRET not in file.read_text(), file
