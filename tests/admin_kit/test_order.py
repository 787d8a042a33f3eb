"""A list states its real order: the caption, `aria-sort` and the rows agree for every sortable column of every list, ascending
and descending."""

import re
from datetime import datetime

from admin_kit.lists import ListView
from database import normalise
from tests import factories as make
from tests.admin_kit.test_lists_by_chance import LAST, Made
from tests.tables.test_statuses import applications, trajectories
from tests.visitor import Visitor

MOMENT = re.compile(r"(\d\d)/(\d\d)/(\d{4})(?: om (\d+)\.(\d\d) uur)?")


def moment(text):
    """A day or moment as printed; empty comes first."""
    found = MOMENT.search(text)
    return (
        datetime(*(int(part or 0) for part in (found[3], found[2], found[1], found[4], found[5])))
        if found
        else datetime.min
    )


def family_name(text):
    last = next((one for one in sorted(LAST, key=len, reverse=True) if text.endswith(one)), text.rpartition(" ")[2])
    return normalise(f"{last} {text.removesuffix(last)}")


def number(text):
    return int((re.search(r"\d+", text.replace(".", "")) or ["0"])[0])


def waits(text):
    """What waits for an evaluation, since when; then what goes on; then what is done."""
    if text.startswith("Te beoordelen"):
        return 0, moment(text)
    return (2 if text.startswith(("Positief", "Negatief", "Geannuleerd")) else 1), datetime.min


STAGES = ["instructeur", "hoofdanimator", "animator"]
READ = {
    "van A tot Z": lambda text: normalise(text.partition(":")[0]),
    "van oud naar nieuw": moment,
    "van laag naar hoog": number,
    "eerst nee, dan ja": lambda text: text == "ja",
    "volgens familienaam van A tot Z": family_name,
    "eerst wat het langst op een beoordeling wacht, wat klaar is achteraan": waits,
    "van instructeur naar animator": lambda text: -min(STAGES[::-1].index(one.lower()) for one in text.split(", ")),
}
DOWN = {
    "van Z tot A": "van A tot Z",
    "van nieuw naar oud": "van oud naar nieuw",
    "van hoog naar laag": "van laag naar hoog",
    "eerst ja, dan nee": "eerst nee, dan ja",
    "volgens familienaam van Z tot A": "volgens familienaam van A tot Z",
    "eerst wat klaar is, wat het langst wacht achteraan": (
        "eerst wat het langst op een beoordeling wacht, wat klaar is achteraan"
    ),
    "van animator naar instructeur": "van instructeur naar animator",
}
UNREAD = {
    f"{one}{turned}" for one in ("per soort gebeurtenis", "volgens de eerste rol") for turned in ("", ", omgekeerd")
}
"""orders that no column shows literally"""


def place(words):
    """The sort key of a text in a column, according to the caption."""
    if words.startswith("("):
        names = words.strip("()").split(", ")
        return lambda text: names.index(group(text.lower(), names))
    return READ[words]


def test_every_list_is_ordered_as_its_caption_and_its_column_say(app):
    Made(seed=5)
    trajectories(make.association(name="Aalster kamp"))
    applications(make.user(last_name="Zwaan"))
    visitor = Visitor(app, make.user("team", password=make.PASSWORD))
    views = [one for one in app.extensions["admin"][0]._views if isinstance(one, ListView)]
    assert len(views) > 10
    wrong = []
    told = {one for view in views for one in orders(visitor, view, wrong)}
    assert not wrong, wrong
    assert len(told) > 40
    assert told >= {(view, "state", down) for view in ("trajectory", "site", "mail") for down in (False, True)}


def orders(visitor, view, wrong):
    """Check each order of a list; yields the orders whose rows differ enough to prove anything."""
    shown = [*view.list_names, *(name for name in view.column_optional if name not in view.list_names)]
    for name in set(view.sort_keys) & set(shown):
        for down in (False, True):
            visitor.get(f"{view.url}/", query_string={"sort": f"{'-' * down}{name}", "kolom": shown, "rijen": 100})
            assert visitor.answer.status_code == 200, (view.endpoint, name)
            if table := visitor.page.select_one("table.list"):
                yield from read_order(table, view, name, down, shown, wrong)


def read_order(table, view, name, down, shown, wrong):
    label = view.label(name)
    (column,) = table.select("th[aria-sort]")
    assert (column.get_text(), column["aria-sort"]) == (label, "descending" if down else "ascending")
    caption = table.caption.get_text().partition(" gesorteerd op ")[2]
    assert caption.lower().startswith(label.lower()), (view.endpoint, caption)
    words = caption[len(label) + 1 :]
    texts = [
        first_text(row.select("td:not(.tick):not(.menu), th")[shown.index(name)]) for row in table.select("tbody tr")
    ]
    if words not in UNREAD:
        keys = [place(DOWN.get(words, words))(text) for text in texts]
        if keys != sorted(keys, reverse=words in DOWN):
            wrong.append((view.endpoint, caption, texts))
    if len(set(texts)) > 1:
        yield view.endpoint, name, down


def group(text, names) -> str:
    """The group of a status: all undecided applications share one."""
    return text if text in names else "nog niet beslist"


def first_text(cell) -> str:
    """The text of a cell without its second line."""
    for small in cell.select("small"):
        small.extract()
    return cell.get_text(" ", strip=True)
