"""Associations and their staff."""

from peewee import BooleanField, DateTimeField, Expression, ForeignKeyField

from database import BaseModel, Line, Named, readings
from tables.people import User


class Association(Named):
    name = Line(unique=True, max_length=200, verbose_name="Naam", required="Typ de naam van de vereniging.")
    email = Line(default="", max_length=254, verbose_name="E-mailadres")
    phone = Line(default="", max_length=30, verbose_name="Telefoonnummer")
    active = BooleanField(default=True, verbose_name="Geeft cursussen")

    conflict_texts = {"name": "Er is al een vereniging met de naam {row.name}."}

    readers = {"email": readings.email, "phone": readings.phone}

    def search_text(self) -> str:
        return f"{self.name} {readings.phone_digits(self.phone)}"

    def __str__(self) -> str:
        return self.name


class Membership(BaseModel):
    """A person who works for an association; one person may work for several."""

    user = ForeignKeyField(User, backref="memberships", on_delete="RESTRICT")
    user_id: int
    association = ForeignKeyField(Association, backref="memberships", on_delete="RESTRICT")
    association_id: int
    since = DateTimeField()
    until = DateTimeField(null=True)

    @classmethod
    def current(cls) -> Expression:
        """The condition for those who work for an association now."""
        return cls.until.is_null()


Membership.add_index(
    Membership.user,
    Membership.association,
    unique=True,
    where=Membership.current(),
    name="membership_one_current",
)
