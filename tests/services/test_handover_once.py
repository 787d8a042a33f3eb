"""Eight processes that answer, withdraw and let expire the same handovers at once: one outcome each, one set of mails."""

import os
from collections import Counter
from datetime import timedelta
from random import Random

from database import RuleError
from models import Handover, History, Mail, SiteManager, User
from operations import checks
from tests import factories as make
from tests.services.at_once import PROCESSES, at_once
from workflow import clock
from workflow.sites import handovers

ROUNDS = 200 if os.environ.get("KAVO_THOROUGH") else 20
LATE = make.NOW + timedelta(days=20)
OUTCOMES = {
    "accepted": {"handover_taken": 1, "handover_given": 1},
    "refused": {"handover_refused": 1},
    "withdrawn": {"handover_withdrawn": 1},
}
"""outcome of a handover → the mails about it"""


def test_of_eight_who_decide_at_once_one_wins_and_one_set_of_mails_leaves(db, capsys):
    asked = []
    for _ in range(ROUNDS):
        giver, taker = make.user(), make.user()
        asked.append(handovers.ask(make.site(giver), taker, taker.email, "0470 12 34 56", make.NOW))
    team = make.user("team")
    Mail.update(state="sent").execute()
    won = sum(at_once(db, decide, asked[0].id, asked[-1].id, team.id), Counter())
    with capsys.disabled():
        print(f"\n{ROUNDS} handovers, {PROCESSES} processes: {dict(won)}")
    ended = Counter()
    for handover in Handover.select():
        kinds = Counter(
            mail.kind
            for mail in Mail.select().where(Mail.object_type == "handover", Mail.object_id == str(handover.id))
        )
        verbs = Counter(line.verb for line in History.select().where(History.object_id == str(handover.id)))
        ended[handover.state] += 1
        assert {kind: kinds[kind] for kind in OUTCOMES[handover.state]} == OUTCOMES[handover.state]
        assert not {kind for other in OUTCOMES if other != handover.state for kind in OUTCOMES[other]} & set(kinds)
        assert kinds["handover_escalated"] == verbs["handover.escalated"] <= 1
        assert sum(verbs[f"handover.{state}"] for state in OUTCOMES) == 1
        manager = SiteManager.get(SiteManager.site == handover.site, SiteManager.current()).user_id
        assert manager == (handover.requester_id if handover.state == "accepted" else handover.asked_id)
    assert ended["accepted"] == won["accept"]
    assert ended["refused"] == won["refuse"]
    assert ended["withdrawn"] == won["withdraw"]
    assert list(checks.breaches()) == []


def decide(first, last, team_id, seed):
    """Visit all handovers, in the same order in every process, with a different act each time."""
    chance, won = Random(seed), Counter()
    for pk in range(first, last + 1):
        handover = Handover.get_by_id(pk)
        team = User.get_by_id(team_id)
        acts = {
            "accept": lambda one=handover: handovers.accept(one, one.asked, LATE),
            "refuse": lambda one=handover: handovers.refuse(one, one.asked, LATE, "Nee."),
            "withdraw": lambda one=handover: handovers.withdraw(one, one.requester, LATE),
            "accept by the team": lambda one=handover, by=team: handovers.accept(one, by, LATE),
            "clock": lambda: clock.sweep(LATE) and None,
        }
        name = chance.choice(list(acts))
        try:
            acts[name]()
        except RuleError:
            won["refused by a rule"] += 1
        else:
            won[name.split()[0]] += name != "clock"
    return won
