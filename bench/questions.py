"""The requests: the same for every peer, as far as it supports them."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from urllib.parse import urlencode

from bench.peers import PEERS, PROJECT, environment

OURS, DJANGO, STOCK = "/gekoppelde-deelnemers/", "/admin/django_admin/", "/admin/"
LOOKUP = "/admin/autocomplete/?app_label=django_admin&model_name=trajectory&field_name=participant&term=peeter"


def questions(database: Path, size: int) -> dict[str, dict[str, str]]:
    """Request → path for each peer that supports it. Flask-Admin searches and sorts one joined table; participants are two
    joins away."""
    place, placement = f"{DJANGO}placement/", f"{STOCK}placement/"
    middle, last = size // 50, -(-size // 25)
    open_one, site, name = _open_one(database)
    asked = {
        "list, first page": (OURS, place, placement),
        "list, middle page": (_middle(database), f"{place}?p={middle}", f"{placement}?page={middle}"),
        "list, last page": (f"{OURS}?eind=1", f"{place}?p={last}", f"{placement}?page={last - 1}"),
        "search with hits": (f"{OURS}?q=peeters", f"{place}?q=peeters", None),
        "search, name and first name": (f"{OURS}?q=peeters+li", f"{place}?q=peeters+li", None),
        "search without hits": (f"{OURS}?q=zzzz", f"{place}?q=zzzz", None),
        "search by site": (_with(OURS, site=name), None, _with(placement, search=name)),
        "filter on own column": (
            f"{OURS}?tab=open",
            f"{place}?state__exact=open",
            f"{placement}?flt0_state_equals=open",
        ),
        "joined filter: type": (
            f"{OURS}?type=head_animator",
            f"{place}?trajectory__type__exact=head_animator",
            f"{placement}?flt0_trajectory_type_equals=head_animator",
        ),
        "joined filter: one site": (
            _with(OURS, site=name),
            f"{place}?site__id__exact={site}",
            _with(placement, flt0_site_name_equals=name),
        ),
        "joined sort: site": (f"{OURS}?sort=site", f"{place}?o=3", f"{placement}?sort=2"),
        "joined sort: participant": (f"{OURS}?sort=participant", f"{place}?o=1", None),
        "participants, first page": ("/deelnemers/", f"{DJANGO}participant/", f"{STOCK}participant/"),
        "participants, search": (
            "/deelnemers/?q=peeters",
            f"{DJANGO}participant/?q=peeters",
            f"{STOCK}participant/?search=peeters",
        ),
        "sites, first page": ("/stageplaatsen/", f"{DJANGO}site/", f"{STOCK}site/"),
        "trajectories, first page": ("/trajecten/", f"{DJANGO}trajectory/", f"{STOCK}trajectory/"),
        "edit page": (f"{OURS}edit/?id={open_one}", f"{place}{open_one}/change/", f"{placement}edit/?id={open_one}"),
        "related-row lookup": (
            "/trajecten/ajax/lookup/?name=participant&query=peeter",
            LOOKUP,
            f"{STOCK}trajectory/ajax/lookup/?name=participant&query=peeter&offset=0&limit=10",
        ),
    }
    peers = ("ours", *PEERS)
    return {
        what: {peer: path for peer, path in zip(peers, paths, strict=True) if path} for what, paths in asked.items()
    }


def _with(path, **arguments) -> str:
    return f"{path}?{urlencode(arguments)}"


def _open_one(database: Path) -> tuple[int, int, str]:
    """(id, id of the site, name of the site) of a placement that is still open."""
    query = "SELECT m.id, s.id, s.name FROM placement m JOIN site s ON s.id = m.site_id WHERE m.state = 'open'"
    with closing(sqlite3.connect(database)) as file:
        return file.execute(f"{query} ORDER BY m.id DESC LIMIT 1").fetchone()


def _middle(database: Path) -> str:
    """Our page after the middle row of the list, as reached by paging."""
    code = (
        "from app import create_app; from database import database; from admin_views.paging import place\n"
        "from models import Placement as P\n"
        "app = create_app()\n"
        "view = next(view for view in app.extensions['admin'][0]._views if view.endpoint == 'placement')\n"
        "with app.app_context(), database.connection_context():\n"
        "    keys = view.sort_keys['state']\n"
        "    row = P.select().order_by(*(key.ordered for key in keys)).offset(P.select().count() // 2).first()\n"
        "    print(place([row], keys))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(database), cwd=PROJECT, check=True, capture_output=True, text=True
    )
    return f"{OURS}?na={done.stdout.split()[-1]}"
