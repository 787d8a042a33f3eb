"""Stock Flask-Admin over our tables: plain Peewee models and its own ModelView, with the searches, filters and lookups that it
supports. `python -m bench.flask_admin_peer PORT DATABASE`. GET /in logs in."""

import sys

from flask import Flask, redirect
from flask_admin import Admin
from flask_admin.contrib.peewee import ModelView
from flask_babel import Babel
from flask_login import LoginManager, UserMixin, current_user, login_user
from peewee import CharField, DateField, DateTimeField, ForeignKeyField, IntegerField, Model, SqliteDatabase
from waitress import serve

PAGE = 25
database = SqliteDatabase(sys.argv[2], pragmas={"journal_mode": "wal", "busy_timeout": 10_000})


class Table(Model):
    class Meta:
        database = database
        legacy_table_names = False

    def __str__(self):
        return str(self.id)


class User(UserMixin, Table):
    email = CharField()

    def __str__(self):
        return self.email


class Role(Table):
    name = CharField()


class UserRole(Table):
    user = ForeignKeyField(User)
    role = ForeignKeyField(Role)


class Participant(Table):
    kavo_id = CharField()
    first_name = CharField()
    last_name = CharField()
    birth_date = DateField()
    email = CharField()

    def __str__(self):
        return f"{self.first_name} {self.last_name}"


class Association(Table):
    name = CharField()

    def __str__(self):
        return self.name


class Site(Table):
    name = CharField()
    municipality = CharField()
    state = CharField()

    def __str__(self):
        return self.name


class Trajectory(Table):
    participant = ForeignKeyField(Participant)
    association = ForeignKeyField(Association)
    type = CharField()
    state = CharField()

    def __str__(self):
        return str(self.participant)


class Placement(Table):
    trajectory = ForeignKeyField(Trajectory)
    site = ForeignKeyField(Site)
    hours = IntegerField()
    hours_done = IntegerField(null=True)
    state = CharField()
    result = CharField(null=True)
    starts_on = DateField(null=True)
    ends_on = DateField(null=True)
    coupled_by = ForeignKeyField(User)
    created_at = DateTimeField()


class View(ModelView):
    page_size = PAGE
    can_export = True
    named_filter_urls = True

    def is_accessible(self):
        return (
            current_user.is_authenticated
            and UserRole.select().join(Role).where(UserRole.user == current_user.id, Role.name == "team").exists()
        )


class PlacementView(View):
    """It can search one joined table only: sites, since participants are two joins away."""

    column_list = ("trajectory", "trajectory.type", "site", "hours", "state")
    column_searchable_list = (Site.name,)
    column_filters = ("state", Trajectory.type, Site.name)
    column_sortable_list = ("hours", "state", ("site", Site.name))
    form_ajax_refs = {
        "trajectory": {"fields": ("type",)},
        "site": {"fields": ("name",)},
        "coupled_by": {"fields": ("email",)},
    }


class ParticipantView(View):
    column_searchable_list = ("last_name", "first_name", "kavo_id")


class SiteView(View):
    column_searchable_list = ("name", "municipality")
    column_filters = ("state",)


class TrajectoryView(View):
    column_list = ("participant", "type", "association", "state")
    column_searchable_list = (Participant.last_name,)
    form_ajax_refs = {
        "participant": {"fields": ("last_name", "first_name", "kavo_id")},
        "association": {"fields": ("name",)},
    }


app = Flask("bench")
app.config["SECRET_KEY"] = "bench" * 10
Babel(app)
login = LoginManager(app)
login.user_loader(lambda pk: User.get_or_none(User.id == int(pk)))
admin = Admin(app, name="bench")
for model, view in (
    (Placement, PlacementView),
    (Participant, ParticipantView),
    (Site, SiteView),
    (Trajectory, TrajectoryView),
):
    admin.add_view(view(model))
app.before_request(lambda: database.connect(reuse_if_open=True) and None)
app.teardown_request(lambda error: None if database.is_closed() else database.close())


@app.get("/in")
def enter():
    login_user(User.get(User.email == "team@kavo.test"))
    return redirect("/admin/")


serve(app, host="127.0.0.1", port=int(sys.argv[1]), threads=8)
