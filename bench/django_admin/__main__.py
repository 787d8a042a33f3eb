"""Starts Django's admin: `python -m bench.django_admin PORT DATABASE SIDE_DATABASE`; accounts and sessions live in the side
database. Logs in as bench / bench."""

import sys

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application


class Router:
    """Our tables in `kavo`, Django's own in `default`."""

    def db_for_read(self, model, **hints):
        return "kavo" if model._meta.app_label == "django_admin" else "default"

    db_for_write = db_for_read

    def allow_relation(self, *rows, **hints):
        return True

    def allow_migrate(self, db, app_label, **hints):
        return db == "default" and app_label != "django_admin"


def configure(database: str, side: str):
    settings.configure(
        DEBUG=False,
        SECRET_KEY="bench" * 10,
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF="bench.django_admin.urls",
        USE_TZ=False,
        LANGUAGE_CODE="nl",
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        STATIC_URL="/static/",
        DATABASES={
            "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": side},
            "kavo": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": database,
                "OPTIONS": {"init_command": "PRAGMA journal_mode=wal; PRAGMA busy_timeout=10000;"},
                "CONN_MAX_AGE": None,
            },
        },
        DATABASE_ROUTERS=["bench.django_admin.__main__.Router"],
        INSTALLED_APPS=[
            "django.contrib.admin",
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "django.contrib.messages",
            "django.contrib.staticfiles",
            "bench.django_admin",
        ],
        MIDDLEWARE=[
            "django.middleware.security.SecurityMiddleware",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
            "django.middleware.clickjacking.XFrameOptionsMiddleware",
        ],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.contrib.auth.context_processors.auth",
                        "django.contrib.messages.context_processors.messages",
                    ]
                },
            }
        ],
    )
    django.setup()


def main(port: int, database: str, side: str):
    configure(database, side)
    from django.contrib.auth import get_user_model
    from django.core.management import call_command
    from waitress import serve

    call_command("migrate", verbosity=0)
    users = get_user_model().objects
    if not users.exists():
        users.create_superuser("bench", "bench@kavo.test", "bench")
    serve(get_wsgi_application(), host="127.0.0.1", port=port, threads=8)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3])
