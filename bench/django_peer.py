"""Django's own admin over our tables, as its documentation advises: unmanaged models, `list_select_related`, `search_fields`,
`list_filter`, `autocomplete_fields`. `python -m bench.django_peer PORT DATABASE SIDE_DATABASE`; accounts and sessions live in the
side database. Logs in as bench / bench."""

import sys
from pathlib import Path

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application

PAGE = 25


class Router:
    """Our tables in `kavo`, Django's own in `default`."""

    def db_for_read(self, model, **hints):
        return "kavo" if model._meta.app_label == "bench" else "default"

    db_for_write = db_for_read

    def allow_relation(self, *rows, **hints):
        return True

    def allow_migrate(self, db, app_label, **hints):
        return db == "default" and app_label != "bench"


def configure(database: str, side: str):
    settings.configure(
        DEBUG=False,
        SECRET_KEY="bench" * 10,
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF="bench.django_peer",
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
        DATABASE_ROUTERS=["bench.django_peer.Router"],
        INSTALLED_APPS=[
            "django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions",
            "django.contrib.messages", "django.contrib.staticfiles", "bench",
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
        TEMPLATES=[{
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
            "OPTIONS": {"context_processors": [
                "django.template.context_processors.request", "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]},
        }],
    )  # fmt: skip
    django.setup()


def register():
    from django.contrib import admin
    from django.db import models

    def table(named, /, **fields):
        meta = type("Meta", (), {"managed": False, "db_table": named, "app_label": "bench"})
        words = fields.pop("words")
        return type(
            named.capitalize(), (models.Model,), {"Meta": meta, "__module__": __name__, "__str__": words, **fields}
        )

    def link(model):
        return models.ForeignKey(model, models.DO_NOTHING)

    text, number = models.CharField, models.IntegerField
    user = table("user", email=text(max_length=254), words=lambda self: self.email)
    participant = table(
        "participant", kavo_id=text(max_length=9), first_name=text(max_length=100), last_name=text(max_length=100),
        birth_date=models.DateField(), email=text(max_length=254), words=lambda self: f"{self.first_name} {self.last_name}",
    )  # fmt: skip
    association = table("association", name=text(max_length=200), words=lambda self: self.name)
    site = table(
        "site", name=text(max_length=200), municipality=text(max_length=100), postcode=text(max_length=4),
        state=text(max_length=20), words=lambda self: self.name,
    )  # fmt: skip
    trajectory = table(
        "trajectory", participant=link(participant), association=link(association), type=text(max_length=20),
        course_started_on=models.DateField(), ends_on=models.DateField(), state=text(max_length=20), hours_used=number(),
        words=lambda self: str(self.participant),
    )  # fmt: skip
    placement = table(
        "placement", trajectory=link(trajectory), site=link(site), hours=number(), hours_done=number(null=True),
        state=text(max_length=20, choices=[(one, one) for one in ("open", "evaluated", "cancelled")]),
        result=text(max_length=20, null=True), starts_on=models.DateField(null=True), ends_on=models.DateField(null=True),
        coupled_by=link(user), created_at=models.DateTimeField(), words=lambda self: f"{self.trajectory} bij {self.site}",
    )  # fmt: skip

    class Plain(admin.ModelAdmin):
        list_per_page = PAGE

    @admin.register(placement)
    class PlacementAdmin(Plain):
        list_display = ("participant", "trajectory_type", "site", "hours", "state")
        list_select_related = ("trajectory__participant", "site")
        search_fields = (
            "trajectory__participant__last_name", "trajectory__participant__first_name", "trajectory__participant__kavo_id",
        )  # fmt: skip
        list_filter = ("state", "trajectory__type")
        autocomplete_fields = ("trajectory", "site", "coupled_by")

        @admin.display(ordering="trajectory__participant__last_name")
        def participant(self, row):
            return row.trajectory.participant

        @admin.display(ordering="trajectory__type")
        def trajectory_type(self, row):
            return row.trajectory.type

    @admin.register(participant)
    class ParticipantAdmin(Plain):
        list_display = ("__str__", "kavo_id", "birth_date", "email")
        search_fields = ("last_name", "first_name", "kavo_id")

    @admin.register(site)
    class SiteAdmin(Plain):
        list_display = ("name", "municipality", "state")
        search_fields = ("name", "municipality")
        list_filter = ("state",)

    @admin.register(trajectory)
    class TrajectoryAdmin(Plain):
        list_display = ("participant", "type", "association", "state")
        list_select_related = ("participant", "association")
        search_fields = ("participant__last_name", "participant__first_name", "participant__kavo_id")
        autocomplete_fields = ("participant",)

    @admin.register(user)
    class UserAdmin(Plain):
        search_fields = ("email",)

    return admin.site.urls


def main(port: int, database: str, side: str):
    configure(database, side)
    from django.contrib.auth import get_user_model
    from django.core.management import call_command
    from waitress import serve

    new = not Path(side).exists()
    call_command("migrate", verbosity=0)
    if new:
        get_user_model().objects.create_superuser("bench", "bench@kavo.test", "bench")
    serve(get_wsgi_application(), host="127.0.0.1", port=port, threads=8)


if settings.configured:
    from django.urls import path

    urlpatterns = [path("admin/", register())]

if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3])
