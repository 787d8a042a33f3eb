"""Accounts and roles, for the team. No password, hash or token is on any screen."""

from flask import url_for
from flask_security import current_user
from peewee import fn
from wtforms import BooleanField

import scope
from admin_kit import rights
from admin_kit.actions import row_action
from admin_kit.base import AdminView
from admin_kit.cells import Cell
from admin_kit.joins import Key
from admin_kit.lists import BY_FAMILY_NAME, BY_SIZE
from admin_views.privacy import EraseForm
from database import RuleError, as_tuples, readings
from forms import CheckList, sometimes
from models import ADULT_YEARS, ROLE_LABELS, TEAM, Association, Role, User, UserRole
from workflow.accounts import accounts, second_steps
from workflow.privacy import erasure

FIRST_ROLE = Key(
    "",
    fn.COALESCE(UserRole.select(fn.MIN(UserRole.role)).where(UserRole.user == User.id), 0),
    lambda user: min((role.id for role in user.roles), default=0),
)
"""accounts ordered by their first role"""


NAMED_BY_EID = ("first_name", "last_name", "birth_date")
"""fields that come from the eID and cannot be changed here"""


class UserView(AdminView):
    kind, kinds = "account", "accounts"
    fresh_pages = ("create_view", "edit_view")
    reauthenticated_acts = ("invite", "end_sessions", "wipe_second_step", "erase")
    column_list = ("name", "email", "role_label", "active")
    column_labels = {"name": "Naam", "role_label": "Rollen", "has_eid": "Meldt zich aan met eID"}
    search_words = "Zoek op naam of e-mailadres"
    column_searchable_list = ("search",)
    column_filters = ("active",)
    column_sortable_list = (("name", "search"), "email", ("role_label", (FIRST_ROLE,)), "active")
    column_order_words = {
        "name": BY_FAMILY_NAME,
        "role_label": ("volgens de eerste rol", "volgens de eerste rol, omgekeerd"),
    }
    column_default_sort = "name"
    column_formatters = {"name": lambda view, context, user, name: Cell(str(user), readings.shown_phone(user.phone))}
    column_spread = {"name": ("first_name", "last_name")}
    column_details_list = (
        "first_name",
        "last_name",
        "email",
        "phone",
        "birth_date",
        "role_label",
        "active",
        "password_exception",
        "claimed_email",
        "has_eid",
    )
    form_columns = ("email", "first_name", "last_name", "phone", "birth_date", "active", "password_exception")
    form_args = {
        "last_name": {"validators": [sometimes], "description": "Heeft iemand maar één naam? Typ die hier."},
        "password_exception": {
            "validators": [sometimes],
            "description": f"Nodig voor een stageplaatsverantwoordelijke van {ADULT_YEARS} jaar of ouder zonder eID.",
        },
    }
    form_extra_fields = {
        "role_names": CheckList("Rollen", choices=list(ROLE_LABELS.items())),
        "association_ids": CheckList("Werkt voor", choices=[], coerce=int),
        "invite": BooleanField("Stuur een link om een wachtwoord te kiezen", default=True),
    }
    can_add_words = "Account aanmaken"
    empty_text = "Er zijn nog geen accounts."

    def enrich(self, rows, names):
        """The roles of all these users, in one query."""
        roles: dict[int, list[Role]] = {row.id: [] for row in rows}
        for link in UserRole.select(UserRole, Role).join(Role).where(UserRole.user.in_(list(roles))).order_by(Role.id):
            roles[link.user_id].append(link.role)
        for row in rows:
            row.__dict__["roles"] = roles[row.id]

    def _with_choices(self, form):
        form.association_ids.choices = [(row.id, row.name) for row in Association.select().order_by(Association.search)]
        return form

    def create_form(self, obj=None):
        return self._with_choices(super().create_form(obj))

    def edit_form(self, obj=None):
        form = self._with_choices(super().edit_form(obj))
        del form.invite
        if obj.has_eid:
            for name in NAMED_BY_EID:
                if obj.birth_date or name != "birth_date":
                    del form[name]
        if not form.is_typed:
            form.role_names.data = list(obj.role_names)
            form.association_ids.data = scope.association_ids(obj)
        return form

    def save(self, form, row, created, now):
        if created:
            blank = accounts.new_user(form.email.data)
            row.fs_uniquifier = blank.fs_uniquifier
        super().save(form, row, created, now)
        if created and form.invite.data and row.active:
            accounts.invite(row, self.by, now)

    def on_model_change(self, form, model, is_created):
        if model == current_user and not model.active:
            raise RuleError("Je kunt je eigen account niet uitzetten. Vraag het een collega.", "active")

    def save_rest(self, form, row, now):
        return accounts.set_roles(row, form.role_names.data or [], form.association_ids.data or [], self.by, now)

    @row_action(
        "invite",
        "Link voor wachtwoord sturen",
        "Deze persoon krijgt een e-mail met een link om een wachtwoord te kiezen.",
        when=lambda user: user.active and not user.password,
    )
    def action_invite(self, ids):
        return self.apply(accounts.invite, ids, "uitgenodigd")

    @row_action(
        "end_sessions",
        "Overal afmelden",
        "Deze persoon moet zich daarna op elk toestel opnieuw aanmelden.",
        danger=True,
    )
    def action_end_sessions(self, ids):
        return self.apply(accounts.end_sessions, ids, "overal afgemeld")

    @row_action(
        "wipe_second_step",
        "Tweede stap wissen",
        "Doe dit alleen als je zeker bent wie je aan de lijn hebt. De persoon wordt overal afgemeld. "
        "Daarna volstaat het wachtwoord om opnieuw een tweede stap in te stellen. De persoon krijgt er een e-mail over.",
        when=lambda user: user.has_second_step,
        danger=True,
        in_menu=False,
        many=False,
    )
    def action_wipe_second_step(self, ids):
        return self.apply(second_steps.wipe, ids, "weer zonder tweede stap")

    @row_action(
        "erase",
        "Gegevens wissen",
        "Naam, e-mailadres, telefoonnummer, geboortedatum en eID verdwijnen, ook uit e-mails en uit de geschiedenis. Niemand kan "
        "zich nog met dit account aanmelden. Je kunt dit niet ongedaan maken.",
        form=EraseForm,
        when=lambda user: user.erased_at is None,
        danger=True,
        in_menu=False,
        many=False,
    )
    def action_erase(self, ids, form):
        return self.apply(erasure.erase_user, ids, "gewist", reason=form.reason.data)

    def page_links(self, row):
        if row.erased_at:
            return []
        return [("Alles wat we bewaren", url_for("insight.show", kind="account", pk=row.id))]


NUMBER_OF_USERS = Key(
    "", UserRole.select(fn.COUNT(UserRole.id)).where(UserRole.role == Role.id), lambda role: role.users
)


class RoleView(AdminView):
    kind, kinds = "rol", "rollen"
    can_create = False
    column_list = ("name", "description", "users")
    column_labels = {"name": "Rol", "users": "Accounts", "rights": "Mag"}
    column_details_list = ("name", "description", "users", "rights")
    column_sortable_list = ("name", "description", ("users", (NUMBER_OF_USERS,)))
    column_default_sort = "name"
    column_order_words = {"users": BY_SIZE}
    form_columns = ("description",)
    column_formatters = {
        "rights": lambda view, context, role, name: _rights(role),
    }

    def enrich(self, rows, names):
        query = UserRole.select(UserRole.role, fn.COUNT(UserRole.id)).group_by(UserRole.role)
        counts: dict[int, int] = dict(as_tuples(query))
        for row in rows:
            row.users = counts.get(row.id, 0)


def _rights(role) -> str:
    """What a role may do, from `scope` itself."""
    if role.name == TEAM:
        return "alles, op alle rijen"
    acts = scope.ACTS.get(role.name, {})
    lines = (
        f"{rights.NOUNS[model]}: {', '.join(sorted(rights.VERBS[name] for name in names))}."
        for model, names in acts.items()
    )
    return "\n".join(lines) or "nog niets"
