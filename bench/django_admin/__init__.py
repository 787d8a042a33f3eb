"""Django's own admin over our tables, as its documentation advises: unmanaged models, `list_select_related`, `search_fields`,
`list_filter`, `autocomplete_fields`."""
