"""The view of a table: its list (see `lists`), the menu of a row, details, form and actions, all through `scope`.

It replaces the parts of Flask-Admin's Peewee view that leak or break (docs/workarounds.md). Besides what `lists` reads, these
keep working: column_details_list, form_columns, form_args, form_ajax_refs, form_extra_fields, and can_create, _edit, _delete."""

from dataclasses import dataclass
from itertools import chain, repeat

from flask import abort, flash, jsonify, redirect, request, url_for
from flask_admin import expose

import audit
import dutch
import scope
from admin_kit.access import came_from
from admin_kit.actions import MOST_IDS, Action, Outcome, chosen_ids, row_url, too_many
from admin_kit.cells import Button, as_cell, facts, links, outcome
from admin_kit.fields import Converter, RelatedLookup, suggest
from admin_kit.lists import ListView
from database import BaseModel, Conflict, RuleError, Versioned, whole_number
from database.texts import tidy
from forms import KavoForm, refusing, room
from identity import second_step
from models import History
from times import utcnow
from workflow import rows

HISTORY_SHOWN = 50


@dataclass(frozen=True)
class Screen:
    """Where the list of a table stands in the menu, for a view that `admin_views` finds by itself."""

    model: type[BaseModel]
    name: str
    url: str
    category: str = "Beheer"

    @property
    def endpoint(self) -> str:
        return self.model._meta.table_name


class AdminView(ListView):
    screen: Screen | None = None
    """its place in the menu; None: `admin_views.register` names it"""
    can_add_words = "Toevoegen"
    show_history = True
    reauthenticated_acts: tuple[str, ...] = ()
    """actions that require re-authentication when the log-in is not recent"""
    action_order: tuple[str, ...] = ()
    """the actions for several rows, the most likely first; others are not offered"""

    can_delete = False
    form_base_class = KavoForm
    form_groups: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """(legend, fields) of the groups in the form"""
    model_form_converter = Converter
    # workaround: inline-handlers
    # As for the list: see `ListView.list_template`.
    create_template = "admin/form.html"
    edit_template = "admin/form.html"
    details_template = "admin/details.html"

    # ---- access

    def init_actions(self):
        """Flask-Admin finds the methods; its own action 'delete' is none of ours."""
        super().init_actions()
        self.actions: dict[str, Action] = {
            name: method.action for name, (method, *_) in self._actions_data.items() if hasattr(method, "action")
        }

    def is_action_allowed(self, name):
        return name != "delete" and scope.allows(self.by, name, self.model)

    def allowed(self, act: str, flag: bool) -> bool:
        """Whether the view has this page and the user this right."""
        return bool(flag) and scope.allows(self.by, act, self.model)

    # workaround: rows-past-the-query
    # Flask-Admin 2.2.1 limits the list alone to `get_query`: details, forms, deleting and actions reach every row.
    def get_query(self):
        return self.model.select().where(scope.own(self.by, self.model))

    def get_one(self, id, act="view"):
        """The row with this id and its related rows, if the user may perform this act; 404 otherwise."""
        row = scope.find(self.by, self.model, id, act)
        if row is None:
            abort(404)
        full = self.joins.rows().where(self.model._meta.primary_key == row.pk).first()
        self.enrich([full], self.column_details_list or self.list_names)
        return full

    # ---- buttons

    def list_buttons(self):
        if not self.allowed("add", self.can_create):
            return []
        return [[Button(self.can_add_words, url_for(f"{self.endpoint}.create_view"), "btn-primary")]]

    def page_buttons(self, row) -> list[Button]:
        """The buttons on the page of a row."""
        return [*self.edit_buttons(row), *links(*self.page_links(row)), *self.act_buttons(row)]

    def edit_buttons(self, row) -> list[Button]:
        if not (self.allowed("edit", self.can_edit) and self.may_edit(row)):
            return []
        return links(("Gegevens wijzigen", url_for(f"{self.endpoint}.edit_view", id=row.pk)))

    def act_buttons(self, row) -> list[Button]:
        """The actions for this row; the first is the primary button."""
        kinds = chain(["btn-primary"], repeat("btn-secondary"))
        return [self.act_button(row, action, kind) for action, kind in zip(self.row_actions(row), kinds, strict=False)]

    def act_button(self, row, action: Action, kind: str) -> Button:
        """The button for an action on a row, of this kind unless it is dangerous."""
        return Button(action.label, kind="btn-danger" if action.danger else kind, value=f"{action.name}:{row.pk}")

    # ---- the menu of a row

    def row_links(self, row) -> list[tuple[str, str]]:
        """The links in a row's menu: (label, URL)."""
        links = []
        if self.can_view_details:
            links.append(("Gegevens bekijken", row_url(f"{self.endpoint}.details_view", row.pk)))
        if self.allowed("edit", self.can_edit) and self.may_edit(row):
            links.append(("Gegevens wijzigen", row_url(f"{self.endpoint}.edit_view", row.pk)))
        return links

    def likely_link(self, row) -> tuple[str, str] | None:
        """(label, URL) of what a person most likely does with a row now: a button beside its menu."""
        return None

    def page_links(self, row) -> list[tuple[str, str]]:
        """Links on the page of a row, beside its form: (label, URL)."""
        return []

    def may_edit(self, row) -> bool:
        """Whether the form applies to this row."""
        return True

    def row_actions(self, row) -> list[Action]:
        """The actions on the page of a row."""
        return [action for action in self._allowed_actions() if action.when(row)]

    def menu_actions(self, row) -> list[Action]:
        """The actions in the menu of a row."""
        return [action for action in self._allowed_actions() if action.in_menu and action.when(row)]

    @property
    def bulk_actions(self) -> list[Action]:
        """The actions for several rows, in the order of `action_order`."""
        offered = {action.name: action for action in self._allowed_actions() if action.many}
        return [offered[name] for name in self.action_order or offered if name in offered]

    def _allowed_actions(self) -> list[Action]:
        return [action for name, action in self.actions.items() if self.is_action_allowed(name)]

    # ---- one row

    @expose("/details/")
    def details_view(self):
        if not self.allowed("view", self.can_view_details):
            abort(404)
        row = self.get_one(request.args.get("id"))
        names = self.column_details_list or self.list_names
        return self.render(
            self.details_template,
            row=row,
            facts=facts(*((self.label(name), as_cell(self.cell(row, name)), "lines") for name in names)),
            buttons=self.page_buttons(row),
            history=self.history(row),
            **self.details_extra(row),
        )

    def details_extra(self, row) -> dict:
        """Additional values for the template of the details page."""
        return {}

    def history(self, row) -> list[tuple]:
        """(moment in UTC, sentence, whether the tool did it) of this row, newest first."""
        if not self.show_history:
            return []
        return audit.as_timeline(self.history_lines(row))

    def history_lines(self, row) -> list[History]:
        """The lines of history about this row that the current user may read, newest first."""
        return audit.about(row, HISTORY_SHOWN)

    @expose("/new/", methods=("GET", "POST"))
    def create_view(self):
        if not self.allowed("add", self.can_create):
            abort(404)
        form = self.create_form()
        if form.is_submitted() and form.validate():
            response = self.try_to_save(form, self.model(), created=True)
            if response:
                return response
        return self.render_form(self.create_template, form, None)

    @expose("/edit/", methods=("GET", "POST"))
    def edit_view(self):
        if not self.allowed("edit", self.can_edit):
            abort(404)
        row = self.get_one(request.args.get("id"), "edit")
        if not self.may_edit(row):
            flash(f"{row} kan niet meer wijzigen.", "warn")
            return redirect(self.get_save_return_url(row))
        form = self.edit_form(obj=row)
        theirs = []
        if form.is_submitted() and form.validate():
            try:
                response = self.try_to_save(form, row, created=False)
            except Conflict as error:
                form.refuse(error)
                row = self.get_one(row.pk)
                response, theirs = None, self.differences(form, row)
            if response:
                return response
        return self.render_form(self.edit_template, form, row, theirs=theirs)

    def render_form(self, template, form, row, **values):
        back = self.get_save_return_url(row)
        version = [("version", row.version)] if isinstance(row, Versioned) else []
        return self.render(
            template,
            form=form,
            row=row,
            title=f"{row} wijzigen" if row else self.can_add_words,
            heading=f"{self.kind.capitalize()} wijzigen" if row else self.can_add_words,
            kept=[*version, ("url", back)],
            may_delete=row and self.allowed("delete", self.can_delete),
            return_url=back,
            **values,
        )

    def try_to_save(self, form, row, created):
        """Save in one transaction. Returns a redirect, or None when a rule refused and the form says why. Raises Conflict."""
        if isinstance(row, Versioned) and not created:
            row.version = whole_number(request.form.get("version")) or row.version

        def act(now):
            self.save(form, row, created, now)
            return self.saved_text(row, created)

        if not form.carry_out(act, self.by, utcnow()):
            return None
        return redirect(self.get_save_return_url(row, is_created=created))

    def saved_text(self, row, created) -> str:
        return f"{row} is {'toegevoegd' if created else 'bewaard'}."

    def save(self, form, row, created, now):
        """Save the form. A view whose save has consequences calls its verb here."""
        before = (
            {field.name: getattr(row, field.name) for field in form if field.name in self.model._meta.fields}
            if not created
            else {}
        )
        self.fill(row, form)
        self.on_model_change(form, row, created)
        if created:
            rows.add(row, self.by, now, self.kind, also=lambda saved: self.save_rest(form, saved, now))
        else:
            rows.change(row, before, self.by, now, self.kind, also=lambda saved: self.save_rest(form, saved, now))

    def fill(self, row, form):
        """Copy the form's stored columns to the row; fields that a view adds are for `save_rest`."""
        for field in form:
            if field.name in self.model._meta.fields and field.data != row.__data__.get(field.name):
                field.populate_obj(row, field.name)

    def save_rest(self, form, row, now) -> str:
        """Save, in the same transaction, the form's additional fields; returns what changed, in words."""
        return ""

    def differences(self, form, row) -> list[tuple[str, str, str]]:
        """After a conflict: (label, typed value, present value) of each field that differs."""
        stored = self._edit_form_class(formdata=None, obj=row)
        pairs = [
            (field, stored[field.name])
            for field in form
            if field.name in stored and field.type not in ("HiddenField", "CSRFTokenField")
        ]
        return [(typed.label.text, _typed(typed), _typed(now)) for typed, now in pairs if _typed(typed) != _typed(now)]

    def get_save_return_url(self, model=None, is_created=False):
        return came_from() or url_for(f"{self.endpoint}.index_view")

    # workaround: deletes-what-refers
    # Flask-Admin 2.2.1 deletes the rows that refer to a row along with it.
    @expose("/delete/", methods=("POST",))
    def delete_view(self):
        if not self.allowed("delete", self.can_delete):
            abort(404)
        row = self.get_one(request.form.get("id"), "delete")
        try:
            rows.delete(row, self.by, utcnow(), self.kind)
        except RuleError as error:
            flash(str(error), "warn")
        else:
            flash(f"{row} is verwijderd.", "good")
        return redirect(url_for(f"{self.endpoint}.index_view"))

    # ---- actions

    @expose("/action/", methods=("POST",))
    @room(fields=MOST_IDS)
    def action_view(self):
        name = request.form.get("one", "").partition(":")[0] or request.form.get("action", "")
        ids = chosen_ids()
        if name not in self.actions or not self.is_action_allowed(name):
            abort(404)
        if name in self.reauthenticated_acts and not second_step.is_fresh():
            return second_step.reauthenticate()
        action, (method, *_) = self.actions[name], self._actions_data[name]
        back = came_from() or url_for(f"{self.endpoint}.index_view")
        if too_many(ids, action.most):
            return redirect(back)
        if not ids:
            flash("Vink eerst minstens één rij aan.", "warn")
            return redirect(back)
        chosen = [row for row in (scope.find(self.by, self.model, pk, name) for pk in ids) if row is not None]
        if not chosen:
            abort(404)
        form = action.ask()
        if form is not None and not ("sure" in request.form and form.validate_on_submit()):
            if "sure" not in request.form:
                form = type(form)(formdata=None)
            return self.render(
                "admin/action.html",
                rows=chosen,
                form=form,
                action=action,
                back=back,
            )
        response = method([row.pk for row in chosen], *([form] if action.form else []))
        return response or redirect(back)

    def apply(self, verb, ids, done: str, **values):
        """Call `verb(row, by, now, **values)` for each row that the user may act on, each in its own transaction, and report the
        outcomes.

        `done` ends the sentence 'Speelplein De Zandbak is …'. One row: a message; several with a refusal: a page with a
        line per row, including chosen rows that are not in `ids` because they do not exist for this user."""
        outcomes, now = [], utcnow()
        for pk in ids:
            row = scope.find(self.by, self.model, pk)
            if row is None:
                outcomes.append(Outcome(str(pk), False, "niet gevonden"))
                continue
            try:
                verb(row, self.by, now, **values)
                outcomes.append(Outcome(str(row), True, done))
            except scope.NotYours:
                outcomes.append(Outcome(str(row), False, "niet gevonden"))
            except RuleError as error:
                outcomes.append(Outcome(str(row), False, str(error)))
        outcomes += [Outcome("", False, "niet gevonden")] * (len(chosen_ids()) - len(ids))
        if len(outcomes) == 1:
            only = outcomes[0]
            flash(f"{only.name} is {only.text}." if only.done else only.text, "good" if only.done else "warn")
            return None
        if all(row.done for row in outcomes):
            flash(f"{dutch.counted(len(outcomes), self.kind, self.kinds)} {done}.", "good")
            return None
        for row in outcomes:
            if not row.done:
                refusing.note(row.text)
        return self.render(
            "admin/result.html",
            outcomes=[(row.name or "Onbekende rij", outcome(row.done, row.text)) for row in outcomes],
            done=sum(row.done for row in outcomes),
            back=came_from() or url_for(f"{self.endpoint}.index_view"),
        )

    # ---- lookups

    @expose("/ajax/lookup/")
    def ajax_lookup(self):
        """Suggestions for a related row while typing: at most ten, only rows that the user may act on."""
        if not (self.allowed("add", self.can_create) or self.allowed("edit", self.can_edit)):
            abort(404)
        field = getattr(self._create_form_class, request.args.get("name", ""), None)
        if getattr(field, "field_class", None) is not RelatedLookup:
            abort(404)
        return jsonify(suggest(field, tidy(request.args.get("query", ""))[:100]))

    @expose("/ajax/update/", methods=("POST",))
    def ajax_update(self):
        abort(404)


def _typed(field) -> str:
    """The present value of a field, in words."""
    if hasattr(field, "choices") and not isinstance(field.data, list):
        return {str(value): label for value, label, *_ in field.choices}.get(str(field.data), "")
    return dutch.shown(field.data)
