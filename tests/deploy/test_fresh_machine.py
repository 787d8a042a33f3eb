"""`make run` on a machine that lacks something, or after an interrupted run: one line in plain English, and the next run starts
afresh. tests/fresh_machine.py covers a complete machine."""

import hashlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

import config
from deploy.install import _cause
from tests.conftest import KEYS
from tests.machines import environment, free_port

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A project whose only requirement is a package of one line in a local folder, the only source that pip uses."""
    shutil.copy(PROJECT / "Makefile", tmp_path)
    (tmp_path / "deploy").mkdir()
    shutil.copy(PROJECT / "deploy" / "install.py", tmp_path / "deploy")
    wheel = tmp_path / "wheels" / "tiny-1-py3-none-any.whl"
    wheel.parent.mkdir()
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr("tiny.py", "there = True\n")
        file.writestr("tiny-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1\n")
        file.writestr("tiny-1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr(
            "tiny-1.dist-info/RECORD", "".join(f"{name},,\n" for name in (*file.namelist(), "tiny-1.dist-info/RECORD"))
        )
    (tmp_path / "requirements.txt").write_text(
        f"tiny==1 --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}"
    )
    for name, value in {
        "CONFIG_FILE": os.devnull,
        "NO_INDEX": "1",
        "FIND_LINKS": str(wheel.parent),
        "RETRIES": "1",
    }.items():
        monkeypatch.setenv(f"PIP_{name}", value)
    return tmp_path


def make(folder, **environ):
    """Run `make .venv/.runtime`; returns (whether it worked, its output without make's own last line)."""
    environ = {**os.environ, **environ}
    for name in ("MAKELEVEL", "MAKEFLAGS", "MFLAGS"):  # set by the `make` that runs these tests
        environ.pop(name, None)
    done = subprocess.run(
        [shutil.which("make"), ".venv/.runtime"], cwd=folder, env=environ, capture_output=True, text=True
    )
    said = [line for line in (done.stdout + done.stderr).splitlines() if not line.startswith(("make: ", "Installing "))]
    return done.returncode == 0, "\n".join(said)


def is_whole(folder) -> bool:
    done = subprocess.run([folder / ".venv/bin/python", "-c", "import tiny; assert tiny.there"], capture_output=True)
    return done.returncode == 0 and (folder / ".venv/.runtime").exists()


@pytest.mark.parametrize(
    "start_up, said",
    [
        ("sys.version_info = (3, 9, 2, 'final', 0)", "Python 3.11 or newer is needed; python3 is 3.9 here"),
        ("sys.modules['ensurepip'] = None", "python3-venv is missing: apt-get install python3-venv"),
        ("sys.modules['venv'] = None", "python3-venv is missing: apt-get install python3-venv"),
    ],
)
def test_an_unsupported_python_is_named(folder, start_up, said):
    (folder / "other").mkdir()
    (folder / "other" / "sitecustomize.py").write_text(f"import sys\n{start_up}\n")

    worked, line = make(folder, PYTHONPATH=str(folder / "other"))

    assert not worked
    assert line.startswith(said)
    assert "\n" not in line
    assert not (folder / ".venv").exists()


def test_a_machine_without_python_is_told_so(folder):
    assert make(folder, PATH=str(folder)) == (False, "python3 is missing: apt-get install python3 python3-venv")


def test_an_index_that_does_not_answer_is_named_and_a_later_run_works(folder):
    nowhere = f"http://127.0.0.1:{free_port()}/simple"

    worked, line = make(folder, PIP_NO_INDEX="0", PIP_FIND_LINKS="", PIP_INDEX_URL=nowhere)

    assert not worked
    assert line.startswith("The Python package index does not answer: is there a network?")
    assert "\n" not in line
    assert make(folder) == (True, "")
    assert is_whole(folder)
    (folder / ".venv/bin/python").unlink()  # as after an upgrade of Debian
    assert make(folder) == (True, "")
    assert is_whole(folder)


def test_an_interrupted_installation_starts_over(folder):
    """pip considers a package with its METADATA complete."""
    with socket.create_server(("127.0.0.1", 0)) as index:  # accepts the connection and stays silent
        address = f"http://127.0.0.1:{index.getsockname()[1]}/simple"
        environ = {**os.environ, "PIP_NO_INDEX": "0", "PIP_FIND_LINKS": "", "PIP_INDEX_URL": address}
        process = subprocess.Popen(["make", ".venv/.runtime"], cwd=folder, env=environ, start_new_session=True)
        index.settimeout(60)
        index.accept()
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(30)
    for module in (folder / ".venv/lib").glob("python3*/site-packages"):
        with zipfile.ZipFile(folder / "wheels" / "tiny-1-py3-none-any.whl") as file:
            file.extract("tiny-1.dist-info/METADATA", module)
    assert not is_whole(folder)

    assert make(folder) == (True, "")
    assert is_whole(folder)


@pytest.mark.parametrize(
    "said, meaning",
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "The disk is full"),
        ("OSError: [Errno 30] Read-only file system: '/x/.venv'", "Nothing can be written in this folder"),
        ("PermissionError: [Errno 13] Permission denied: '/x/.venv'", "Nothing can be written in this folder"),
        ("... because ensurepip is not available.  On Debian/Ubuntu systems, ...", "python3-venv is missing"),
        ("Caused by SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] ...", "The certificate"),
        (
            "Caused by NameResolutionError(...)\nERROR: No matching distribution found for tiny==1",
            "The Python package index does",
        ),
        ("ERROR: No matching distribution found for tiny==1", "The Python package index has no tiny that fits"),
        (
            "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.",
            "A package that came in is not the one",
        ),
        ("  ERROR: Failed building wheel for some-thing\n", "some-thing cannot be built here"),
        ("error: something new\nmore", "Installing failed: error: something new"),
        ("", "Installing failed"),
    ],
)
def test_the_output_of_pip_becomes_one_line(tmp_path, monkeypatch, said, meaning):
    monkeypatch.chdir(tmp_path)

    assert _cause(said).startswith(meaning)
    assert "\n" not in _cause(said)


@pytest.fixture
def start(app, monkeypatch):
    """The output of `flask start` with settings that keep it from starting."""

    def start(**changes):
        monkeypatch.setitem(app.config, "KAVO", replace(app.config["KAVO"], catcher=True, local_eid=True, **changes))
        result = app.test_cli_runner().invoke(args=["start"])
        assert result.exit_code == 1
        return result.output.strip()

    return start


@pytest.mark.parametrize(
    "above, purpose",
    [
        (0, "the web server"),
        *((more, "the local mail catcher") for more in config.CATCHER_PORTS),
        (config.EID_PORT, "the local eID provider"),
    ],
)
def test_a_port_that_is_taken_is_named_with_its_setting(start, above, purpose):
    port = free_port()
    with socket.create_server(("127.0.0.1", port + above), reuse_port=True):  # as Granian does
        said = start(port=port)

    assert said.startswith(f"Error: Port {port + above} of 127.0.0.1, for {purpose}: another program has it")
    assert "KAVO_PORT=" in said
    assert "\n" not in said


@pytest.mark.parametrize("host", ["nowhere.invalid", "192.0.2.1"])
def test_a_host_that_is_not_this_machine_is_named_with_its_setting(start, host):
    port = free_port()
    said = start(host=host, port=port)

    assert said.startswith(f"Error: Port {port} of {host}, for the web server: ")
    assert said.endswith("Is KAVO_HOST an address of this machine?")


@pytest.mark.parametrize(
    "name, value",
    [
        ("KAVO_PORT", "many"),
        ("KAVO_PORT", "0"),
        ("KAVO_PORT", "65530"),
        ("KAVO_PORT", "²"),
        ("KAVO_ENV", "x"),
        ("KAVO_DATABASE_URL", "mysql://x/y"),
        ("KAVO_QUEUE_URL", "x"),
        ("KAVO_SMTP_URL", "x"),
        ("KAVO_BASE_URL", "x"),
        ("KAVO_EID_ISSUER", "x"),
        ("KAVO_SENTRY_DSN", "x"),
        ("KAVO_TRUSTED_PROXIES", "-1"),
    ],
)
def test_an_impossible_setting_is_named(name, value):
    with pytest.raises(config.SettingsError, match=f"^{name}[^\n]+$"):
        config.load({**KEYS, name: value})


@pytest.mark.parametrize(
    "name, value, said",
    [
        ("KAVO_PORT", "many", "Error: KAVO_PORT is 'many'; use a number from 1 to 65508."),
        ("KAVO_DATABASE_URL", "postgresql://postgres@127.0.0.1:1/kavo", "Error: The database does not answer: "),
    ],
)
def test_errors_are_printed_without_a_traceback(tmp_path, name, value, said):
    settings = {"KAVO_PORT": str(free_port()), name: value}
    environ = environment(f"sqlite:///{tmp_path}/kavo.db", f"sqlite:///{tmp_path}/queue.db") | settings
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "app", "start"],
        cwd=PROJECT,
        env=environ,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 1
    assert done.stderr.startswith(said)
    assert "\n" not in (done.stdout + done.stderr).strip()


def test_a_folder_that_cannot_be_written_is_named_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(config, "PROJECT", tmp_path)
    (tmp_path / "instance").write_text("a file, no folder")

    with pytest.raises(config.SettingsError, match=r"^The folder .*instance cannot keep our keys: [^\n]+$"):
        config.load({})
