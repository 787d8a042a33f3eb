"""The view of a table: list, details, form, actions and export on Flask-Admin's declarations, all through `scope`.

It replaces the parts of Flask-Admin's Peewee view that leak or break (docs/decisions.md); the declarations keep working:
column_list, column_labels, column_searchable_list, column_filters, column_sortable_list, column_default_sort,
column_formatters, column_details_list, column_export_list, column_descriptions, form_columns, form_args, form_ajax_refs,
form_extra_fields, can_create, can_edit, can_export, can_view_details, can_delete, page_size, @action. Our own additions
stand first in the class."""

from flask import Response, abort, flash, jsonify, redirect, request, stream_with_context, url_for
from flask_admin import expose
from flask_admin.contrib.peewee import ModelView
from flask_admin.helpers import get_redirect_target
from peewee import CharField, Model, TextField

import audit
import dutch
import scope
from admin_views import exports
from admin_views.actions import Outcome
from admin_views.fields import Converter
from admin_views.filters import make_filter
from admin_views.joins import Joins
from admin_views.listing import Listing
from admin_views.roles import ForRoles
from database import Conflict, RuleError, Versioned, normalise, whole_number
from forms import KavoForm, clean
from models import History
from times import utcnow
from workflow import rows

HISTORY_SHOWN = 50
MOST_IDS = 1000


class AdminView(ForRoles, ModelView):
    kind: str = "rij"
    """one row in words, as history and messages name it"""
    kinds: str = "rijen"
    """several rows in words"""
    gender: str = "deze"
    """'deze' or 'dit' before `kind`"""
    public_columns: tuple[str, ...] | None = None
    """what one sees of rows that one may find but not act on (scope.listed); None: such rows are not shown"""
    column_related: tuple[str, ...] = ()
    """dotted relations that rows are fetched with, besides those that columns name"""
    column_tabs: str | None = None
    """a column with choices that gets tabs with counts above the list"""
    tab_words: dict[str, tuple[str, list[str]]] | None = None
    """tabs that bundle choices: name → (label, choices)"""
    empty_text: str = "Hier staat nog niets."
    """what an empty list says: what belongs here and the next step"""
    can_add_words: str = "Toevoegen"
    show_history = True
    search_words = "Zoek"
    """the label of the search field: by what one can search"""

    can_delete = False
    can_view_details = True
    can_export = True
    page_size = 25
    form_base_class = KavoForm
    model_form_converter = Converter
    list_template = "admin/list.html"
    create_template = "admin/form.html"
    edit_template = "admin/form.html"
    details_template = "admin/details.html"

    # ---- declarations, read once

    def _refresh_cache(self):
        self.joins = Joins(self.model)
        super()._refresh_cache()
        self.list_names = [name for name, _ in self._list_columns]
        self.joins.reach(*self.column_related)
        for name in self.list_names:
            self.joins.field(name)
            if hasattr(self.joins.plain(name), "rel_model"):
                self.joins.reach(name)
        self.list_filters = [
            make_filter(entry, self.joins, self.label(entry) if isinstance(entry, str) else "")
            for entry in self.column_filters or ()
        ]
        self.search_names = [name if isinstance(name, str) else name.name for name in self.column_searchable_list or ()]
        self.sort_fields = self._sortable()
        default = self.column_default_sort or self.model._meta.primary_key.name
        self.default_sort = default if isinstance(default, tuple) else (default, False)

    def _sortable(self) -> dict[str, tuple[str, ...]]:
        """Name of a shown column → the stored columns by which it is ordered."""
        entries = self.column_sortable_list
        if entries is None:
            entries = [name for name in self.list_names if self.joins.plain(name) is not None]
        pairs = [entry if isinstance(entry, tuple) else (entry, entry) for entry in entries]
        return {name: (order,) if isinstance(order, str) else tuple(order) for name, order in pairs}

    def get_sortable_columns(self):
        return {}

    def init_search(self):
        return bool(self.column_searchable_list)

    def get_filters(self):
        return None

    def _process_ajax_references(self):
        return {}

    def scaffold_list_columns(self):
        return [
            name
            for name, field in self._get_model_fields()
            if isinstance(field, CharField | TextField) and name != "search"
        ]

    def label(self, name: str) -> str:
        """The Dutch word for a column: `column_labels`, else the field's own."""
        if name in (self.column_labels or {}):
            return self.column_labels[name]
        plain = self.joins.plain(name)
        return (plain.verbose_name if plain is not None else None) or name.replace("_", " ").capitalize()

    def get_column_name(self, field):
        return self.label(field)

    def order_of(self, name: str, down: bool):
        """(stored column, descending) by which a shown column orders the list; ties after the first run upward."""
        first, *others = self.sort_fields.get(name, (name,))
        return [(first, down), *((other, False) for other in others)]

    @property
    def tab_choices(self):
        if self.tab_words:
            return [(name, label) for name, (label, _) in self.tab_words.items()]
        return list(self.joins.plain(self.column_tabs).choices) if self.column_tabs else []

    def tab_parts(self, name: str) -> list[str]:
        return self.tab_words[name][1] if self.tab_words else [name]

    def tab_key(self):
        return self.joins.field(self.column_tabs)

    def narrow_to_tab(self, query, name):
        return query.where(self.tab_key().in_(self.tab_parts(name)))

    def filter_names(self, listing) -> set[str]:
        """First parts of the columns by which this list may be filtered: never by one that is not shown to this person."""
        names = {one.name.split(".")[0] for one in self.list_filters}
        return names & set(self.public_columns or ()) if listing.reach is scope.listed else names

    # ---- who

    def is_action_allowed(self, name):
        return name != "delete" and scope.allows(self.by, name, self.model)

    def allowed(self, act: str, flag: bool) -> bool:
        """Whether the view has this page and the person this right."""
        return bool(flag) and scope.allows(self.by, act, self.model)

    def get_query(self):
        return self.model.select().where(scope.own(self.by, self.model))

    def get_one(self, id):
        """The own row with this id, with its related rows; 404 otherwise."""
        row = scope.find(self.by, self.model, id)
        if row is None:
            abort(404)
        full = self.joins.rows().where(self.model._meta.primary_key == row.pk).first()
        self.enrich([full])
        return full

    # ---- list

    def enrich(self, rows):
        """Fetch, in one query each, what the columns of these rows need besides their own and related rows."""

    def listing(self, where=(), path=None, keep=(), columns=None) -> Listing:
        """The list that the present URL asks for."""
        reach = self.reach()
        names = columns or (self.public_columns if reach is scope.listed else None)
        return Listing(self, self.by, request.args, path or request.path, where, reach, names, keep)

    def reach(self):
        """scope.own or scope.listed: which rows the list holds."""
        return scope.own

    @expose("/")
    def index_view(self):
        return self.render(self.list_template, listing=self.listing(), export_url=self.export_url)

    def export_url(self, listing):
        return url_for(f"{self.endpoint}.export", export_type="csv", **listing.query)

    def cell(self, row, name, template=True):
        """What one cell shows: a formatter's text, the words of a choice, a Belgian date."""
        formatter = (self.column_formatters or {}).get(name)
        if formatter:
            return formatter(self, None, row, name)
        return self.plain_value(row, name)

    def plain_value(self, row, name):
        """The value behind a (dotted) column, with a choice in words; dates and yes/no are left as they are."""
        value = row
        for part in name.split("."):
            value = getattr(value, part, None)
            value = value() if callable(value) else value
        plain = self.joins.plain(name)
        if plain is not None and plain.choices:
            return dict(plain.choices).get(value, value)
        return str(value) if isinstance(value, Model) else value

    def row_links(self, row) -> list[tuple[str, str]]:
        """The links in a row's menu: (label, URL)."""
        links = []
        if self.can_view_details:
            links.append(("Gegevens bekijken", url_for(f"{self.endpoint}.details_view", id=row.pk)))
        if self.allowed("edit", self.can_edit) and self.may_edit(row):
            links.append(("Gegevens wijzigen", url_for(f"{self.endpoint}.edit_view", id=row.pk, url=self.here())))
        return links

    def may_edit(self, row) -> bool:
        """Whether the form makes sense for this row."""
        return True

    def here(self) -> str:
        """The list as it is now, to come back to; empty on another page than the list."""
        return request.full_path.rstrip("?") if request.endpoint == f"{self.endpoint}.index_view" else ""

    def row_actions(self, row) -> list[tuple[str, str, bool]]:
        """The actions in a row's menu: (label, name, dangerous)."""
        return [
            (str(text), name, getattr(self._actions_data[name][0], "danger", False))
            for name, text in self._actions
            if self.is_action_allowed(name) and self._fits(name, row)
        ]

    def _fits(self, name, row):
        when = getattr(self._actions_data[name][0], "when", None)
        return when is None or when(row)

    @property
    def bulk_actions(self) -> list[tuple[str, str]]:
        return [(name, str(text)) for name, text in self._actions if self.is_action_allowed(name)]

    # ---- one row

    @expose("/details/")
    def details_view(self):
        if not self.allowed("view", self.can_view_details):
            abort(404)
        row = self.get_one(request.args.get("id"))
        names = self.column_details_list or self.list_names
        return self.render(
            self.details_template, row=row, names=names, history=self.history(row), **self.details_extra(row)
        )

    def details_extra(self, row) -> dict:
        """Further values for the template of the details page."""
        return {}

    def history(self, row) -> list[tuple]:
        """(moment in UTC, sentence, done by the tool itself) of this row, newest first."""
        if not self.show_history:
            return []
        return audit.told(self.history_lines(row))

    def history_lines(self, row) -> list[History]:
        """The lines of history about this row that the person at the screen may read, newest first."""
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
        row = self.get_one(request.args.get("id"))
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
        return self.render(template, form=form, row=row, return_url=self.get_save_return_url(row), **values)

    def try_to_save(self, form, row, created):
        """Save in one transaction; a redirect when done, None when a rule refused (the form then says why)."""
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
        """Write what the form holds. A view whose save has consequences calls its verb here."""
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
        """Put what the form holds for stored columns in the row; what a view adds to the form is for `save_rest`."""
        for field in form:
            if field.name in self.model._meta.fields:
                field.populate_obj(row, field.name)

    def save_rest(self, form, row, now) -> str:
        """Save, in the same transaction, what the form holds besides the row; returns what changed, in words."""
        return ""

    def differences(self, form, row) -> list[tuple[str, str, str]]:
        """After two people edited: (label, what you typed, what stands there now) of each field that differs."""
        stored = self._edit_form_class(formdata=None, obj=row)
        pairs = [
            (field, stored[field.name])
            for field in form
            if field.name in stored and field.type not in ("HiddenField", "CSRFTokenField")
        ]
        return [(mine.label.text, _typed(mine), _typed(now)) for mine, now in pairs if _typed(mine) != _typed(now)]

    def get_save_return_url(self, model=None, is_created=False):
        return get_redirect_target() or url_for(f"{self.endpoint}.index_view")

    @expose("/delete/", methods=("POST",))
    def delete_view(self):
        if not self.allowed("delete", self.can_delete):
            abort(404)
        row = self.get_one(request.form.get("id"))
        try:
            rows.delete(row, self.by, utcnow(), self.kind)
        except RuleError as error:
            flash(str(error), "warn")
        else:
            flash(f"{row} is verwijderd.", "good")
        return redirect(url_for(f"{self.endpoint}.index_view"))

    # ---- actions

    @expose("/action/", methods=("POST",))
    def action_view(self):
        name, _, single = request.form.get("one", "").partition(":")
        name = name or request.form.get("action", "")
        ids = [single] if single else request.form.getlist("rowid")[:MOST_IDS]
        if name not in self._actions_data or not self.is_action_allowed(name):
            abort(404)
        method, text, confirmation = self._actions_data[name]
        back = get_redirect_target() or url_for(f"{self.endpoint}.index_view")
        if not ids:
            flash("Vink eerst aan voor welke rijen je dit wilt doen.", "warn")
            return redirect(back)
        found = [row for row in (scope.find(self.by, self.model, pk) for pk in ids) if row is not None]
        if not found:
            abort(404)
        form = (getattr(method, "form", None) or KavoForm)() if confirmation or getattr(method, "form", None) else None
        if form is not None and not ("sure" in request.form and form.validate_on_submit()):
            if "sure" not in request.form:
                form = type(form)(formdata=None)
            return self.render("admin/action.html", rows=found, form=form, name=name, text=text, question=confirmation, back=back,
                               danger=getattr(method, "danger", False))  # fmt: skip
        self._missing = len(ids) - len(found)
        response = method([row.pk for row in found], *([form] if getattr(method, "form", None) else []))
        return response or redirect(back)

    def apply(self, verb, ids, done: str, **values):
        """Call `verb(row, by, now, **values)` for each own row, each in its own transaction; tell what became of them.

        `done` ends the sentence 'Speelplein De Zandbak is …'. One row: a message; several with a refusal: a page with a
        line per row."""
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
        outcomes += [Outcome("", False, "niet gevonden")] * getattr(self, "_missing", 0)
        if len(outcomes) == 1:
            one = outcomes[0]
            flash(f"{one.name} is {one.text}." if one.done else one.text, "good" if one.done else "warn")
            return None
        if all(one.done for one in outcomes):
            flash(f"{dutch.counted(len(outcomes), self.kind, self.kinds)} {done}.", "good")
            return None
        return self.render(
            "admin/result.html", outcomes=outcomes, back=get_redirect_target() or url_for(f"{self.endpoint}.index_view")
        )

    # ---- export, lookups

    @expose("/export/<export_type>/")
    def export(self, export_type):
        if export_type != "csv" or not self.allowed("export", self.can_export):
            abort(404)
        return self.export_of(self.listing())

    def export_of(self, listing):
        """The rows and columns of a list, streamed as CSV; noted in the history."""
        names = list(self.column_export_list or listing.names)
        filtered = f" ({listing.words})" if listing.words else ""
        audit.record(
            self.by, "list.exported", None, at=utcnow(), name=self.name, rows=listing.count_words, filter=filtered
        )
        rows = ([[self.export_value(row, name) for name in names] for row in chunk] for chunk in listing.chunks())
        text = exports.lines([self.label(name) for name in names], rows)
        file_name = f"{normalise(self.name).replace(' ', '-')}-{utcnow():%Y-%m-%d}.csv"
        headers = {"Content-Disposition": f'attachment; filename="{file_name}"'}
        return Response(stream_with_context(text), mimetype="text/csv", headers=headers)

    def export_value(self, row, name):
        formatter = (self.column_formatters_export or {}).get(name)
        return formatter(self, None, row, name) if formatter else self.plain_value(row, name)

    @expose("/ajax/lookup/")
    def ajax_lookup(self):
        """Suggestions for a related row, as one types: at most ten, own rows only."""
        if not (self.allowed("add", self.can_create) or self.allowed("edit", self.can_edit)):
            abort(404)
        field = self.create_form()._fields.get(request.args.get("name", ""))
        if not hasattr(field, "suggestions"):
            abort(404)
        return jsonify(field.suggestions(normalise(clean(request.args.get("query", "")))[:100]))

    @expose("/ajax/update/", methods=("POST",))
    def ajax_update(self):
        abort(404)


def _typed(field) -> str:
    """What a field now holds, as somebody reads it."""
    if hasattr(field, "choices") and not isinstance(field.data, list):
        return {str(value): label for value, label, *_ in field.choices}.get(str(field.data), "")
    return dutch.shown(field.data)
