"""The attest as a file: PDF/UA-1 made by Typst from templates/attest.typ, the same bytes each time."""

import json
from datetime import UTC, datetime

import typst

import config
import dutch
from mails import links
from models import STAGE_HOURS, TYPES, Attest

TEMPLATE = config.PROJECT / "templates" / "attest.typ"


def pdf(attest: Attest) -> bytes:
    """The attest as PDF/UA-1, in Dutch, with its code and where to check it. Generated each time: nothing is stored."""
    facts = {
        "name": str(attest.participant),
        "type": TYPES[attest.trajectory.type],
        "association": str(attest.trajectory.association),
        "day": dutch.day(attest.issued_on),
        "hours": str(STAGE_HOURS),
        "code": attest.code,
        "check": links.absolute_url("/attest-nakijken"),
    }
    issued = datetime(*attest.issued_on.timetuple()[:3], tzinfo=UTC)
    return typst.compile(
        TEMPLATE.read_bytes(),
        sys_inputs={"facts": json.dumps(facts)},
        pdf_standards=["ua-1"],
        timestamp=issued,
        format="pdf",
        ignore_system_fonts=True,
    )


def file_name(attest: Attest) -> str:
    """The name of the saved file: never the name of a minor."""
    return f"attest-{attest.code}.pdf"
