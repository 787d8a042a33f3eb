"""The text in which a manager declares that the mentors meet the criteria. A new text gets a new number and the day
from which it applies; old ones stay here, for those who accepted them."""

from datetime import date, datetime

from models import Declaration
from times import local_date

TEXTS = {
    1: (
        date(2020, 1, 1),
        "Ik verklaar dat elke stagebegeleider op deze stageplaats aan minstens een van deze voorwaarden voldoet:\n"
        "- hij of zij heeft een attest van instructeur;\n"
        "- hij of zij heeft een attest van hoofdanimator (niet voor de stage van een instructeur);\n"
        "- hij of zij heeft een diploma hoger onderwijs met minstens 60 uur pedagogie;\n"
        "- hij of zij is als beroepskracht pedagogisch bekwaam bij een jeugddienst of in het jeugdwerk;\n"
        "- hij of zij volgde een opleiding in het begeleiden van stagiairs in het jeugdwerk.",
    ),
    2: (
        date(2026, 11, 30),
        "Ik verklaar dat elke stagebegeleider op deze stageplaats aan minstens een van deze voorwaarden voldoet:\n"
        "- hij of zij heeft een attest van instructeur;\n"
        "- hij of zij heeft een attest van hoofdanimator (niet voor de stage van een instructeur);\n"
        "- hij of zij heeft een diploma hoger onderwijs met minstens 60 uur pedagogie;\n"
        "- hij of zij is als beroepskracht pedagogisch bekwaam bij een jeugddienst of in het jeugdwerk;\n"
        "- hij of zij volgde een opleiding om stagiairs in het jeugdwerk te begeleiden.",
    ),
}
"""number → (applies from this day on, text)"""


def _number(now: datetime) -> int:
    return max(number for number, (since, _) in TEXTS.items() if since <= local_date(now))


def lines(now: datetime) -> tuple[str, list[str]]:
    """(sentence, conditions) of today's text, to show."""
    first, *conditions = TEXTS[_number(now)][1].splitlines()
    return first, [line.removeprefix("- ") for line in conditions]


def current(now: datetime) -> Declaration:
    """The row of today's text, to store with its acceptance."""
    number = _number(now)
    since, text = TEXTS[number]
    return Declaration.get_or_create(version=number, defaults={"text": text, "valid_from": since})[0]
