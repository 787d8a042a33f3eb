"""Sites: made by the team, their periods, and who manages them."""

from datetime import datetime

import audit
import scope
from database import writing
from models import PERIODS, Site, SiteManager, SitePeriod, User
from people import MANAGER, Role, UserRole


def approve(site: Site, by: User, now: datetime):
    """Approve a site. Raises RuleError when it was decided already."""
    scope.require(by, "approve", site)
    with writing():
        site.move("approved", decided_at=now, decided_by=by)
        audit.record(by, "site.approved", site, at=now, site=site)


def give_to(site: Site, user: User | None, by: User, now: datetime):
    """Make `user` the manager of a site, in place of the present one; None leaves it without."""
    scope.require(by, "give", site)
    with writing():
        Site.locked(site.id)
        present = site.manager()
        if present == user:
            return
        if present:
            SiteManager.update(until=now).where(SiteManager.site == site, SiteManager.until.is_null()).execute()
            audit.record(by, "site.without_manager", site, at=now, manager=present, site=site)
        if user:
            SiteManager(site=site, user=user, since=now).save()
            role, _ = Role.get_or_create(name=MANAGER)
            UserRole.get_or_create(user=user, role=role)
            audit.record(by, "site.manager", site, at=now, manager=user, site=site)


def set_periods(site: Site, kinds: list[str]) -> str:
    """Make the holidays (and 'year') in which a stage can be done these; own dates stay. Returns what changed, in words."""
    stored = {period.kind: period for period in site.periods if period.kind != "own"}
    gone, new = (
        set(stored) - set(kinds),
        [kind for kind in PERIODS if kind in kinds and kind not in stored and kind != "own"],
    )
    for kind in gone:
        stored[kind].delete_instance()
    for kind in new:
        SitePeriod(site=site, kind=kind).save()
    return ", ".join(
        [f"periode {PERIODS[kind]} erbij" for kind in new] + [f"periode {PERIODS[kind]} weg" for kind in sorted(gone)]
    )
