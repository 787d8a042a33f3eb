"""The fields of a site, shared by applicants, managers and the team, and the fields of a person registering."""

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
    """A postcode as people write it. A place typed after it is kept in `place` for the form's `PlaceField`."""

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
    """The municipality for the field `postcode`, which precedes it in the form. When empty, it is filled in for the user to
    check. When it does not match the postcode, the user is asked once; sending the same pair again confirms it."""

    data: Any
    asked = ""
    """the pair to confirm: a hidden input carries it, and the session keeps it for a user who navigates back"""

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
    """The holidays, 'Tijdens het jaar', and the site's existing periods of its own."""

    def __init__(self, label=None, validators=None, **kwargs):
        super().__init__(label, validators, choices=HOLIDAYS, **kwargs)
        self.flags.required = True  # by `sites.check_periods`

    def show(self, site: Site, fill: bool):
        """Add the site's own periods to the choices; `fill`: also tick the periods that it has."""
        stored = list(site.periods)
        own = [period for period in stored if period.kind == "own"]
        self.choices = [*HOLIDAYS, *((_key(period), str(period)) for period in own)]
        if fill:
            self.data = [_key(period) if period.kind == "own" else period.kind for period in stored]


def _key(period) -> str:
    return f"{period.starts_on}..{period.ends_on}"


def chosen_periods(form) -> Periods:
    """The periods chosen in a form with the fields `periods`, `own_from` and `own_to`."""
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
    """Validate the last day of the site's own period: either both days are given or neither."""
    has_first, has_last = (bool(day.raw_data and day.raw_data[0]) for day in (form.own_from, form.own_to))
    if not has_last:
        field.errors = []
        message = "Kies de eerste en de laatste dag van je periode, of laat beide leeg." if has_first else ""
        raise StopValidation(message)
    if not has_first:
        raise ValidationError("Kies ook de eerste dag van je periode.")


def own_from() -> DayField:
    """The first day of the site's own period; required when the last day is given."""
    return DayField("Van", [sometimes, Optional()], description="Alleen samen met de laatste dag.")


def own_to() -> DayField:
    """The last day of the site's own period, with the validator for both days."""
    return DayField("Tot en met", [sometimes, both_days], description="Alleen samen met de eerste dag.")


def first_name_unless_one(form, field):
    """Validate the first name: a person with a single name may leave it out."""
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
    """E-mail address and phone number."""

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
    """What a person adds to the data from their eID; the birth date only when the national number does not hold it."""

    def contact(self) -> dict:
        """The columns of the account that the form holds."""
        return {name: self[name].data for name in ("email", "phone", "birth_date") if name in self}


class PersonFields(NameFields, ContactFields, BirthDateField):
    """The details of a person registering with a password."""

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
        """Whether the given birth date makes the person 18 or older today."""
        return bool(of_age(self.birth_date.data, utcnow()))

    def person(self) -> dict:
        """The columns of the account."""
        return {name: self[name].data for name in ("first_name", "last_name", "email", "phone", "birth_date")}


class IdentityFields(KavoForm):
    """Name, recognition and address: the details that the team approves. Labels: manual 2.2 and the contract."""

    name = StringField("Naam van de stageplaats", [required("Typ de naam van de stageplaats."), Length(max=200)])
    recognition = ChoiceField(
        "Soort erkenning", [required("Kies een soort erkenning.")], choices=RECOGNITIONS, blank="Kies een soort"
    )
    street = StringField("Straat en nummer", [required("Typ de straat en het nummer."), Length(max=200)])
    postcode = PostcodeField("Postcode", [required("Typ de postcode: 4 cijfers.")], render_kw={"inputmode": "numeric"})
    municipality = PlaceField("Gemeente", [required("Typ de gemeente."), Length(max=100)])


class SiteFields(IdentityFields):
    """Everything an applicant states about a site."""

    site_email = EmailField("E-mailadres van de stageplaats", [Length(max=254)])
    site_phone = PhoneField("Telefoonnummer van de stageplaats")
    animator = BooleanField(TYPES["animator"])
    head_animator = BooleanField(TYPES["head_animator"])
    instructor = BooleanField(TYPES["instructor"])
    periods = PeriodList("Periodes")
    own_from = own_from()
    own_to = own_to()

    def validate(self, **kwargs):
        """Report all errors at once: those of the fields, and the rules that the site would break."""
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

    # ---- display

    @property
    def stages(self) -> tuple:
        """The checkboxes for the stages that a site offers; their errors are shown at the first."""
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
        """Whether the collapsed fields for the site's own e-mail address and phone number hold input or errors."""
        return any(field.data or field.errors for field in (self.site_email, self.site_phone))

    @property
    def has_own_period(self) -> bool:
        """Whether the collapsed fields for the site's own period hold input or errors."""
        return any(field.data or field.errors for field in (self.own_from, self.own_to))

    # ---- values

    def place(self) -> dict:
        """The columns of the site."""
        values = {name: self[name].data for name in (*Site.IDENTITY, *TYPES)}
        return {**values, "email": self.site_email.data or "", "phone": self.site_phone.data or ""}

    def show(self, site: Site):
        """Fill the form with the values of a site, unless it holds a user's input."""
        fill = not self.is_typed
        self.periods.show(site, fill)
        for field, stored in ((self.site_email, site.email), (self.site_phone, site.phone)):
            field.keep(stored)
        if fill:
            for name in (*Site.IDENTITY, *TYPES):
                self[name].data = getattr(site, name)
