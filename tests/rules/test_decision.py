"""Where each rule of the lifecycle begins and ends: one row is just within it, the next just beyond."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from custom_resource.decision import Adopt, Keep, Reject, Wait
from custom_resource.request import Request
from project_policy import decision
from project_policy.decision import Decision, Observation, Put, Remove
from project_policy.document import are_equivalent
from project_policy.identity import PhysicalId
from project_policy.policies import LivePolicy
from project_policy.properties import Properties
from tests.documents import FOREIGN, MINE, OTHER
from tests.rules.support import MADE_UP, PROJECT, STARTED, says

ID = PhysicalId(PROJECT.arn, "sharing")
ADOPTED = f"{ID}|adopted"
NOW = 600.0
"""When a decision is made, in seconds after the request, as all times in this file."""


OBSERVED = ("was_throttled", "has_read_none", "has_removed", "put_may_have_worked", "rejected", "stale_revision")
"""What a decision depends on besides its request, what is live, and the time."""


def live(created: float | None, document: Mapping[str, Any] = MINE, updated: float | None = None) -> LivePolicy:
    """Return a live policy of revision r1, created and last updated so many seconds after the request."""
    at = [
        None if seconds is None else STARTED + seconds for seconds in (created, created if updated is None else updated)
    ]
    return LivePolicy("r1", json.dumps(document), *at)


def decide(
    kind: str,
    there: LivePolicy | None,
    *,
    physical_id: str = str(ID),
    old: object = OTHER,
    timeout: str | None = "900",
    tells_time: bool = True,
    waited: float = 0.0,
    now: float = NOW,
    **more: Any,
) -> Decision:
    """Return the decision about a request for MINE, whose URL has a time or not."""
    asked = {} if timeout is None else {"ServiceTimeout": timeout}
    before: dict[str, object] = {} if old is None else {"PolicyDocument": old}
    observation = {name: more.pop(name) for name in OBSERVED if name in more}
    request = Request(
        "Delete" if kind.startswith("Delete") else kind.split()[0],
        "request",
        "Sharing",
        "" if kind == "Create" else physical_id,
        asked,
        before,
        STARTED if tells_time else None,
    )
    wanted = Properties(PROJECT, "sharing", MINE, **more)
    at = Observation(STARTED + now, waited, **observation)
    if kind in ("Create", "Update to another name"):
        return decision.decide_create(request, wanted, there, at)
    if kind == "Update":
        return decision.decide_update(request, wanted, there, at, adopted=physical_id.endswith("|adopted"))
    if kind == "Delete":
        return decision.decide_delete(request, there, at)
    return decision.decide_orphan(request, wanted, there, at)


READS_AGAIN = Wait(2)
NEW, EDIT, CONFIRMS = Put(MINE, None), Put(MINE, "r1"), Put(MINE, "r1", is_fencing_write=True)
TWICE = Keep("this request has put it already")
EQUIVALENT = Keep("it's equivalent already")
GOES, MAY_COME_AGAIN = Remove("r1"), Remove("r1", reads_again=True)
NOT_ADOPTED = "isn't equivalent, so it wasn't adopted. Specify the live document as PolicyDocument, or choose another"
NOT_ITS_OWN = Keep("no canceled request of this resource has put it")


@pytest.mark.parametrize(
    ("there", "given", "wanted"),
    [
        (None, {}, NEW),
        # This request's own work, delivered before: created no earlier than a second before the request's time.
        (live(-1), {}, TWICE),
        (live(-1.01), {}, READS_AGAIN),
        (live(60), {}, TWICE),
        (live(60.01), {}, READS_AGAIN),
        (live(None), {}, READS_AGAIN),
        (live(-1.01), {"put_may_have_worked": True}, TWICE),
        # What appears while every put of this run is rejected is another's.
        (live(5), {"has_read_none": True}, READS_AGAIN),
        (live(5), {"has_read_none": True, "put_may_have_worked": True}, TWICE),
        (live(5, FOREIGN), {"put_may_have_worked": True}, READS_AGAIN),
        # Where the URL has no time: created in the last fifteen minutes.
        (live(NOW - 900), {"tells_time": False}, TWICE),
        (live(NOW - 900.01), {"tells_time": False}, READS_AGAIN),
        # Adopted only after a second read: not what is being deleted at this observation.
        (live(-90), {"adopt_existing": True, "waited": 1.9}, READS_AGAIN),
        (
            live(-90),
            {"adopt_existing": True, "waited": 2.0},
            Adopt(),
        ),
        (live(-1), {"adopt_existing": True, "waited": 2.0}, TWICE),
        (live(-90, FOREIGN), {"adopt_existing": True, "waited": 2.0}, NOT_ADOPTED),
        (live(-90), {"waited": 1.9}, READS_AGAIN),
        (live(-90), {"waited": 2.0}, "wasn't changed. Choose another PolicyName; …, retain it where …then set"),
    ],
)
@pytest.mark.parametrize("kind", ["Create", "Update to another name"])
def test_a_create_or_replacement(
    kind: str, there: LivePolicy | None, given: dict[str, Any], wanted: Decision | str
) -> None:
    """It puts a policy where there is none, and takes no other for its own."""
    check(decide(kind, there, **given), wanted)


@pytest.mark.parametrize(
    ("there", "given", "wanted"),
    [
        # Deleted meanwhile.
        (None, {}, NEW),
        # Changed by somebody else: more than two seconds after the request.
        (live(-90, FOREIGN, 2.0), {}, EDIT),
        (live(-90, FOREIGN, 2.01), {}, "by somebody else while this…. Deploy again, or, in a rollback, continue"),
        (live(-90, FOREIGN, 2.01), {"tells_time": False}, EDIT),
        (live(None, FOREIGN), {}, EDIT),
        # Adopted: edited only while it is what the stack last had.
        (live(-90, OTHER), {"physical_id": ADOPTED}, EDIT),
        (live(-90, FOREIGN), {"physical_id": ADOPTED}, "changed it since, …. Specify the live document"),
        (live(-90, OTHER), {"physical_id": ADOPTED, "old": None}, "restore the document … or continue the"),
        (None, {"physical_id": ADOPTED}, "owner has deleted it since, …choose another PolicyName or logical ID; in a"),
        # Reversed while this update ran: what it meant to replace is gone, and the old document is back.
        (live(1, OTHER), {"stale_revision": "r1"}, EDIT),
        (live(1, OTHER), {"stale_revision": "r0"}, "restored to its old document …Deploy again, or, in a rollback"),
        (live(1, FOREIGN), {"stale_revision": "r0"}, EDIT),
        # A document that breaks a rule is no obstacle where it is live already.
        (live(-90), {"violation": "no."}, CONFIRMS),
        # But a public one isn't this function's success while BlockPublicPolicy is on, whoever made it public.
        (live(-90), {"violation": "no.", "is_blocked": True}, "would break a rule: no."),
        (live(-90), {"violation": "no.", "is_blocked": True, "old": MINE}, "would break a rule: no."),
        (live(-90), {"violation": "no.", "old": MINE}, EQUIVALENT),
        (live(-90, OTHER), {"violation": "no."}, "would break a rule: no."),
        (None, {"violation": "no."}, "would break a rule: no. In a rollback, …(ContinueUpdateRollback with"),
        # Equivalent already: a repeat, or a rollback's Update, which the list may show too late.
        (live(-90), {"old": MINE}, EQUIVALENT),
        (live(-90), {"old": json.dumps(MINE, indent=2)}, EQUIVALENT),
        (live(-90), {}, CONFIRMS),
        (live(-90), {"put_may_have_worked": True}, CONFIRMS),
        (live(-90), {"rejected": "Bad"}, Keep("it's equivalent already, and putting it again was rejected (Bad)")),
        (live(-90, OTHER), {"rejected": "Bad"}, EDIT),
        (live(-90, updated=-1.01), {}, CONFIRMS),
        (live(-90, updated=-1.0), {}, READS_AGAIN),
        (live(-90, updated=-1.0), {"waited": 1.9}, READS_AGAIN),
        (live(-90, updated=-1.0), {"waited": 2.0}, TWICE),
        (live(-90, updated=NOW - 1), {"waited": 2.0}, TWICE),  # an Update may run late
        (live(None), {}, READS_AGAIN),
        (live(-900, updated=NOW - 900), {"tells_time": False}, READS_AGAIN),
        (live(-900, updated=NOW - 900.01), {"tells_time": False}, CONFIRMS),
    ],
)
def test_an_update(there: LivePolicy | None, given: dict[str, Any], wanted: Decision | str) -> None:
    """It puts the template's document unless somebody else has changed the policy since."""
    check(decide("Update", there, **given), wanted)


@pytest.mark.parametrize(
    "old",
    [
        None,
        "{",
        7,
        [],
        {},
        {"Statement": 7},
        {"Statement": [{"Principal": 7}]},
        {"Statement": [{"Principal": {"AWS": {}}, "Action": {}, "Resource": [[]], "Condition": {"Bool": 7}}]},
        "[" * 100_000,
    ],
    ids=lambda old: repr(old)[:30],
)
def test_an_old_document_that_is_malformed_is_no_obstacle(old: object) -> None:
    """The Update that rolls a malformed document back must not fail, whatever that document is."""
    assert decide("Update", live(-90), old=old) == CONFIRMS
    assert decide("Update", live(-90, OTHER), old=old) == EDIT


def test_no_depth_of_a_document_is_an_obstacle() -> None:
    """Wherever on the way through the comparison Python's limit is reached, it's no equivalent document."""
    for depth in range(800, 1000):
        nested = '{"Sid": ' + "[" * depth + "]" * depth + ', "Statement": []}'
        assert decide("Update", live(-90), old=nested) == CONFIRMS
        assert not are_equivalent(nested, MINE)


@pytest.mark.parametrize(
    ("there", "given", "wanted"),
    [
        # None: the list may be late.
        (None, {}, Remove(None)),
        # Made after the request: another's; a time in the future proves only that clocks differ.
        (live(2.0), {}, GOES),
        (live(2.01), {}, Keep("it was created after this request, so it isn't this resource's")),
        (live(NOW), {}, Keep("it was created after this request, so it isn't this resource's")),
        (live(NOW + 0.01), {}, GOES),
        (live(2.01), {"tells_time": False}, GOES),
        (live(None), {}, GOES),
    ],
)
def test_a_delete(there: LivePolicy | None, given: dict[str, Any], wanted: Decision) -> None:
    """It deletes the policy that its ID names, whatever its document."""
    assert decide("Delete", there, **given) == wanted


def made_up(created: float | None, wanted: Decision, **given: Any) -> tuple[LivePolicy, dict[str, Any], Decision]:
    """Return a row about a policy that a canceled Create may have put."""
    return live(created), given, wanted


@pytest.mark.parametrize(
    ("there", "given", "wanted"),
    [
        # A Create may be denied for 30 seconds; each pause is half as long as all before it.
        (None, {"now": 1}, READS_AGAIN),
        (None, {"now": 18, "waited": 16.0}, Wait(8)),
        (None, {"now": 40, "waited": 39.5}, Wait(0.5)),
        (None, {"now": 41, "waited": 40.0}, Keep("there is no such policy")),
        # A Delete that comes late waits for nothing that it couldn't take for its Create's.
        (None, {"now": 46.5}, Wait(0.5)),
        (None, {"now": 47}, Keep("there is no such policy")),
        (None, {"now": 47, "tells_time": False}, READS_AGAIN),
        # If this Delete is throttled, so is the Create.
        (None, {"now": 400, "waited": 149.0, "was_throttled": True}, Wait(1)),
        (None, {"now": 400, "waited": 150.0, "was_throttled": True}, Keep("there is no such policy")),
        # Only a second delivery of the Create can put what has been removed.
        (None, {"has_removed": True}, Keep("there is no such policy")),
        # A Create that breaks a rule puts nothing.
        (None, {"violation": "no."}, Keep("there is no such policy")),
        made_up(-1, GOES, has_removed=True),
        (live(-1, FOREIGN), {}, NOT_ITS_OWN),
        made_up(None, NOT_ITS_OWN),
        # A Create runs at most for its ServiceTimeout, or fifteen minutes; five seconds are added where it is known.
        made_up(-905, MAY_COME_AGAIN),
        made_up(-905.01, NOT_ITS_OWN),
        made_up(-65, MAY_COME_AGAIN, timeout="60"),
        made_up(-65.01, NOT_ITS_OWN, timeout="60"),
        made_up(-905, MAY_COME_AGAIN, timeout="3600"),
        made_up(-905.01, NOT_ITS_OWN, timeout="3600"),
        made_up(-900, MAY_COME_AGAIN, timeout=None),
        made_up(-900.01, NOT_ITS_OWN, timeout=None),
        made_up(NOW - 900, MAY_COME_AGAIN, timeout=None, tells_time=False),
        made_up(NOW - 900.01, NOT_ITS_OWN, timeout=None, tells_time=False),
        # It may come after the request, as long as the Create may still try; what is younger is another's.
        made_up(45, MAY_COME_AGAIN),
        made_up(45.01, NOT_ITS_OWN),
        made_up(445, MAY_COME_AGAIN, was_throttled=True),
        made_up(445.01, NOT_ITS_OWN, was_throttled=True),
        made_up(NOW, MAY_COME_AGAIN, tells_time=False),
    ],
)
def test_a_delete_of_a_canceled_create(there: LivePolicy | None, given: dict[str, Any], wanted: Decision) -> None:
    """It deletes only what that Create can have put, by its document and its age."""
    assert decide("Delete of unknown", there, physical_id=MADE_UP, **given) == wanted


@pytest.mark.parametrize(("created", "wanted"), [(-160.0, MAY_COME_AGAIN), (-160.01, NOT_ITS_OWN)])
def test_a_delete_of_an_id_in_doubt(created: float, wanted: Decision) -> None:
    """The ID tells when its Create was requested: what is older by more than a minute is another's."""
    in_doubt = f"in-doubt:Sharing:request:{int(STARTED) - 100}-{int(STARTED)}"
    assert decide("Delete of unknown", live(created), physical_id=in_doubt) == wanted


@pytest.mark.parametrize(
    ("created", "wanted"),
    [(-20.0, MAY_COME_AGAIN), (-20.01, NOT_ITS_OWN), (45.0, MAY_COME_AGAIN), (45.01, NOT_ITS_OWN)],
)
def test_an_update_that_rolls_a_canceled_replacement_back(created: float, wanted: Decision) -> None:
    """It deletes only what was put too late for CloudFormation to receive its ID, and while that Update may try."""
    assert decide("Update that rolls back", live(created)) == wanted


def check(decided: Decision, wanted: Decision | str) -> None:
    """Hold a decision to what is wanted; a string is a part of what a rejection says."""
    if isinstance(wanted, str):
        assert isinstance(decided, Reject)
        assert says(decided.because, wanted), decided
    else:
        assert decided == wanted
