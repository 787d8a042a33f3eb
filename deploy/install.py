"""Creates .venv for the Makefile, and reports in one line what this machine lacks. Python 3.6 can read it."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

OLDEST = (3, 11)
ENVIRONMENT = Path(".venv")
STAMPS = (".runtime", ".dev", ".bench")
"""empty files in .venv that record which lists are installed; each includes the lists of those before it"""
LOG = ENVIRONMENT / "install.log"
PIP = ["-m", "pip", "install", "-q", "--no-input", "--disable-pip-version-check", "--use-pep517", "--require-hashes"]
NO_VENV = "python3-venv is missing: apt-get install python3-venv"
NO_WRITING = "Nothing can be written in {}: is it yours, and not on a read-only disk?"
NO_INDEX = "The Python package index does not answer: is there a network? `pip config list` shows which index is asked."
CAUSES = {
    "No space left on device|Disk quota exceeded": "The disk is full: make room, and start again.",
    "Permission denied|Read-only file system": NO_WRITING.format("this folder"),
    "ensurepip is not available|No module named '?(?:ensurepip|venv)": NO_VENV,
    "DO NOT MATCH THE HASHES": "A package that came in is not the one that the list names: its hash differs.",
    "Failed (?:to build|building wheel for) '?([\\w.-]+)": "{} cannot be built here: there is no ready-made one for this Python.",
    "CERTIFICATE_VERIFY_FAILED": "The certificate of the package index is not trusted here: apt-get install ca-certificates",
    "ConnectionError|NameResolutionError|MaxRetryError|ProxyError|timed out|HTTP error 5": NO_INDEX,
    "No matching distribution found for ([\\w.-]+)": "The Python package index has no {} that fits this Python.",
}
"""patterns in the output of pip and venv → their meaning; the first match counts"""


def lacking() -> str:
    """What must be fixed before anything can be installed, as a sentence; '' when nothing."""
    if sys.version_info[:2] < OLDEST:
        needed, here = (".".join(map(str, version[:2])) for version in (OLDEST, sys.version_info))
        return f"Python {needed} or newer is needed; python3 is {here} here ({sys.executable})."
    if not (importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip")):
        return NO_VENV
    for folder in (Path(), ENVIRONMENT):
        if folder.exists() and not os.access(str(folder), os.W_OK):
            return NO_WRITING.format(folder.resolve())
    return ""


def install(stamp: str, lists) -> str:
    """Bring .venv to these lists of requirements; returns what went wrong as a sentence, or ''. No stamp exists
    meanwhile, so an interrupted installation is discarded the next time: pip takes a half-installed package for a whole one."""
    done = [ENVIRONMENT / name for name in STAMPS[: STAMPS.index(stamp) + 1]]
    whole = done[0].exists()
    for name in STAMPS:
        if (ENVIRONMENT / name).exists():
            (ENVIRONMENT / name).unlink()
    steps = [] if whole else [[sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT)]]
    steps.append([str(ENVIRONMENT / "bin" / "python"), *PIP, *(word for name in lists for word in ("-r", name))])
    said = ""
    for step in steps:
        result = subprocess.run(step, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # noqa: S603
        said += result.stdout.decode("utf-8", "replace")
        if result.returncode:
            return _cause(said)
    for path in done:
        path.touch()
    return ""


def _cause(said: str) -> str:
    """The output of pip or venv in one line; all of it goes to a log file where that can be written."""
    try:
        LOG.write_text(said, encoding="utf-8")
        more = f" (All that was said: {LOG})"
    except OSError:
        more = ""
    for pattern, sentence in CAUSES.items():
        found = re.search(pattern, said)
        if found:
            return sentence.format(*found.groups()) + more
    errors = [line for line in said.splitlines() if line.lower().startswith("error")] or said.splitlines() or ["?"]
    return "Installing failed: " + errors[-1] + more


def main(stamp, *lists):
    sys.exit(lacking() or install(stamp, lists) or 0)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit("Broken off; the next time starts anew.")
