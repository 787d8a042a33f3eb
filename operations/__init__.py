"""Running the product: backups, checks, logs, monitoring, the web server, the move to PostgreSQL."""
