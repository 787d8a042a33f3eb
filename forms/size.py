"""Size limits of a request: declared by its view, enforced before anything else reads the body."""

from dataclasses import dataclass

from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.exceptions import RequestEntityTooLarge

MOST_FIELDS, MOST_BYTES = 500, 64 * 1024
LONGEST_TEXT = 10_000  # characters, of the longest text field
LONGEST_CHARACTER = 12  # bytes of one character in a URL-encoded form, such as %F0%9F%98%80


class TooMuch(RequestEntityTooLarge):
    """The request is larger than its form may be; the message says what to do."""


@dataclass(frozen=True)
class Room:
    """How much a form may hold: number of fields, bytes of encoded text, and bytes of an uploaded file (0: no file)."""

    fields: int = MOST_FIELDS
    text: int = MOST_BYTES
    file: int = 0

    def most(self, request) -> int:
        """The maximum size of this request, in bytes."""
        return self.text + (self.file if request.mimetype == "multipart/form-data" else 0)

    def read(self, request):
        """Parse the form of the request within these limits. Raises TooMuch, and then empties the form."""
        request.max_content_length = self.most(request)
        # workaround: limits-of-a-form
        # Of one field; Werkzeug 3.1.9 counts the piece of a file that it holds, 64 KiB and more, as one too. Its limits on
        # fields hold for multipart/form-data only, so all of them are counted below.
        request.max_form_memory_size = 2 * self.text
        request.max_form_parts = self.fields
        try:
            if (request.content_length or 0) > request.max_content_length:
                raise RequestEntityTooLarge
            sent = list(request.form.items(multi=True))
            text = sum(len(word.encode("utf-8", "replace")) for pair in sent for word in pair if word)
            if len(sent) + len(list(request.files.values())) > self.fields or text > self.text:
                raise RequestEntityTooLarge
        except RequestEntityTooLarge as error:
            request.__dict__.update(form=ImmutableMultiDict(), files=ImmutableMultiDict())
            raise TooMuch(self._sentence(request)) from error

    def _sentence(self, request) -> str:
        if self.file and request.mimetype == "multipart/form-data":
            return (
                "Wat je stuurde is te groot, dus er is niets bewaard. Een bestand mag hoogstens "
                f"{_size(self.file)} zijn: verdeel het over meer bestanden. Plakte je tekst, plak dan minder regels tegelijk."
            )
        return (
            "Wat je stuurde is te groot, dus er is niets bewaard. Ga terug: wat je typte, staat er meestal nog. Maak de "
            "tekst korter of kies minder rijen, en probeer het opnieuw."
        )


def _size(count: int) -> str:
    return f"{count >> 20} MB" if count >> 20 else f"{count >> 10} kB"


def room(fields: int = 0, characters: int = 0, file: int = 0):
    """Declare that a view's form may hold more than the default: extra `fields` and `characters`, and a `file` of at most so
    many bytes. This applies to logged-in users only."""

    def declare(view):
        view.room = Room(MOST_FIELDS + fields, MOST_BYTES + LONGEST_CHARACTER * characters, file)
        return view

    return declare
