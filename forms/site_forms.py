"""The fields of a site, the same for an applicant, a manager and the team, and those of a person who registers."""

from datetime import date
from typing import Any

from flask import session
from wtforms import BooleanField, PasswordField, StringField, ValidationError
from wtforms.utils import unset_value
from wtforms.validators import Length, Optional, StopValidation

from database import RuleError, postcodes, readings
from forms import CheckList, ChoiceField, DayField, EmailField, KavoForm, PhoneField, required, same_as, sometimes
from models import PERIODS, RECOGNITIONS, TYPES, Site, User, of_age, passwords
from times import local_date, utcnow
from workflow.sites.sites import Periods, check_periods

ASKED = "place_asked"
HOLIDAYS = [(key, label) for key, label in PERIODS.items() if key != "own"]
RECOGNISED = (
    "Een jeugdwerkinitiatief is erkend als de Vlaamse overheid, een gemeente of de Vlaamse Gemeenschapscommissie (VGC) het "
    "erkent. Ook een speelplein of een jeugddienst van de gemeente telt mee. Net als een lokale afdeling van een erkende "
    "vereniging."
)


class PostcodeField(StringField):
    """A postcode as people write it. The place that was typed behind it waits for the `PlaceField` of the same form."""

    place = ""

    def process_formdata(self, valuelist):
        if valuelist:
            self.data, self.place = postcodes.read(valuelist[0])

    def pre_validate(self, form):
        try:
            if self.data:
                postcodes.check(self.data)
        except RuleError as error:
            raise StopValidation(str(error)) from error


class PlaceField(StringField):
    """The place of a `postcode` in the same form, which stands before it. An empty one is filled in, for somebody to look at.
    One that does not go with the postcode is asked about once: when the same pair is sent again it is right."""

    data: Any
    asked = ""
    """the pair that this page asks about: the form sends it along, and the session has it for who goes back a page"""

    def process(self, formdata, data=unset_value, extra_filters=None):
        super().process(formdata, data, extra_filters)
        self.confirmed = formdata.get(f"{self.name}_asked", "") if formdata else ""

    def pre_validate(self, form):
        if self.data:
            return
        if form.postcode.place:
            self.data, self.raw_data = form.postcode.place, [form.postcode.place]
        elif place := postcodes.main_place(form.postcode.data):
            self.data = place
            raise StopValidation("We vulden de gemeente in bij je postcode. Kijk na of ze klopt.")

    def post_validate(self, form, validation_stopped):
        pair = (form.postcode.data, self.data)
        question = "" if self.errors else postcodes.question(*pair)
        if not question or pair == (form.postcode.object_data, self.object_data):
            return
        self.asked = f"{form.postcode.data} {self.data}"
        if self.asked not in (self.confirmed, session.pop(ASKED, None)):
            session[ASKED] = self.asked
            raise ValidationError(question)


class PeriodList(CheckList):
    """The holidays, 'Tijdens het jaar', and the own periods that the site has already."""

    def __init__(self, label=None, validators=None, **kwargs):
        super().__init__(label, validators, choices=HOLIDAYS, **kwargs)
        self.flags.required = True  # by `sites.check_periods`

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
    own: list[tuple[date, date]] = []
    for key in form.periods.data or []:
        if ".." in key:
            first, last = key.split("..")
            own.append((date.fromisoformat(first), date.fromisoformat(last)))
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


def own_from() -> DayField:
    """The first day of a period of one's own: with the last one, or neither."""
    return DayField("Van", [sometimes, Optional()], description="Alleen samen met de laatste dag.")


def own_to() -> DayField:
    return DayField("Tot en met", [sometimes, both_days], description="Alleen samen met de eerste dag.")


def first_name_unless_one(form, field):
    """A validator: the first name may be left out by who has one name only."""
    if form.one_name.data and not field.data:
        field.errors = []
        raise StopValidation


class NameFields(KavoForm):
    first_name = StringField(
        "Voornaam",
        [first_name_unless_one, required("Typ je voornaam."), Length(max=100)],
        render_kw={"autocomplete": "given-name"},
    )
    last_name = StringField(
        "Naam", [required("Typ je naam."), Length(max=100)], render_kw={"autocomplete": "family-name"}
    )
    one_name = BooleanField("Ik heb maar één naam", description="Typ die bij Naam en laat Voornaam leeg.")


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
        description=passwords.hint(),
        render_kw={"autocomplete": "new-password"},
    )
    again = PasswordField(
        "Wachtwoord herhalen",
        same_as("password", "Typ je wachtwoord nog eens."),
        render_kw={"autocomplete": "new-password"},
    )

    def validate_password(self, field):
        problem = passwords.problem(
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
    postcode = PostcodeField("Postcode", [required("Typ de postcode: 4 cijfers.")], render_kw={"inputmode": "numeric"})
    municipality = PlaceField("Gemeente", [required("Typ de gemeente."), Length(max=100)])


class SiteFields(IdentityFields):
    """All that an applicant tells about a site."""

    site_email = EmailField("E-mailadres van de stageplaats", [Length(max=254)])
    site_phone = PhoneField("Telefoonnummer van de stageplaats")
    animator = BooleanField(TYPES["animator"])
    head_animator = BooleanField(TYPES["head_animator"])
    instructor = BooleanField(TYPES["instructor"])
    periods = PeriodList("Periodes")
    own_from = own_from()
    own_to = own_to()

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

    # ---- how it is shown

    @property
    def stages(self) -> tuple:
        """The boxes to tick for the stages that a site offers; what is wrong with them stands with the first."""
        return self.animator, self.head_animator, self.instructor

    @property
    def stages_class(self) -> str:
        return "block bad" if self.animator.errors else "block"

    @property
    def stages_attributes(self) -> dict:
        return {"aria-describedby": "animator-fout", "aria-invalid": "true"} if self.animator.errors else {}

    @property
    def periods_class(self) -> str:
        return "block bad" if self.periods.errors else "block"

    @property
    def recognition_attributes(self) -> dict:
        error = " recognition-fout" if self.recognition.errors else ""
        return {"class": "form-control", "aria-describedby": f"recognition-uitleg{error}"}

    @property
    def has_own_contact(self) -> bool:
        """Whether something stands in the folded part for a site with an address or number of its own."""
        return any(one.data or one.errors for one in (self.site_email, self.site_phone))

    @property
    def has_own_period(self) -> bool:
        return any(one.data or one.errors for one in (self.own_from, self.own_to))

    # ---- what it holds

    def place(self) -> dict:
        """The columns of the site."""
        values = {name: self[name].data for name in (*Site.IDENTITY, *TYPES)}
        return {**values, "email": self.site_email.data or "", "phone": self.site_phone.data or ""}

    def show(self, site: Site):
        """Fill the form with what a site holds, unless it was just sent."""
        fill = not self.is_typed
        self.periods.show(site, fill)
        for field, stored in ((self.site_email, site.email), (self.site_phone, site.phone)):
            field.keep(stored)
        if fill:
            for name in (*Site.IDENTITY, *TYPES):
                self[name].data = getattr(site, name)
