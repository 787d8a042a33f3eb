"""Our layer on Flask-Admin: lists, forms, actions and exports that every screen shares. The screens are in `admin_views`."""
