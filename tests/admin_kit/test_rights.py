"""Rights: every route for every role, every way to reach another's row, and a token on every change."""

import io
import re

import pytest

import admin_views
import scope
from admin_views.applications import FORMS
from identity import second_step
from models import (
    TABLES,
    Evaluation,
    Handover,
    History,
    ImportBatch,
    Lookup,
    Membership,
    Placement,
    Refusal,
    Role,
    Site,
    SiteManager,
    UserRole,
    UserSession,
)
from tests import factories as make
from tests.visitor import Visitor
from workflow.imports import batches
from workflow.sites import handovers

EVERYBODY = {"visitor", "manager", "association", "team"}
INSIDE = EVERYBODY - {"visitor"}
BACK_OFFICE = {"manager", "team"}
GUIDING = {"association", "team"}
TEAM = {"team"}
NOBODY = set()

NOUNS = {
    "site": INSIDE,
    "placement": INSIDE,
    "participant": GUIDING,
    "trajectory": GUIDING,
    "association": TEAM,
    "user": TEAM,
    "ready": GUIDING,
    "attested": GUIDING,
    "role": TEAM,
    "mail": TEAM,
    "history": TEAM,
    "lookup": TEAM,
    "handover": BACK_OFFICE,
    **{view.screen.endpoint: TEAM for view in admin_views.declared_views() if set(view.roles) == TEAM},
}
"""endpoint of a view → who sees it at all; a view with a `screen` that only the team sees needs no line"""

PUBLIC_REGISTRATION = (
    "choice",
    "everybody",
    "young",
    "thanks",
    "postcodes",
    "status",
    "answer",
    "withdraw",
    "submit_again",
    "complete",
    "sent_to_eid",
)
LOGGING_IN = ("two_factor_token_validation", "mf_recovery", "tf_select", "wan_signin", "wan_signin_response")
WHO_ONE_IS = (
    "verify",
    "wan_verify",
    "wan_verify_response",
    "wan_register",
    "wan_register_response",
    "mf_recovery_codes",
)
APPLICATION = ("index", "show", "decide", "proposal", *FORMS, "undo", "mail_now", "stop_waiting", "keep")
WITH_EID = ("log_in", "back", "out", "choice", "manager", "new_site", "stop")
TAKING_OVER = ("answer", "thanks", "offer")
NO_STAFF = {"visitor", "manager"}
ROUTES = {
    "pages.start": EVERYBODY,
    "pages.help_page": EVERYBODY,
    "pages.after_login": INSIDE,
    "work.index": {"association", "manager"},
    "account.own_data": INSIDE,
    "account.sign_out_everywhere": INSIDE,
    "account.choose_password": EVERYBODY,
    "security.login": EVERYBODY,
    "security.logout": EVERYBODY,
    "security.forgot_password": EVERYBODY,
    "security.reset_password": EVERYBODY,
    "security.change_password": INSIDE,
    "account.sign_out_there": INSIDE,
    "account.onward": INSIDE,
    "eid.again": INSIDE,
    **dict.fromkeys((f"security.{page}" for page in LOGGING_IN), EVERYBODY),
    **dict.fromkeys((f"security.{page}" for page in WHO_ONE_IS), INSIDE),
    **dict.fromkeys((f"second_step.{page}" for page in ("index", "app", "remove_app", "remove_passkey")), INSIDE),
    **dict.fromkeys(second_step.NOT_OURS, NOBODY),
    "static": EVERYBODY,
    "security.static": EVERYBODY,
    "todo.static": EVERYBODY,
    "todo.index": TEAM,
    "site.participants": INSIDE,
    "site.export_participants": INSIDE,
    "pages.faq": EVERYBODY,
    "pages.accessibility": EVERYBODY,
    "registration.further_site": {"manager"},
    **dict.fromkeys((f"registration.{page}" for page in PUBLIC_REGISTRATION), EVERYBODY),
    **dict.fromkeys((f"eid.{page}" for page in WITH_EID), EVERYBODY),
    "eid.link": INSIDE,
    **dict.fromkeys((f"take_over.{page}" for page in TAKING_OVER), EVERYBODY),
    **dict.fromkeys((f"take_over.{page}" for page in ("choose", "ask")), NO_STAFF),
    "account.mail_again": INSIDE,
    "account.evaluations": INSIDE,
    "account.evaluation": INSIDE,
    "handover.show": BACK_OFFICE,
    "clock.index": TEAM,
    "link_request.index": TEAM,
    "link_request.show": TEAM,
    "site_change.successor": BACK_OFFICE,
    **dict.fromkeys((f"application.{page}" for page in APPLICATION), TEAM),
    **dict.fromkeys((f"site_change.{page}" for page in ("index", "propose", "close")), BACK_OFFICE),
    **dict.fromkeys((f"saved_view.{page}" for page in ("index", "keep", "start", "stop", "forget")), INSIDE),
    "placement.cancel": INSIDE,
    "placement.evaluate": INSIDE,
    "placement.trajectory_history": INSIDE,
    **dict.fromkeys((f"bulk.{page}" for page in ("index", "couple", "evaluate")), INSIDE),
    **dict.fromkeys((f"undoing.{page}" for page in ("index", "one", "together")), INSIDE),
    **dict.fromkeys((f"importing.{page}" for page in ("index", "show", "confirm", "drop", "undo", "result")), GUIDING),
    **dict.fromkeys(
        (f"{noun}.{page}" for noun in ("trajectory", "ready", "attested") for page in ("final", "attest")), GUIDING
    ),
    **dict.fromkeys((f"{noun}.extend_all" for noun in ("trajectory", "ready", "attested")), TEAM),
    "retention.index": TEAM,
    "rights.index": TEAM,
    "insight.show": TEAM,
    "insight.data": TEAM,
    "insight.index": TEAM,
    "pages.privacy_page": EVERYBODY,
    "account.insight_page": INSIDE,
    "account.insight_data": INSIDE,
    **dict.fromkeys((f"mailed_links.{page}" for page in ("follow", "new_link")), EVERYBODY),
    "overview.index": TEAM,
    "overview.export": TEAM,
    "refusals.index": TEAM,
    "refusals.export": TEAM,
    **dict.fromkeys((f"attest.{page}" for page in ("show", "file", "check")), EVERYBODY),
}
"""route → the roles that may open it; the routes of a view follow from NOUNS"""

WITHOUT_PROVIDER = {("eid.log_in", 503), ("eid.again", 503), ("eid.back", 400)}
"""the answer of the eID pages when no provider responds"""
OF_A_VIEW = (
    "index_view",
    "details_view",
    "create_view",
    "edit_view",
    "delete_view",
    "action_view",
    "export",
    "ajax_lookup",
    "ajax_update",
)
ARGUMENTS = {
    "pk": 1,
    "kind": "account",
    "what": "note",
    "signed": "x",
    "export_type": "csv",
    "secret": "x",
    "token": "x",
    "filename": "look.css",
}


def who(endpoint):
    noun, _, page = endpoint.partition(".")
    return NOUNS[noun] if noun in NOUNS and page in OF_A_VIEW else ROUTES[endpoint]


FILE = (
    b"kavo_id;voornaam;naam;geboortedatum;email;vereniging;type;start_cursus\n"
    b"125143-59;Geheima;Vreemdeling;12/03/2009;;;animator;10/01/2026\n"
)


class World(dict):
    """Rows and visitors by name; a visitor requested by role is logged in on demand."""

    def __missing__(self, role):
        self[role] = self["log_in"](role)
        return self[role]


@pytest.fixture
def world(app):
    """Two managers with a site and a placement each, an association and the team."""
    people = {
        "manager": make.user(password=make.PASSWORD),
        "other": make.user(password=make.PASSWORD),
        "association": make.user("association", association=make.association(), password=make.PASSWORD),
        "team": make.user("team", password=make.PASSWORD),
    }
    mine = make.placement(site=make.site(manager=people["manager"], name="Mijn speelplein"))
    theirs = make.placement(
        site=make.site(manager=people["other"], name="Vreemd speelplein", street="Geheimstraat 7", phone="0470999999"),
        trajectory=make.trajectory(participant=make.participant(first_name="Geheima", last_name="Vreemdeling")),
    )
    make.evaluated(make.placement(site=theirs.site), by=people["other"])
    taker = make.user(first_name="Geheima", last_name="Overnemer")
    handovers.ask(theirs.site, taker, taker.email, "0470999999", make.NOW)
    batches.receive(io.BytesIO(FILE), "vreemd.csv", make.user("association", association=make.association()), make.NOW)
    return World(mine=mine, theirs=theirs, visitor=Visitor(app), log_in=lambda role: Visitor(app, people[role]))


def test_every_route_is_classified(app):
    for rule in app.url_map.iter_rules():
        assert who(rule.endpoint) is not None


@pytest.mark.parametrize("role", sorted(EVERYBODY))
def test_every_page_opens_for_exactly_those_who_may_see_it(app, world, role):
    visitor, ids = world[role], {"site": world["mine"].site_id, "placement": world["mine"].id}
    for rule in app.url_map.iter_rules():
        if "GET" not in rule.methods or rule.endpoint.endswith(("static", "ajax_lookup")):
            continue
        noun = rule.endpoint.partition(".")[0]
        arguments = {**ARGUMENTS, "pk": world["mine"].site_id}
        path = rule.build(arguments, append_unknown=False)[1]
        status = visitor.get(path, query_string={"id": ids.get(noun, 1)}).status_code
        if role in who(rule.endpoint):
            assert status in (200, 302, 404, 410) or (rule.endpoint, status) in WITHOUT_PROVIDER, path
            assert status != 302 or "/aanmelden?" not in visitor.client.get(path).headers["Location"], path
        elif role == "visitor" and who(rule.endpoint) != NOBODY:
            assert (status, "/aanmelden?" in visitor.client.get(path).headers["Location"]) == (302, True), path
        else:
            assert status == 404, path


def dump():
    """The whole content of the database, except when a session was last seen."""
    left_out = {UserSession._meta.fields["seen_at"].column_name}
    return {
        model._meta.table_name: sorted(
            repr([(key, value) for key, value in row.items() if key not in left_out]) for row in model.select().dicts()
        )
        for model in TABLES
        if model not in (Lookup, Refusal)
    }


SECRETS = "Geheima", "Vreemdeling", "Geheimstraat 7", "0470 99 99 99"


def there_is_something_to_leak(world):
    """The rows hidden from others do exist: the team sees them."""
    theirs, team = world["theirs"], world["team"]
    pages = f"/stageplaatsen/details/?id={theirs.site_id}", "/gekoppelde-deelnemers/", "/overdrachten/", "/importeren/"
    text = " ".join(team.get(page).text for page in pages)
    for secret in (*SECRETS, "Overnemer", "vreemd.csv"):
        assert secret in text, secret


WAYS = [
    ("GET", "/stageplaatsen/details/?id={site}", {}),
    ("GET", "/stageplaatsen/edit/?id={site}", {}),
    ("POST", "/stageplaatsen/edit/?id={site}", {"phone": "1", "animator": "y"}),
    ("POST", "/stageplaatsen/delete/", {"id": "{site}"}),
    ("POST", "/stageplaatsen/action/", {"action": "approve", "rowid": "{site}"}),
    ("POST", "/stageplaatsen/action/", {"one": "approve:{site}"}),
    ("POST", "/stageplaatsen/ajax/update/", {"list_form_pk": "{site}", "phone": "1"}),
    ("GET", "/stageplaatsen/ajax/lookup/?name=manager&query=a", {}),
    ("GET", "/stageplaatsen/{site}/deelnemers/", {}),
    ("POST", "/stageplaatsen/{site}/deelnemers/", {"kavo": "{kavo}"}),
    ("POST", "/stageplaatsen/{site}/deelnemers/", {"kavo": "{kavo}", "trajectory": "{trajectory}", "hours": "5"}),
    ("GET", "/stageplaatsen/{site}/deelnemers/export/", {}),
    ("GET", "/gekoppelde-deelnemers/details/?id={placement}", {}),
    ("GET", "/gekoppelde-deelnemers/edit/?id={placement}", {}),
    ("POST", "/gekoppelde-deelnemers/edit/?id={placement}", {"hours": "5"}),
    ("POST", "/gekoppelde-deelnemers/delete/", {"id": "{placement}"}),
    ("POST", "/gekoppelde-deelnemers/action/", {"action": "delete", "rowid": "{placement}"}),
    ("POST", "/gekoppelde-deelnemers/ajax/update/", {"list_form_pk": "{placement}", "hours": "5"}),
    ("GET", "/gekoppelde-deelnemers/ajax/lookup/?name=site&query=v", {}),
    ("GET", "/gekoppelde-deelnemers/annuleren/?id={placement}", {}),
    ("POST", "/gekoppelde-deelnemers/annuleren/?id={placement}", {"reason": "Weg"}),
    ("GET", "/gekoppelde-deelnemers/beoordelen/?id={placement}", {}),
    (
        "POST",
        "/gekoppelde-deelnemers/beoordelen/?id={placement}",
        {
            "mentor": "x",
            "criterion": "instructor",
            "starts_on": "2026-06-01",
            "ends_on": "2026-06-02",
            "hours_done": "5",
            "result": "positive",
        },
    ),
    ("GET", "/gekoppelde-deelnemers/trajectgeschiedenis/?id={placement}", {}),
    ("GET", "/aanvragen/{site}/", {}),
    ("POST", "/aanvragen/{site}/beslissen", {"decision": "reject", "reason": "Weg"}),
    ("POST", "/aanvragen/{site}/note", {"text": "Weg"}),
    ("POST", "/aanvragen/{site}/reopen", {"reason": "Weg"}),
    ("POST", "/aanvragen/{site}/address", {"email": "weg@kavo.test"}),
    ("GET", "/aanvragen/wijziging/1/", {}),
    ("POST", "/aanvragen/wijziging/1/", {"decision": "approve"}),
    ("GET", "/stageplaats/{site}/wijziging", {}),
    (
        "POST",
        "/stageplaats/{site}/wijziging",
        {"name": "Gestolen", "recognition": "branch", "street": "x", "postcode": "9000", "municipality": "x"},
    ),
    ("GET", "/stageplaats/{site}/sluiten", {}),
    ("POST", "/stageplaats/{site}/sluiten", {"reason": "Weg"}),
    ("GET", "/stageplaats/{site}/opvolger", {}),
    ("POST", "/stageplaats/{site}/opvolger", {"email": "dief@kavo.test"}),
    ("GET", "/overdrachten/{handover}/", {}),
    ("POST", "/overdrachten/{handover}/", {"decision": "approve"}),
    ("POST", "/overdrachten/{handover}/", {"decision": "refuse", "reason": "Weg"}),
    ("POST", "/overdrachten/{handover}/", {"decision": "withdraw"}),
    ("GET", "/overdrachten/details/?id={handover}", {}),
    ("POST", "/overdrachten/action/", {"action": "delete", "rowid": "{handover}"}),
    ("GET", "/mijn-beoordelingen/{evaluation}", {}),
    ("GET", "/eid-aanvragen/1/", {}),
    ("POST", "/eid-aanvragen/1/", {"decision": "approve"}),
    ("GET", "/klok/", {}),
    ("POST", "/klok/", {"since": "2030-01-01"}),
    ("POST", "/mails/action/", {"one": "send_again:1"}),
    ("GET", "/deelnemers/details/?id={participant}", {}),
    ("GET", "/deelnemers/edit/?id={participant}", {}),
    ("GET", "/trajecten/details/?id={trajectory}", {}),
    ("GET", "/trajecten/edit/?id={trajectory}", {}),
    ("GET", "/accounts/details/?id={other}", {}),
    ("POST", "/accounts/action/", {"action": "end_sessions", "rowid": "{other}", "sure": "1"}),
    ("POST", "/deelnemers/edit/?id={participant}", {"first_name": "Weg"}),
    ("POST", "/trajecten/edit/?id={trajectory}", {"course_started_on": "2026-01-01"}),
    ("GET", "/trajecten/eindevaluatie/?id={trajectory}", {}),
    (
        "POST",
        "/trajecten/eindevaluatie/",
        {"id": "{trajectory}", "result": "failed", "evaluated_on": "2026-07-01", "motivation": "Weg"},
    ),
    ("GET", "/trajecten/{trajectory}/attest", {}),
    ("GET", "/attesten/{trajectory}/attest", {}),
    ("GET", "/klaar-voor-eindevaluatie/details/?id={trajectory}", {}),
    *(
        (
            "POST",
            "/trajecten/action/",
            {"one": act + ":{trajectory}", "sure": "1", "reason": "Weg", "until": "2031-01-01"},
        )
        for act in ("final", "reopen", "release", "stop", "resume", "extend")
    ),
    ("GET", "/trajecten/verlengen/", {}),
    ("POST", "/trajecten/verlengen/", {"first": "2026-01-01", "last": "2026-12-31", "days": "30", "reason": "Weg"}),
    ("GET", "/importeren/{batch}/", {}),
    ("GET", "/importeren/{batch}/resultaat.csv", {}),
    *(("POST", "/importeren/{batch}/" + act, {"which": "good"}) for act in ("confirm", "drop", "undo")),
    ("GET", "/overzicht/", {}),
    ("GET", "/overzicht/export/", {}),
    ("POST", "/ongedaan/{act}", {}),
    ("POST", "/ongedaan/{act}/samen", {}),
    ("GET", "/samen/{site}/koppelen", {}),
    ("POST", "/samen/{site}/koppelen", {"text": "{kavo};5"}),
    ("POST", "/samen/{site}/koppelen", {"sure": "1", "kavo": "{kavo}", "uren-{kavo}": "5"}),
]


COUPLING = ("/stageplaatsen/{site}/deelnemers/", "/samen/{site}/koppelen")
"""the screens of an association: every approved site, but nobody else's participants"""


@pytest.mark.parametrize("role", ["manager", "association", "visitor"])
def test_no_way_leads_to_somebody_elses_row(world, role):
    theirs, visitor = world["theirs"], world[role]
    there_is_something_to_leak(world)
    ids = {
        "site": theirs.site_id,
        "placement": theirs.id,
        "trajectory": theirs.trajectory_id,
        "other": 2,
        "kavo": theirs.trajectory.participant.kavo_id,
        "participant": theirs.trajectory.participant_id,
        "handover": Handover.get().id,
        "evaluation": Evaluation.get().id,
        "batch": ImportBatch.get().id,
        "act": History.get(History.verb == "placement.evaluated").id,
    }
    before = dump()
    for method, way, fields in WAYS:
        at_home = role == "association" and way.startswith(COUPLING)
        path, data = way.format(**ids), {key.format(**ids): value.format(**ids) for key, value in fields.items()}
        answer = visitor.get(path) if method == "GET" else visitor.post(path, data)

        assert answer.status_code == (302 if role == "visitor" else 200 if at_home else 404), (method, path)
        for secret in ("Geheima", "Geheimstraat", "0470999999", "0470 99 99 99", "+32470999999"):
            assert secret not in answer.text, (method, path)
        after = dump()
        if role == "association":  # on its own screens a sent form and an export are recorded
            after["form_key"] = before["form_key"]
            after["history"] = [line for line in after["history"] if "list.exported" not in line]
        assert after == before, (method, path)


def test_staff_of_an_association_find_nothing_of_another(world):
    """Every list, export, saved view and search of the third role; one of its own rows shows that the list works."""
    mine = make.trajectory(association=Membership.get().association, participant=make.participant(first_name="Eigen"))
    make.placement(trajectory=mine, site=world["theirs"].site)
    paths = [
        "/te-doen/",
        "/deelnemers/",
        "/trajecten/",
        "/gekoppelde-deelnemers/",
        "/klaar-voor-eindevaluatie/",
        "/attesten/",
        "/importeren/",
        "/stageplaatsen/",
        f"/stageplaatsen/{world['theirs'].site_id}/deelnemers/",
        "/mijn-gegevens",
        f"/stageplaatsen/{world['theirs'].site_id}/deelnemers/export/",
        "/deelnemers/new/",
        "/trajecten/new/",
        "/trajecten/ajax/lookup/?name=participant&query=geheima",
        "/deelnemers/?q=Geheima",
        "/trajecten/?q=Vreemdeling",
        f"/trajecten/details/?id={mine.id}",
        f"/samen/beoordelen?id={world['theirs'].id}",
        f"/trajecten/new/?kavo={world['theirs'].trajectory.participant.kavo_id}",
        *(
            f"/{noun}/export/{kind}/?alles=1"
            for noun in (
                "deelnemers",
                "trajecten",
                "gekoppelde-deelnemers",
                "stageplaatsen",
                "klaar-voor-eindevaluatie",
                "attesten",
            )
            for kind in ("csv", "programma")
        ),
    ]
    seen = 0
    there_is_something_to_leak(world)
    for path in paths:
        answer = world["association"].get(path)
        assert answer.status_code == 200, path
        text = answer.text if "export" in path or "ajax" in path else world["association"].text
        for secret in ("Vreemdeling", "Geheima", "Geheimstraat", "0470999999", "0470 99 99 99", "+32470999999"):
            assert secret not in text or f"={secret}" in path, path
        seen += "Eigen" in text
    assert seen >= 8


def test_what_one_role_allows_does_not_count_for_the_rows_of_another(app, world):
    """A person with two roles, manager and association: with the trajectories at their site they may do only what a manager may,
    at other sites only what an association may."""
    both = make.user(association=make.association(name="Eigen vereniging"), password=make.PASSWORD)
    UserRole.create(user=both, role=Role.get(name="association"))
    site = make.site(manager=both, name="Eigen plein")
    guest = make.placement(site=site, trajectory=make.trajectory())
    visitor = Visitor(app, both)

    assert visitor.get(f"/gekoppelde-deelnemers/trajectgeschiedenis/?id={guest.id}").status_code == 200
    assert visitor.get(f"/trajecten/details/?id={guest.trajectory_id}").status_code == 404
    assert visitor.get(f"/trajecten/edit/?id={guest.trajectory_id}").status_code == 404
    assert visitor.get(f"/trajecten/eindevaluatie/?id={guest.trajectory_id}").status_code == 404
    assert visitor.get(f"/deelnemers/details/?id={guest.trajectory.participant_id}").status_code == 404
    assert visitor.get(f"/stageplaatsen/details/?id={site.id}").status_code == 200
    assert visitor.get(f"/stageplaatsen/details/?id={world['theirs'].site_id}").status_code == 404
    assert visitor.get(f"/stageplaatsen/edit/?id={world['theirs'].site_id}").status_code == 404
    assert visitor.get(f"/stageplaats/{world['theirs'].site_id}/sluiten").status_code == 404
    assert visitor.get(f"/stageplaatsen/{world['theirs'].site_id}/deelnemers/").status_code == 200
    world["team"].get("/trajecten/")
    assert str(guest.trajectory.participant) in world["team"].text
    visitor.get("/trajecten/")
    assert str(guest.trajectory.participant) not in visitor.text
    visitor.get("/gekoppelde-deelnemers/")
    assert str(guest.trajectory.participant) in visitor.text


@pytest.mark.parametrize(
    "path",
    [
        "/stageplaatsen/",
        "/stageplaatsen/?eigen=1",
        "/stageplaatsen/export/csv/",
        "/stageplaatsen/export/csv/?eigen=1",
        "/gekoppelde-deelnemers/",
        "/gekoppelde-deelnemers/export/csv/",
        "/gekoppelde-deelnemers/?q=Geheima",
        "/overdrachten/",
        "/overdrachten/export/csv/",
        "/overdrachten/?sort=requester",
        "/mijn-beoordelingen",
        "/gekoppelde-deelnemers/?site={site}",
        "/stageplaatsen/?q=Geheimstraat",
        "/stageplaatsen/?sort=phone&q=0470999999",
    ],
)
def test_no_list_and_no_export_shows_what_belongs_to_somebody_else(world, path):
    """Other sites are listed with public columns only."""
    there_is_something_to_leak(world)
    answer = world["manager"].get(path.format(site=world["theirs"].site_id))

    assert answer.status_code == 200
    main = world["manager"].text if "export" not in path else answer.text
    if "q=" not in path:
        assert "Geheima" not in main
    if path.startswith(("/stageplaatsen/", "/gekoppelde-deelnemers/")) and "q=" not in path and "{site}" not in path:
        assert "Mijn speelplein" in main, "what is one's own is there"
    for secret in ("Vreemdeling", "Geheimstraat 7"):
        assert secret not in main
    if "eigen" in path or "gekoppelde" in path:
        assert "Vreemd speelplein" not in main


def test_an_own_placement_cannot_move_to_another_site_or_trajectory(world):
    mine, theirs = world["mine"], world["theirs"]
    world["manager"].get(f"/gekoppelde-deelnemers/edit/?id={mine.id}")
    world["manager"].send(
        hours="21", site=str(theirs.site_id), trajectory=str(theirs.trajectory_id), state="evaluated", counted="0"
    )

    stored = Placement.get_by_id(mine.id)
    assert (stored.hours, stored.site_id, stored.trajectory_id, stored.state) == (
        21,
        mine.site_id,
        mine.trajectory_id,
        "open",
    )


def test_a_manager_changes_contact_and_periods_but_not_name_or_manager(world):
    site = world["mine"].site
    world["manager"].get(f"/stageplaatsen/edit/?id={site.id}")
    world["manager"].send(phone="09 311 11 11", name="Ander speelplein", state="closed", manager="", periods=["easter"])

    stored = Site.get_by_id(site.id)
    assert (stored.phone, stored.name, stored.state) == ("+3293111111", site.name, "approved")
    assert [period.kind for period in stored.periods] == ["easter"]
    assert SiteManager.get(SiteManager.site == site).until is None


def test_a_site_that_was_given_away_is_gone_at_once(world):
    SiteManager.update(until=make.NOW).where(SiteManager.site == world["mine"].site_id).execute()

    assert world["manager"].get(f"/gekoppelde-deelnemers/beoordelen/?id={world['mine'].id}").status_code == 404


def test_ownership_is_read_from_the_database_and_not_from_the_object(world):
    jonas = SiteManager.get(SiteManager.site == world["mine"].site_id).user
    placement = make.placement(site=make.site(manager=make.user()))
    placement.site = world["mine"].site

    assert not scope.may(jonas, "cancel", placement)
    placement.save()
    assert scope.may(jonas, "cancel", placement)
    assert not scope.may(jonas, "cancel", Placement(site=world["mine"].site))


@pytest.mark.parametrize("role", ["manager", "team"])
def test_every_change_needs_a_token(app, world, role):
    visitor, before = world[role], dump()
    for rule in app.url_map.iter_rules():
        if "POST" in rule.methods:
            path = rule.build({**ARGUMENTS, "pk": world["mine"].site_id}, append_unknown=False)[1]
            answer = visitor.post(path, {"id": "1", "rowid": "1"}, token=False)
            assert answer.status_code == 400, path
            assert "Er kwam geen beveiligingscode mee" in answer.text
    assert dump() == before


@pytest.mark.parametrize("role", ["manager", "team"])
def test_no_get_changes_anything_but_the_history_of_exports(app, world, role):
    visitor, before = world[role], dump()
    for rule in app.url_map.iter_rules():
        if "GET" in rule.methods and not rule.endpoint.endswith("static"):
            path = rule.build({**ARGUMENTS, "pk": world["mine"].site_id}, append_unknown=False)[1]
            visitor.get(path, query_string={"id": 1})
    after = dump()
    for tables in (before, after):
        tables["history"] = [line for line in tables["history"] if "list.exported" not in line]
    assert after == before


def test_ids_beyond_what_a_column_holds_are_not_found(world):
    for text in ("9" * 30, "-1", "0", "x", "1e3", "1 OR 1=1", "١"):
        assert world["team"].get("/stageplaatsen/details/", query_string={"id": text}).status_code == 404


@pytest.mark.parametrize("number", [2**31, 2**63, 10**40])
def test_a_number_beyond_what_a_column_holds_breaks_no_route(app, world, number):
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<int:\w+>", str(number), rule.rule)
        if "<" in path or rule.endpoint.startswith(("eid.", "security.logout")):  # 503: there is no provider here
            continue
        beyond = path != rule.rule
        for method in rule.methods & {"GET", "POST"}:
            send = world["team"].get if method == "GET" else world["team"].post
            status = send(f"{path}?id={number}").status_code
            assert status == 404 if beyond else status < 500, (method, path)


def without_traces_of_trying(tables):
    """The same content without the record that an empty form was received."""
    return {name: lines for name, lines in tables.items() if name not in ("form_key", "attempt")}


@pytest.mark.one_database
@pytest.mark.parametrize("role", ["manager", "association", "visitor"])
def test_no_post_to_any_route_does_anything_for_those_who_may_not_open_it(app, world, role):
    visitor, before = world[role], without_traces_of_trying(dump())
    for rule in app.url_map.iter_rules():
        if "POST" in rule.methods and role not in who(rule.endpoint):
            path = rule.build({**ARGUMENTS, "pk": world["theirs"].site_id}, append_unknown=False)[1]
            answer = visitor.post(path, {"id": "1", "rowid": "1", "sure": "1", "one": "approve:1", "reason": "Weg"})
            assert answer.status_code == (302 if role == "visitor" and who(rule.endpoint) != NOBODY else 404), path
    assert without_traces_of_trying(dump()) == before


@pytest.mark.one_database
@pytest.mark.parametrize("role", ["manager", "association"])
def test_no_post_to_any_route_touches_a_row_of_somebody_else(app, world, role):
    """Every route that accepts POST, future ones included, with a token and the id of a foreign row wherever an id fits. The
    user's own account may change."""
    theirs, visitor = world["theirs"], world[role]
    mine = {world["mine"].site_id, world["mine"].id, world["mine"].trajectory_id}
    numbers = {theirs.site_id, theirs.id, theirs.trajectory_id, theirs.trajectory.participant_id, 2, 3, 4} - mine
    own = ("account.", "security.", "second_step.", "eid.", "saved_view.keep")
    acts = sorted(
        {act for table in scope.ACTS.values() for found in table.values() for act in found} | {"approve", "release"}
    )
    before, tried = without_traces_of_trying(dump()), 0
    for rule in app.url_map.iter_rules():
        at_home = role == "association" and rule.endpoint in ("site.participants", "bulk.couple")
        if "POST" not in rule.methods or rule.endpoint.startswith(own) or role not in who(rule.endpoint) or at_home:
            continue
        for number in sorted(numbers):
            path = rule.build({**ARGUMENTS, "pk": number}, append_unknown=False)[1]
            fields = {"id": number, "rowid": number, "sure": "1", "reason": "Weg", "hours": "5", "decision": "approve"}
            for act in acts if rule.endpoint.endswith("action_view") else [""]:
                visitor.post(path, {**fields, "one": f"{act}:{number}" if act else ""})
                tried += 1
    assert tried > 20
    assert without_traces_of_trying(dump()) == before
