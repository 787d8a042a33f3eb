"""What every form shares: fields, size limits, recording of refusals, and input kept across a detour."""

from forms.fields import (
    CheckList,
    ChoiceField,
    DayField,
    EmailField,
    KavoIdField,
    PhoneField,
    ReasonField,
    is_optional,
    required,
    same_as,
    shape,
    sometimes,
    width,
)
from forms.form import DECIDES, DecisionForm, KavoForm, problems
from forms.messages import Told
from forms.size import LONGEST_TEXT, MOST_BYTES, MOST_FIELDS, Room, TooMuch, room

__all__ = [
    "DECIDES",
    "LONGEST_TEXT",
    "MOST_BYTES",
    "MOST_FIELDS",
    "CheckList",
    "ChoiceField",
    "DayField",
    "DecisionForm",
    "EmailField",
    "KavoForm",
    "KavoIdField",
    "PhoneField",
    "ReasonField",
    "Room",
    "Told",
    "TooMuch",
    "is_optional",
    "problems",
    "required",
    "room",
    "same_as",
    "shape",
    "sometimes",
    "width",
]
