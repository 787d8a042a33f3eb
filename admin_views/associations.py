"""Associations: a whole screen from declarations."""

from admin_kit.base import AdminView


class AssociationView(AdminView):
    kind, kinds = "vereniging", "verenigingen"
    column_list = ("name", "email", "phone", "active")
    search_words = "Zoek op naam"
    column_searchable_list = ("search",)
    column_filters = ("active",)
    column_sortable_list = (("name", "search"), "email", "phone", "active")
    column_default_sort = "name"
    form_columns = ("name", "email", "phone", "active")
    can_add_words = "Vereniging toevoegen"
    empty_text = "Er zijn nog geen verenigingen. Voeg de eerste toe; daarna kun je er trajecten aan koppelen."
