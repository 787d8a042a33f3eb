"""Deciding: the page of one application with all that one needs for it, and that of a proposed change."""

from flask import abort, flash, redirect, request, session, url_for
from flask_admin import BaseView, expose
from wtforms import BooleanField, TextAreaField
from wtforms.validators import Length

import audit
import mails
from admin_kit import cells
from admin_kit.access import HiddenFromMenu
from admin_views import application_page
from admin_views.todo import next_application
from database import RuleError, whole_number
from forms import CheckList, ChoiceField, EmailField, KavoForm, ReasonField, detours, required, room, sometimes
from models import Mail, Proposal, Site, SiteMessage, User
from times import local_date, utcnow
from workflow.accounts import registration
from workflow.sites import duplicates, proposals, sites

NEXT = "decide_next"
MOST_LINES = 50
LONG = Length(max=2000)
OTHERS = 3 * 2000
"""characters of the texts that are sent along with the one that counts: the page is one form"""


class DecideForm(KavoForm):
    checked = CheckList("Kijk na voor je beslist", choices=list(sites.CHECKLIST.items()))
    ready = ChoiceField(
        "Standaardtekst",
        [sometimes],
        choices=[(key, text) for key, text in sites.READY_REASONS.items()],
        blank="Geen: ik schrijf zelf een tekst",
    )
    reason = ReasonField()
    then_next = BooleanField("Ga daarna naar de volgende aanvraag")

    def full_reason(self) -> str:
        """The ready text and what was typed, as the applicant will read it."""
        return "\n\n".join(part for part in (sites.READY_REASONS.get(self.ready.data), self.reason.data) if part)


class QuestionForm(KavoForm):
    text = TextAreaField("Jouw vraag", [required("Typ je vraag."), LONG], id="vraag")


class NoteForm(KavoForm):
    text = TextAreaField("Interne notitie", [required("Typ je notitie."), LONG], id="notitie")


class AddressForm(KavoForm):
    email = EmailField("Het juiste e-mailadres", [required("Typ het juiste adres."), Length(max=254)], id="juist-adres")


class WhyForm(KavoForm):
    reason = TextAreaField("Waarom heropen je?", [required("Schrijf waarom je heropent."), LONG], id="heropenen")


class RefusalForm(KavoForm):
    reason = ReasonField()


FORMS = {"ask": QuestionForm, "note": NoteForm, "address": AddressForm, "reopen": WhyForm}


class ApplicationView(HiddenFromMenu, BaseView):
    # ---- a new site

    @expose("/<int:pk>/")
    def show(self, pk):
        return self._page(_site(pk))

    def _page(self, site, **forms):
        now, manager = utcnow(), site.manager()
        forms = {"decide": None, **dict.fromkeys(FORMS), **forms}
        forms = {name: form or self._blank(name) for name, form in forms.items()}
        changed = next((form for form in forms.values() if form.errors), None)
        status, is_open = site.status(local_date(now)), site.state == "submitted"
        similar = duplicates.similar(site) if is_open else []
        letters = Mail.select().where(mails.about(site)).order_by(Mail.id.desc()).limit(10)
        held = sites.held_mail(site)
        return self.render(
            "admin/application_open.html" if is_open else "admin/application_decided.html",
            site=site,
            manager=manager,
            call_name=manager and manager.call_name,
            forms=forms,
            form=changed,
            status=status,
            standing=application_page.standing(site, status),
            alike=application_page.alike(similar),
            alike_title=application_page.alike_title(similar),
            site_facts=application_page.site_facts(site),
            manager_facts=application_page.manager_facts(manager),
            previews=mails.decision_previews(site, manager) if manager else {},
            messages=application_page.said(_messages(site)),
            letters=application_page.letters(list(letters)),
            history=audit.as_timeline(audit.about(site, MOST_LINES)),
            undo_words=application_page.undo_words(held) if sites.can_undo(site, now) else "",
            held=held,
            erased_words=application_page.erased_words(manager),
            reopened_words=application_page.REOPENED.get(site.state),
            following=next_application(now, after=site),
            previous=_previous(site, now),
        )

    @staticmethod
    def _blank(name):
        """The form of this name; with what was typed in it when another button of the page was pressed."""
        if name == "decide":
            return DecideForm(then_next=session.get(NEXT, False))
        return FORMS[name](prefix=f"{name}-")

    @expose("/<int:pk>/beslissen", methods=("POST",))
    @room(characters=OTHERS)
    def decide(self, pk):
        site, form = _site(pk), DecideForm()
        checked = tuple(form.checked.data or ())
        verbs = {
            "approve": lambda now: sites.approve(site, self.by, now, checked),
            "reject": lambda now: sites.reject(site, self.by, now, form.full_reason(), checked),
            "withdraw": lambda now: registration.withdraw(site, self.by, now),
        }
        told = {"approve": "goedgekeurd", "reject": "niet goedgekeurd", "withdraw": "ingetrokken"}
        choice = request.form.get("decision")
        session[NEXT] = form.then_next.data

        def act(now):
            if choice not in verbs:
                raise RuleError("Klik op Goedkeuren, Afkeuren of Intrekken.")
            verbs[choice](now)
            return f"{site} is {told[choice]}."

        # When somebody else decided meanwhile, that is what there is to say, not what was filled in.
        if (site.state != "submitted" or form.validate()) and form.carry_out(act, self.by, utcnow()):
            following = next_application(utcnow(), after=site) if form.then_next.data else None
            if following:
                return redirect(url_for(".show", pk=following.id, na=pk))
            return redirect(url_for(".show", pk=pk))
        return self._page(Site.get_by_id(pk), decide=form)

    @expose("/<int:pk>/ask", methods=("POST",))
    @room(characters=OTHERS)
    def ask(self, pk):
        def act(site, form, now):
            sites.ask(site, self.by, now, form.text.data)
            return "Je vraag is verstuurd. De termijn staat stil."

        return self._with_form(pk, "ask", act)

    @expose("/<int:pk>/note", methods=("POST",))
    @room(characters=OTHERS)
    def note(self, pk):
        def act(site, form, now):
            sites.note(site, self.by, now, form.text.data)
            return "Je notitie is bewaard."

        return self._with_form(pk, "note", act)

    @expose("/<int:pk>/address", methods=("POST",))
    @room(characters=OTHERS)
    def address(self, pk):
        def act(site, form, now):
            registration.correct_address(site, form.email.data, self.by, now)
            return "Het e-mailadres is verbeterd. De laatste e-mail vertrekt opnieuw."

        return self._with_form(pk, "address", act)

    @expose("/<int:pk>/reopen", methods=("POST",))
    @room(characters=OTHERS)
    def reopen(self, pk):
        def act(site, form, now):
            sites.reopen(site, self.by, now, form.reason.data)
            return f"{site} is heropend."

        return self._with_form(pk, "reopen", act)

    @expose("/<int:pk>/undo", methods=("POST",))
    @room(characters=OTHERS)
    def undo(self, pk):
        return self._at_once(pk, sites.undo, "De beslissing is ongedaan gemaakt. Er vertrok geen e-mail.")

    @expose("/<int:pk>/mail-now", methods=("POST",))
    @room(characters=OTHERS)
    def mail_now(self, pk):
        return self._at_once(pk, sites.mail_now, "De e-mail vertrekt nu.")

    @expose("/<int:pk>/stop-waiting", methods=("POST",))
    @room(characters=OTHERS)
    def stop_waiting(self, pk):
        return self._at_once(pk, sites.stop_waiting, "De termijn loopt weer.")

    @expose("/<int:pk>/keep", methods=("POST",))
    @room(characters=OTHERS)
    def keep(self, pk):
        """Enter in a field decides nothing: what was typed is kept, and the page says so."""
        return self._at_once(pk, lambda *_: None, "Wat je invulde, staat er nog. Je nam nog geen beslissing.")

    def _with_form(self, pk, name, act):
        """Call `act(site, form, now)` with what was typed in this form, and show its message; the page when refused."""
        site, form = _site(pk), FORMS[name](prefix=f"{name}-")
        if form.validate() and form.carry_out(lambda now: act(site, form, now), self.by, utcnow()):
            return self._back(pk, done=f"{name}-")
        return self._page(Site.get_by_id(pk), **{name: form})

    def _at_once(self, pk, verb, message):
        """Call `verb(site, by, now)`, which needs no text; other forms of the page keep what was typed in them."""
        site, form = _site(pk), KavoForm()

        def act(now):
            verb(site, self.by, now)
            return message

        if not (form.validate() and form.carry_out(act, self.by, utcnow())):
            for text in form.form_errors:
                flash(text, "warn")
        return self._back(pk)

    def _back(self, pk, **kept):
        page = url_for(".show", pk=pk)
        detours.keep_for(page, self.by.id, utcnow(), **kept)
        return redirect(page)

    # ---- a proposed change

    @expose("/wijziging/<int:pk>/", methods=("GET", "POST"))
    def proposal(self, pk):
        proposal = Proposal.get_or_none(Proposal.id == pk) or abort(404)
        form = RefusalForm()
        if form.is_submitted() and form.validate():

            def act(now):
                if request.form.get("decision") == "approve":
                    proposals.accept(proposal, self.by, now)
                    return f"De wijziging van {proposal.site} is goedgekeurd."
                proposals.refuse(proposal, self.by, now, form.reason.data)
                return f"De wijziging van {proposal.site} is niet goedgekeurd."

            if form.carry_out(act, self.by, utcnow()):
                return redirect(url_for("todo.index"))
            proposal = Proposal.get_by_id(pk)
        status = proposal.status(local_date(utcnow()))
        by = f"door {proposal.decided_by}" if proposal.decided_by else ""
        return self.render(
            "admin/proposal.html",
            proposal=proposal,
            form=form,
            pairs=proposals.pairs(proposal),
            status=status,
            standing=cells.due(status, proposal.due_on) if proposal.state == "open" else cells.Standing(by),
        )


def _site(pk) -> Site:
    return Site.get_or_none(Site.id == pk) or abort(404)


def _previous(present, now) -> Site | None:
    """The site that was decided just before this page, while that can be undone."""
    site = Site.get_or_none(Site.id == (whole_number(request.args.get("na")) or 0))
    return site if site and site.id != present.id and sites.can_undo(site, now) else None


def _messages(site) -> list[SiteMessage]:
    """Questions, answers and notes, each with who wrote it."""
    return list(
        SiteMessage.select(SiteMessage, User).join(User).where(SiteMessage.site == site).order_by(SiteMessage.id)
    )
