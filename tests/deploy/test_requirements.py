"""The compiled requirements: each list holds everything that its packages need, on every Python and machine."""

import re
from importlib import metadata
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = Path(__file__).parents[2]
LISTS = {
    "requirements": ["requirements"],
    "requirements-dev": ["requirements", "requirements-dev"],
}
PYTHONS = ["3.11.2", "3.11.14", "3.12.12", "3.13.5", "3.14.0", "3.15.0"]
MACHINES = ["x86_64", "aarch64"]


def machine(python, kind="x86_64") -> dict[str, str]:
    """The environment for markers: Linux with this Python."""
    return {
        **default_environment(),
        "python_full_version": python,
        "python_version": python.rpartition(".")[0],
        "implementation_version": python,
        "platform_machine": kind,
        "sys_platform": "linux",
        "platform_system": "Linux",
    }


def lines(name, ending):
    """The requirements in a file, a compiled list or its source."""
    text = re.sub(r" \\\n.*", "", (PROJECT / f"{name}.{ending}").read_text("utf-8"))
    return [Requirement(line.partition(" #")[0]) for line in text.splitlines() if re.match(r"\w", line)]


def pins(names, environ) -> dict[str, Requirement]:
    """What pip installs from these lists in that environment."""
    there = [one for name in names for one in lines(name, "txt") if one.marker is None or one.marker.evaluate(environ)]
    return {canonicalize_name(one.name): one for one in there}


def lacking(pinned, wanted, environ) -> set[str]:
    """The requirements that the list lacks there, or holds in an unsuitable version. A package that is not installed here is
    looked up in the list, but its own requirements are unknown."""
    found, seen, todo = set(), set(), [(one, "") for one in wanted]
    while todo:
        one, extra = todo.pop()
        if one.marker and not one.marker.evaluate({**environ, "extra": extra}):
            continue
        name = canonicalize_name(one.name)
        versions = [pin.version for pin in pinned[name].specifier] if name in pinned else []
        if not any(one.specifier.contains(version, prereleases=True) for version in versions):
            found.add(str(one))
        for chosen in {"", *one.extras} - {more for done, more in seen if done == name}:
            seen.add((name, chosen))
            try:
                needs = metadata.distribution(name).requires or []
            except metadata.PackageNotFoundError:
                continue
            todo += [(Requirement(need), chosen) for need in needs]
    return found


@pytest.mark.one_database
@pytest.mark.parametrize("kind", MACHINES)
@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("names", LISTS.values(), ids=LISTS)
def test_a_list_holds_all_that_its_packages_need_on_every_python_and_machine(names, python, kind):
    environ = machine(python, kind)

    assert lacking(pins(names, environ), [one for name in names for one in lines(name, "in")], environ) == set()


@pytest.mark.one_database
def test_requirements_of_an_old_python_are_missed_there_only():
    for python in PYTHONS:
        environ = machine(python)
        pinned = pins(["requirements"], environ)
        pinned.pop("async-timeout", None)
        missed = {Requirement(one).name for one in lacking(pinned, lines("requirements", "in"), environ)}
        assert missed == ({"async-timeout"} if python == "3.11.2" else set())


@pytest.mark.parametrize("path", ["requirements.txt", "requirements-dev.txt", "bench/requirements.txt"])
@pytest.mark.one_database
def test_a_list_names_no_machine_and_has_a_digest_for_each_package(path):
    text = (PROJECT / path).read_text("utf-8")

    assert not re.search(r"file:|https?:|--(extra-)?index|--find-links|--trusted| /\w+/", text)
    assert all("--hash=sha256:" in one for one in re.split(r"\n(?=\w)", text)[1:])
