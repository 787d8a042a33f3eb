"""The fields of a site, the same for an applicant, a manager and the team, and those of a person who registers."""

from datetime import date
from functools import cache

from wtforms import BooleanField, PasswordField, StringField, ValidationError
from wtforms.validators import EqualTo, StopValidation

import config
import login
import readings
from database import RuleError
from forms import CheckList, ChoiceField, DayField, EmailField, KavoForm, Length, PhoneField, required
from models import PERIODS, RECOGNITIONS, TYPES, Site
from people import User, of_age
from times import local_date, utcnow
from workflow.sites import Periods, check_periods

HOLIDAYS = [(key, label) for key, label in PERIODS.items() if key != "own"]
RECOGNISED = (
    "Een jeugdwerkinitiatief is erkend als de Vlaamse overheid, een gemeente of de Vlaamse Gemeenschapscommissie (VGC) het "
    "erkent. Ook een speelplein of een jeugddienst van de gemeente zelf telt mee, en een lokale afdeling van een erkende "
    "vereniging."
)


@cache
def _places() -> dict[str, list[str]]:
    """Postcode → the names of its places, in Dutch."""
    found: dict[str, list[str]] = {}
    for line in (config.PROJECT / "data" / "postcodes.csv").read_text(encoding="utf-8").splitlines()[1:]:
        postcode, name = line.split(";")
        found.setdefault(postcode, []).append(name)
    return found


def places(postcode: str | None) -> list[str]:
    """The names that go with a postcode; none when it is unknown, which is never a reason to refuse."""
    return _places().get(postcode or "", [])


class PeriodList(CheckList):
    """The holidays, 'Tijdens het jaar', and the own periods that the site has already."""

    def __init__(self, label=None, validators=None, **kwargs):
        super().__init__(label, validators, choices=HOLIDAYS, **kwargs)

    def show(self, site: Site, fill: bool):
        """Offer the own periods of this site too; `fill`: tick what it has."""
        stored = list(site.periods)
        own = [one for one in stored if one.kind == "own"]
        self.choices = [*HOLIDAYS, *((_key(one), str(one)) for one in own)]
        if fill:
            self.data = [_key(one) if one.kind == "own" else one.kind for one in stored]


def _key(period) -> str:
    return f"{period.starts_on}..{period.ends_on}"


def chosen_periods(form) -> Periods:
    """What a form with `periods`, `own_from` and `own_to` asks for."""
    kinds = [key for key in form.periods.data or [] if key in PERIODS]
    own = [tuple(map(date.fromisoformat, key.split(".."))) for key in form.periods.data or [] if ".." in key]
    if form.own_from.data and form.own_to.data:
        own.append((form.own_from.data, form.own_to.data))
    return Periods(kinds, own)


def both_days(form, field):
    """A validator of the last day of an own period: both days, or neither."""
    typed = [bool(one.raw_data and one.raw_data[0]) for one in (form.own_from, form.own_to)]
    if not typed[1]:
        field.errors = []
        words = "Kies de eerste en de laatste dag van je periode, of laat beide leeg." if typed[0] else ""
        raise StopValidation(words)
    if not typed[0]:
        raise ValidationError("Kies ook de eerste dag van je periode.")


class NameFields(KavoForm):
    first_name = StringField(
        "Voornaam", [required("Typ je voornaam."), Length(max=100)], render_kw={"autocomplete": "given-name"}
    )
    last_name = StringField(
        "Naam", [required("Typ je naam."), Length(max=100)], render_kw={"autocomplete": "family-name"}
    )


class ContactFields(KavoForm):
    """How one reaches somebody."""

    email = EmailField(
        "E-mailadres", [required("Typ je e-mailadres."), Length(max=254)], render_kw={"autocomplete": "email"}
    )
    phone = PhoneField("Telefoonnummer", [required("Typ je telefoonnummer.")], render_kw={"autocomplete": "tel"})


class BirthDateField(KavoForm):
    birth_date = DayField("Geboortedatum", [required("Kies je geboortedatum.")], render_kw={"autocomplete": "bday"})

    def validate_birth_date(self, field):
        try:
            if field.data:
                User.check_age(readings.birth_date(field.data), local_date(utcnow()))
        except RuleError as error:
            raise ValidationError(str(error)) from error


class EidFields(ContactFields, BirthDateField):
    """What somebody with eID adds to what the eID tells; the birth date only when the number does not tell it."""

    def contact(self) -> dict:
        return {name: self[name].data for name in ("email", "phone", "birth_date") if name in self}


class PersonFields(NameFields, ContactFields, BirthDateField):
    """The own data of somebody who registers with a password."""

    password = PasswordField(
        "Wachtwoord",
        [required("Typ een wachtwoord.")],
        description=f"{login.PASSWORD_HINT}.",
        render_kw={"autocomplete": "new-password"},
    )
    again = PasswordField(
        "Wachtwoord herhalen",
        [required("Typ je wachtwoord nog eens."), EqualTo("password", "Typ twee keer hetzelfde wachtwoord.")],
        render_kw={"autocomplete": "new-password"},
    )

    def validate_password(self, field):
        problem = login.password_problem(
            field.data or "", self.email.data or "", (self.first_name.data, self.last_name.data)
        )
        if field.data and problem:
            raise ValidationError(problem)

    def is_adult(self) -> bool:
        """Whether the birth date that was typed is of somebody of 18 or more today."""
        return bool(of_age(self.birth_date.data, utcnow()))

    def person(self) -> dict:
        """The columns of the account."""
        return {name: self[name].data for name in ("first_name", "last_name", "email", "phone", "birth_date")}


class IdentityFields(KavoForm):
    """Name, recognition and address: what the team decides about. Labels: manual 2.2 and the contract."""

    name = StringField("Naam van de stageplaats", [required("Typ de naam van de stageplaats."), Length(max=200)])
    recognition = ChoiceField(
        "Soort erkenning", [required("Kies een soort erkenning.")], choices=RECOGNITIONS, blank="Kies een soort"
    )
    street = StringField("Straat en nummer", [required("Typ de straat en het nummer."), Length(max=200)])
    postcode = StringField("Postcode", [required("Typ de postcode: 4 cijfers.")], render_kw={"inputmode": "numeric"})
    municipality = StringField("Gemeente", [required("Typ de gemeente."), Length(max=100)])


class SiteFields(IdentityFields):
    """All that an applicant tells about a site."""

    site_email = EmailField("Mail van de stageplaats", [Length(max=254)])
    site_phone = PhoneField("Telefoon van de stageplaats")
    animator = BooleanField(TYPES["animator"])
    head_animator = BooleanField(TYPES["head_animator"])
    instructor = BooleanField(TYPES["instructor"])
    periods = PeriodList("Periodes")
    own_from = DayField("Van")
    own_to = DayField("Tot en met", [both_days])

    def validate_postcode(self, field):
        """A known postcode fills an empty place: one has to look at it, not to type it."""
        names = places(field.data)
        if names and not self.municipality.data:
            self.municipality.data = names[0]
            self.filled_in = True

    filled_in = False

    def validate(self, **kwargs):
        """All that is wrong at once: what was typed, and the rules that the site would break."""
        valid = super().validate(**kwargs)
        for rule in (Site(**self.place()).check, lambda: check_periods(chosen_periods(self))):
            try:
                rule()
            except RuleError as error:
                valid = False
                field = self.site_email if error.field == "email" else self[error.field]
                if not field.errors:
                    field.errors = [*field.errors, str(error)]
        return valid

    def place(self) -> dict:
        """The columns of the site."""
        values = {name: self[name].data for name in (*Site.IDENTITY, *TYPES)}
        return {**values, "email": self.site_email.data or "", "phone": self.site_phone.data or ""}

    def show(self, site: Site):
        """Fill the form with what a site holds, unless it was just sent."""
        fill = not self.is_submitted()
        self.periods.show(site, fill)
        for field, stored in ((self.site_email, site.email), (self.site_phone, site.phone)):
            field.keep(stored)
        if fill:
            for name in (*Site.IDENTITY, *TYPES):
                self[name].data = getattr(site, name)
