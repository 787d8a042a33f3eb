"""The list of a table and its export, declared as in Flask-Admin, with all rows read through `scope`.

It reads column_list, column_labels, column_searchable_list, column_filters, column_sortable_list, column_default_sort,
column_formatters, column_formatters_export, column_export_list, column_descriptions, can_export and page_size; our additions
come first in the class."""

from collections.abc import Callable

from flask import Response, abort, request, stream_with_context, url_for
from flask_admin import expose
from flask_admin.contrib.peewee import ModelView
from peewee import BooleanField, CharField, DateField, DateTimeField, IntegerField, Model, TextField

import audit
import scope
from admin_kit import cells, exports
from admin_kit.access import ForRoles
from admin_kit.filters import make_filter
from admin_kit.joins import Joins
from admin_kit.list_page import ListPage
from admin_kit.list_screen import ListScreen
from database import is_phone, normalise, readings
from models import SavedView, Statuses
from times import local_date, utcnow
from workflow import saved_views

BY_FAMILY_NAME = "volgens familienaam van A tot Z", "volgens familienaam van Z tot A"
BY_NAME, BY_AGE, BY_SIZE, BY_TRUTH = (
    ("van A tot Z", "van Z tot A"),
    ("van oud naar nieuw", "van nieuw naar oud"),
    ("van laag naar hoog", "van hoog naar laag"),
    ("eerst nee, dan ja", "eerst ja, dan nee"),
)
"""an ascending and a descending order, in words"""


def in_this_order(words) -> tuple[str, str]:
    """The words for an order by groups, ascending and descending; `words`: the names of the groups in ascending order."""
    words = list(dict.fromkeys(word.lower() for word in words))
    return f"({', '.join(words)})", f"({', '.join(words[::-1])})"


# workaround: columns-by-path
# Flask-Admin 2.2.1 reads no dotted column ("site.name") to search, sort or filter a view of Peewee by.
class ListView(ForRoles, ModelView):
    kind: str = "rij"
    """one row in words, as history and messages name it"""
    kinds: str = "rijen"
    """several rows in words"""
    public_columns: tuple[str, ...] | None = None
    """the columns shown of rows that the user may find but not act on (scope.listed); None: such rows are not shown"""
    column_optional: tuple[str, ...] = ()
    """further columns that the user may choose to show"""
    column_related: tuple[str, ...] = ()
    """dotted relations fetched with the rows, besides those that columns name"""
    column_order_rest: tuple[str, ...] | None = None
    """stored columns that order rows within the chosen column (None: `search`, when the table has it)"""
    column_tabs: str | None = None
    """a column with choices that gets tabs with counts above the list"""
    tab_words: dict[str, tuple[str, list]] | None = None
    """tabs that bundle values of that column: name → (label, values)"""
    column_statuses: dict[str, Statuses] = {}
    """column → the statuses that its cells, tabs and exports show, the same as `row.status(today)`"""
    column_order_words: dict[str, tuple[str, str]] = {}
    """sort → its ascending and descending order in words, where the type of the column does not tell"""
    column_copies: dict[str, str] = {}
    """(dotted) column → the column of this table with the same content, used to filter"""
    column_spread: dict[str, tuple[str, ...]] = {}
    """shown column → the stored columns that replace it in an export"""
    column_computed: dict[str, tuple[tuple[str, ...], Callable]] = {}
    """column computed in an export → (stored columns, function of their values); faster than a formatter of rows"""
    empty_text: str = "Hier staat nog niets."
    """the text of an empty list: what belongs here and the next step"""
    search_words = "Zoek"
    """the label of the search field: what the search covers"""

    can_view_details = True
    column_formatters_export: dict[str, Callable] = {}  # empty, or Flask-Admin would use the formatters of the screen
    can_export = True
    page_size = 25
    # workaround: inline-handlers
    # Flask-Admin 2.2.1 has scripts in attributes (`onclick`). A strict content policy blocks them, and it deletes without asking.
    list_template = "admin/list.html"

    # ---- declarations, read once

    def _refresh_cache(self):
        self.joins = Joins(self.model)
        super()._refresh_cache()
        self.list_names = [name for name, _ in self._list_columns]
        self.joins.reach(*self.column_related)
        for name in [*self.list_names, *self.column_optional]:
            self.joins.field(name)
            if hasattr(self.joins.plain(name), "rel_model"):
                self.joins.reach(name)
        self.list_filters = [
            make_filter(entry, self.joins, self.label(entry) if isinstance(entry, str) else "", self.column_copies)
            for entry in self.column_filters or ()
        ]
        self.search_names = [name if isinstance(name, str) else name.name for name in self.column_searchable_list or ()]
        self.sort_keys = self._sortable()
        default = self.column_default_sort or self.model._meta.primary_key.name
        self.default_sort = default if isinstance(default, tuple) else (default, False)
        if self.default_sort[0] not in self.sort_keys:
            self.sort_keys[self.default_sort[0]] = self._keys((self.default_sort[0],))

    def _sortable(self) -> dict[str, list]:
        """Column name → the keys of its order."""
        entries = self.column_sortable_list
        if entries is None:
            names = [*self.list_names, *self.column_optional]
            entries = [name for name in names if self.joins.plain(name) is not None]
        pairs = [entry if isinstance(entry, tuple) else (entry, entry) for entry in entries]
        return {name: self._keys((order,) if isinstance(order, str) else order) for name, order in pairs}

    def _keys(self, names) -> list:
        """The keys of an order: the given columns (or ready keys), the rest shared by every order, and the id."""
        rest = self.column_order_rest
        if rest is None:
            rest = ("search",) if "search" in self.model._meta.fields else ()
        names = [*names, *(name for name in rest if name not in names), self.model._meta.primary_key.name]
        return [self.joins.key(name) if isinstance(name, str) else name for name in dict.fromkeys(names)]

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
        """The Dutch word for a column: `column_labels`, else the field's own. Raises LookupError when it has none."""
        if name in (self.column_labels or {}):
            return self.column_labels[name]
        plain = self.joins.plain(name)
        if plain is None or not plain.verbose_name:
            raise LookupError(
                f"{name} of {self.name} has no Dutch word: give it a verbose_name, or one in column_labels"
            )
        return plain.verbose_name

    def get_column_name(self, field):
        return self.label(field)

    def order_words(self, name: str, down: bool) -> str:
        """The order of the list by this sort, in words; `down`: descending."""
        if name in self.column_order_words:
            return self.column_order_words[name][down]
        first = self.joins.plain(self.sort_keys[name][0].name)
        if first is None or first.choices:
            return BY_NAME[down]
        kinds = ((DateField | DateTimeField, BY_AGE), (BooleanField, BY_TRUTH), (IntegerField, BY_SIZE))
        return next((words for kind, words in kinds if isinstance(first, kind)), BY_NAME)[down]

    @property
    def tab_statuses(self) -> Statuses | None:
        """The statuses behind the tabs; None when the tabs are not statuses."""
        return self.column_statuses.get(self.column_tabs or "")

    @property
    def tab_choices(self):
        tabs = self.tab_statuses.tabs() if self.tab_statuses else self.tab_words
        if tabs:
            return [(name, label) for name, (label, _) in tabs.items()]
        return list(self.joins.plain(self.column_tabs).choices or ()) if self.column_tabs else []

    def tab_parts(self, name) -> list:
        """The values of `tab_key` that a tab holds."""
        tabs = self.tab_statuses.tabs() if self.tab_statuses else self.tab_words
        return tabs[name][1] if tabs else [name]

    def tab_key(self):
        """The expression that tells which tab a row belongs to."""
        if self.tab_statuses:
            return self.tab_statuses.column(self.model, self.today)
        return self.joins.field(self.column_tabs or "")

    def narrow_to_tab(self, query, name):
        if self.tab_statuses:
            return query.where(self.tab_statuses.where(self.model, self.today, *self.tab_parts(name)))
        return query.where(self.tab_key().in_(self.tab_parts(name)))

    @property
    def today(self):
        return local_date(utcnow())

    def filter_names(self, reach: Callable) -> set[str]:
        """The first parts of the names of the columns that may filter this list: never a column hidden from this user."""
        names = {item.name.split(".")[0] for item in self.list_filters}
        return names & set(self.public_columns or ()) if reach is scope.listed else names

    # ---- the list

    def enrich(self, rows, names):
        """Fetch, in one query each, what these columns need besides the rows and their related rows."""

    def row_posts(self, rows) -> dict[int, list[tuple[str, str]]]:
        """The buttons in the menus of these rows that are sent to a page of their own: id → (label, URL) of each."""
        return {}

    def listing(self, where=(), path=None, keep=(), columns=None) -> ListPage:
        """The list that the current URL requests."""
        reach = self.reach()
        names = columns or (self.public_columns if reach is scope.listed else None)
        return ListPage.of(self, self.by, request.args, path or request.path, where, reach, names, keep)

    def reach(self):
        """The rows that the list holds: scope.own or scope.listed."""
        return scope.own

    def acting(self):
        """The condition that selects, among the rows that the user may find, those that they may act on."""
        return scope.own(self.by, self.model)

    @expose("/")
    def index_view(self):
        screen = ListScreen(self.listing(), self.search_words, self.export_url)
        return self.render(self.list_template, screen=screen, groups=self.list_buttons(), **self.list_extra())

    def list_buttons(self) -> list[list[cells.Button]]:
        """The buttons beside the heading of the list, in groups."""
        return []

    def list_extra(self) -> dict:
        """Further values for the template of the list."""
        return {}

    def saved_views(self) -> list[SavedView]:
        """The views of this list that the user saved, or that are shared with one of their roles."""
        return saved_views.of(self.by, self.endpoint)

    def may_share(self) -> str | None:
        """The role with which the user may share a view; None: with nobody."""
        return saved_views.shares_with(self.by)

    def cell(self, row, name):
        """What one cell shows: a formatter's text, the words of a choice, a Belgian date."""
        formatter = (self.column_formatters or {}).get(name)
        if formatter:
            return formatter(self, None, row, name)
        return cells.of_status(self.status_of(row)) if name in self.column_statuses else self.plain_value(row, name)

    def status_of(self, row):
        """The status of a row today."""
        return row.status(self.today)

    def plain_value(self, row, name):
        """The value behind a (dotted) column, with a choice in words; dates and yes/no are left as they are."""
        value = row
        for part in name.split("."):
            value = getattr(value, part, None)
            value = value() if callable(value) else value
        plain = self.joins.plain(name)
        if plain is not None and plain.choices:
            return dict(plain.choices).get(value, value)
        if is_phone(plain):
            return readings.shown_phone(value)
        return str(value) if isinstance(value, Model) else value

    # ---- export

    def export_url(self, listing, kind="csv", **more):
        return url_for(f"{self.endpoint}.export", export_type=kind, **listing.requested.query, **more)

    def formats(self) -> dict[str, type]:
        """Name in the URL → format, of those that the user may download."""
        return exports.formats(self.by.role_names)

    @expose("/export/<export_type>/")
    def export(self, export_type):
        return self.export_of(self.listing(), export_type)

    # workaround: export-in-memory
    # Flask-Admin 2.2.1 reads all rows into a list before it streams the first.
    def export_of(self, listing, kind):
        """A streamed file of a list's rows and columns, in a format of `formats`; recorded in the history."""
        if kind not in self.formats() or not self.allowed("export", self.can_export):
            abort(404)
        names = self._exported(listing)
        filtered = f" ({listing.words})" if listing.words else ""
        audit.record(
            self.by, "list.exported", None, at=utcnow(), name=self.name, rows=listing.count_words, filter=filtered
        )
        format = self.formats()[kind]()
        titles = [format.title(name, self.label(name)) for name in names]
        rows = self._export_rows(listing, names, format)
        pieces = exports.to_the_end(format.pieces(titles, rows), rows)
        file_name = f"{normalise(self.name).replace(' ', '-')}-{utcnow():%Y-%m-%d}.{format.extension}"
        headers = {"Content-Disposition": f'attachment; filename="{file_name}"', "X-Accel-Buffering": "no"}
        return Response(stream_with_context(pieces), mimetype=format.mimetype, headers=headers)

    def _exported(self, listing) -> list[str]:
        """The columns of an export: those on the screen, or with `alles` in the URL all that the user may see of these rows."""
        names = listing.requested.names
        if request.args.get("alles"):
            exportable = self.column_export_list if listing.query.reach is scope.own else None
            names = exportable or listing.requested.choosable
        return list(dict.fromkeys(part for name in names for part in self.column_spread.get(name, (name,))))

    def _export_rows(self, listing, names, format):
        """Chunks of rows of cells. When all columns are stored, or computed from stored ones, no model instances are built."""
        sources = [self._source(name, format.in_words) for name in names]
        stored = [source for source in sources if source]
        if len(stored) == len(names):
            return exports.from_columns(listing.query, stored, format)
        return (
            [[format.cell(self.export_value(row, name)) for name in names] for row in chunk]
            for chunk in listing.query.chunks()
        )

    def _source(self, name, in_words=True) -> exports.Source | None:
        """The stored columns behind this column of an export; None: it needs the row. Not `in_words`: a status as stored."""
        if name in self.column_statuses and in_words:
            statuses, today = self.column_statuses[name], self.today
            fields = [self.joins.plain(column) for column in statuses.columns]
            return exports.Source(statuses.columns, fields, lambda *values: str(statuses.of_values(values, today)))
        if name in self.column_computed:
            needs, function = self.column_computed[name]
            return exports.Source(needs, [self.joins.plain(column) for column in needs], function)
        plain = self.joins.plain(name)
        if plain is None or name in (self.column_formatters_export or {}):
            return None
        if hasattr(plain, "rel_model"):  # a related row is exported by its name
            return self._source(f"{name}.name") if "name" in plain.rel_model._meta.fields else None
        return exports.Source((name,), [plain], None)

    def export_value(self, row, name):
        formatter = (self.column_formatters_export or {}).get(name)
        if formatter:
            return formatter(self, None, row, name)
        return self.status_of(row).words if name in self.column_statuses else self.plain_value(row, name)
