"""The attest without login: the page behind the mailed link, and checking a code."""

from flask import Blueprint, Response, abort, render_template
from wtforms import StringField
from wtforms.validators import Length

from forms import KavoForm, required
from mails import links
from public_pages.mailed_links import opened
from workflow.stages import attests, certificates

pages = Blueprint("attest", __name__)


class CodeForm(KavoForm):
    code = StringField(
        "Code van het attest",
        [required("Typ de code die onderaan op het attest staat."), Length(max=40)],
        description="Bijvoorbeeld ABCD-EFGH-2345-6789, met of zonder streepjes.",
        render_kw={"autocomplete": "off"},
    )


@pages.get("/attest/<secret>")
def show(secret):
    attest = links.about(opened(secret, links.ATTEST))
    return render_template("public/attest.html", attest=attest, secret=secret)


@pages.get("/attest/<secret>/bestand")
def file(secret):
    attest = links.about(opened(secret, links.ATTEST))
    if not attest.is_valid:
        abort(404)
    headers = {"Content-Disposition": f'attachment; filename="{certificates.file_name(attest)}"'}
    return Response(certificates.pdf(attest), mimetype="application/pdf", headers=headers)


@pages.route("/attest-nakijken", methods=["GET", "POST"])
def check():
    """Says whether a code is valid, with what one needs to compare it with the paper: the kind, the day and initials,
    never a name. By POST, so that no code ends up in a log."""
    form, attest, asked = CodeForm(), None, False
    if form.validate_on_submit():
        asked, attest = True, attests.valid_with(form.code.data)
    return render_template("public/attest_check.html", form=form, asked=asked, attest=attest)
