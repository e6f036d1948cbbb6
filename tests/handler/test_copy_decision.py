"""Where each rule of a copy's lifecycle begins and ends: one row is just within it, the next just beyond."""

from __future__ import annotations

from typing import Any

import pytest

from custom_resource.request import Request, in_doubt
from project_version_copy.decision import (
    Copy,
    Decision,
    Fail,
    Keep,
    Moment,
    Remove,
    Replace,
    Retag,
    Stop,
    Wait,
    decide_create,
    decide_delete,
    decide_delete_of_unknown,
    decide_update,
)
from project_version_copy.identity import Facts, Owner, PhysicalId, tags_of
from project_version_copy.properties import Properties
from project_version_copy.versions import LiveVersion
from rekognition.arns import ModelVersion, Project
from tests.handler.copy_stage import DESTINATION, MADE_UP, SOURCE, STACK, VERSION
from tests.handler.stage import STARTED

COPY = "arn:aws:rekognition:us-east-1:111122223333:project/copies/version/mine/1700000000000"
ANOTHER = COPY.replace("1700000000000", "1700000000001")
FACTS = Facts(VERSION, DESTINATION, "results", "", "")
OTHER_FACTS = Facts(VERSION, DESTINATION, "others", "", "")
OWNER = Owner(STACK, "Copy", "request")
AGAIN, LATER, NONE_HERE = Wait(2), Wait(10), Keep("there is no copy of this resource")
FINISHED = ("COPYING_COMPLETED", "STARTING", "RUNNING", "STOPPING", "STOPPED")
AT_WORK = ("COPYING_IN_PROGRESS", "TRAINING_IN_PROGRESS")
FAILED = ("COPYING_FAILED", "TRAINING_FAILED", "FAILED")
ENDED = ("EXPIRED", "DEPRECATED")


def wanted(**more: Any) -> Properties:
    """Return the properties of a copy."""
    return Properties(Project.parse(SOURCE), Project.parse(DESTINATION), FACTS, **{"version_name": "mine", **more})


def live(
    status: str = "COPYING_COMPLETED",
    *,
    arn: str = COPY,
    facts: Facts = FACTS,
    created: float = 0.0,
    owner: Owner | None = OWNER,
    tags: dict[str, str] | None = None,
    message: str = "",
) -> LiveVersion:
    """Return a live model version, made so many seconds after the request."""
    all_tags = {**(tags or {}), **(tags_of(owner, facts) if owner else {})}
    return LiveVersion(arn, ModelVersion.parse(arn).name, status, STARTED + created, facts, message, all_tags)


def at(
    now: float = 1.0, *, unchanged: float = 0.0, since: float = 0.0, own: str = "", made: float | None = None
) -> Moment:
    """Return the moment so many seconds after the request."""
    own_created = None if made is None else STARTED + made
    return Moment(STARTED + now, STARTED, STARTED + since, unchanged, own, own_created)


def check(decided: Decision, expected: Decision | str) -> None:
    """Hold a decision to what is expected; a string is a part of what a failure says."""
    if isinstance(expected, str):
        assert isinstance(decided, Fail)
        assert expected in decided.because
    else:
        assert decided == expected


MINE_AGAIN = {"adopt_existing": True}
NOT_ITS_OWN = live(owner=Owner(STACK, "Copy", "another"))


@pytest.mark.parametrize(
    ("there", "moment", "properties", "expected"),
    [
        # It begins within 150 seconds of its request, and not because of a list that is late.
        (None, at(150), {}, Copy()),
        (None, at(150.1), {}, AGAIN),
        (None, at(150.1, unchanged=1.9), {}, AGAIN),
        (None, at(150.1, unchanged=2), {}, "couldn't be begun within 150 seconds"),
        # Its own copy, which is followed to its end, or is gone.
        *((live(status), at(500, own=COPY), {}, LATER) for status in AT_WORK),
        *((live(status), at(500, own=COPY), {}, Keep("it is copied")) for status in FINISHED),
        *((live(status, message="Bad bucket"), at(500, own=COPY), {}, f"({status}): Bad bucket.") for status in FAILED),
        *((live(status), at(500, own=COPY), {}, "Rekognition gave no reason") for status in ENDED),
        (live("DELETING"), at(500, own=COPY), {}, "is being deleted by somebody else"),
        (None, at(500, own=COPY, unchanged=1.9), {}, AGAIN),
        (None, at(100, own=COPY, unchanged=2), {}, "was deleted while it was being copied"),
        (live(arn=ANOTHER), at(500, own=COPY, unchanged=1.9), {}, AGAIN),
        (live(arn=ANOTHER), at(500, own=COPY, unchanged=2), {}, "was deleted while it was being copied"),
        # Something else has the name.
        (live("DELETING", owner=None), at(150, unchanged=9), {}, AGAIN),
        (live("DELETING", owner=None), at(150.1, unchanged=9), {}, "already exists and wasn't changed"),
        (live(owner=None), at(unchanged=1.9), MINE_AGAIN, AGAIN),
        (live(owner=None), at(unchanged=2), {}, "already exists and wasn't changed"),
        (NOT_ITS_OWN, at(), {}, "already exists and wasn't changed"),
        (
            live(owner=None),
            at(unchanged=2),
            MINE_AGAIN,
            Keep("it existed and is a copy of the same, so it is adopted", adopted=True),
        ),
        (live(owner=None, facts=OTHER_FACTS), at(unchanged=2), MINE_AGAIN, "isn't a finished copy of the same"),
        *(
            (live(status, owner=None), at(200, unchanged=2), MINE_AGAIN, f"already exists ({status}) and isn't")
            for status in (*AT_WORK, *FAILED, *ENDED, "DELETING")
        ),
    ],
)
def test_a_create_or_replacement(
    there: LiveVersion | None, moment: Moment, properties: dict[str, Any], expected: Decision | str
) -> None:
    """It copies once, in time, and takes nothing else for its own copy."""
    check(decide_create(wanted(**properties), there, moment), expected)


TAGGED = {"team": "a", "x": "1"}


@pytest.mark.parametrize(
    ("there", "given", "properties", "expected"),
    [
        (None, {"unchanged": 1.9}, {}, AGAIN),
        (None, {"unchanged": 2}, {}, Replace()),
        (live(arn=ANOTHER), {"unchanged": 1.9}, {}, AGAIN),
        (live(arn=ANOTHER), {"unchanged": 2}, {}, Replace()),
        (live("DELETING"), {}, {}, Replace()),
        # Another name is another copy; the same name can't be of something else.
        (live(facts=OTHER_FACTS), {}, {"version_name": "yours"}, Replace()),
        (live(facts=OTHER_FACTS), {}, {}, "can't be replaced by a copy of something else under the same name"),
        (live(), {}, {"version_name": "yours"}, Replace()),
        (live(), {}, {"version_name": ""}, Keep("it is so already")),
        (live(facts=OTHER_FACTS), {}, {"version_name": ""}, Replace()),
        (live(facts=OTHER_FACTS), {"name": "mine"}, {"version_name": ""}, Keep("it is so already")),
        # What was adopted stays as it is; what this function has made is followed to its end.
        (live("COPYING_FAILED", tags=TAGGED), {"adopted": True}, {}, Keep("it was adopted, so it stays as it is")),
        *((live(status, tags=TAGGED), {}, {}, LATER) for status in AT_WORK),
        *((live(status, tags=TAGGED), {}, {}, "couldn't be copied") for status in FAILED),
        # Tags are changed in place.
        *((live(status), {}, {"tags": TAGGED}, Retag(TAGGED, ())) for status in (*FINISHED, *ENDED)),
        (live(tags=TAGGED), {}, {"tags": {"team": "b", "x": "1"}}, Retag({"team": "b"}, ())),
        (live(tags=TAGGED), {}, {"tags": {"x": "1"}}, Retag({}, ("team",))),
        (live(tags={"aws:x": "1"}), {}, {}, Keep("it is so already")),
        (live(), {"tags_changed": True, "unchanged": 1.9}, {}, AGAIN),
        (live(), {"tags_changed": True, "unchanged": 2}, {}, Keep("it is so already")),
    ],
)
def test_an_update(
    there: LiveVersion | None, given: dict[str, Any], properties: dict[str, Any], expected: Decision | str
) -> None:
    """What is live is compared with what is wanted, never the old properties."""
    asked = wanted(**properties)
    name = given.get("name", asked.version_name or "made-from-the-facts")
    physical_id = PhysicalId(ModelVersion.parse(COPY), given.get("adopted", False))
    moment = at(unchanged=given.get("unchanged", 0))
    tags_changed = given.get("tags_changed", False)
    check(decide_update(physical_id, asked, name, there, moment, tags_changed=tags_changed), expected)


RUNNING = "Stop it (StopProjectVersion) or set StopRunning"
REMOVALS = [
    *((status, False, Remove()) for status in ("COPYING_COMPLETED", "STOPPED", *AT_WORK, *FAILED, *ENDED)),
    *((status, stop, LATER) for status in ("DELETING", "STOPPING") for stop in (True, False)),
    ("STARTING", False, f"is running (STARTING) and was left as it is. {RUNNING}"),
    ("RUNNING", False, f"is running (RUNNING) and was left as it is. {RUNNING}"),
    ("STARTING", True, LATER),
    ("RUNNING", True, Stop()),
]


@pytest.mark.parametrize(("status", "stop_running", "expected"), REMOVALS)
def test_a_delete(status: str, stop_running: bool, expected: Decision | str) -> None:
    """By its ARN or as the copy of a canceled Create, what serves somebody is stopped only where asked."""
    check(decide_delete(COPY, live(status), at(), stop_running=stop_running), expected)
    request = Request("Delete", "delete", "Copy", MADE_UP, {}, {}, STARTED, STACK)
    for own in ("", COPY):
        properties = wanted(stop_running=stop_running)
        check(decide_delete_of_unknown(request, properties, live(status), at(own=own)), expected)


@pytest.mark.parametrize(
    ("there", "own", "expected"),
    [
        (None, "", Remove()),  # were it there after all, this deletes it
        (None, COPY, Keep("it is gone")),
        (live(arn=ANOTHER), "", Keep("it is gone; another one has its name, which isn't this resource's")),
    ],
)
def test_a_delete_of_what_is_gone(there: LiveVersion | None, own: str, expected: Decision) -> None:
    """The number at the end of the ARN tells one making from another."""
    assert decide_delete(COPY, there, at(own=own), stop_running=True) == expected


ANOTHERS = Keep("no Create of this resource made it")
ANOTHER_CREATES = Keep("it wasn't made by the Create that was canceled")
IN_DOUBT = in_doubt("Copy", "request", STARTED)


@pytest.mark.parametrize(
    ("there", "moment", "given", "expected"),
    [
        # The Create may begin until 150 seconds after its request, and its call may take twenty.
        (None, at(171.9), {}, AGAIN),
        (None, at(172), {}, NONE_HERE),
        (None, at(172, made=1), {}, NONE_HERE),
        (None, at(71.9, made=-100), {}, AGAIN),
        (None, at(72, made=-100), {}, NONE_HERE),
        # Whose it is, is what its tags say, which may show late.
        (live(owner=None), at(unchanged=1.9), {}, AGAIN),
        (live(owner=None), at(unchanged=2), {}, ANOTHERS),
        (live(owner=Owner("another", "Copy", "request")), at(), {}, ANOTHERS),
        (live(owner=Owner(STACK, "Another", "request")), at(), {}, ANOTHERS),
        (live("DELETING", owner=Owner("another", "Copy", "request")), at(171.9), {}, AGAIN),
        (live("DELETING", owner=Owner("another", "Copy", "request")), at(172), {}, ANOTHERS),
        # Which of the resource's Creates has made it, is told by when.
        (live(created=-960), at(), {"timeout": "900"}, Remove()),
        (live(created=-960.1), at(), {"timeout": "900"}, ANOTHER_CREATES),
        (live(created=-3660), at(), {}, Remove()),
        (live(created=-3660.1), at(), {}, ANOTHER_CREATES),
        (live(created=170), at(171, since=45), {}, Remove()),
        (live(created=170.1), at(171, since=45), {}, ANOTHER_CREATES),
        (live(created=30), at(171, since=45.1), {}, Remove()),
        (live(created=30.1), at(171, since=45.1), {}, ANOTHER_CREATES),
        # An ID in doubt names the request, whenever that was.
        (live(created=-9999), at(), {"physical_id": IN_DOUBT}, Remove()),
        (NOT_ITS_OWN, at(), {"physical_id": IN_DOUBT}, ANOTHER_CREATES),
    ],
)
def test_a_delete_of_a_canceled_create(
    there: LiveVersion | None, moment: Moment, given: dict[str, str], expected: Decision
) -> None:
    """It deletes only what that Create can have made, and waits for it."""
    asked = {"ServiceTimeout": given["timeout"]} if "timeout" in given else {}
    physical_id = given.get("physical_id", MADE_UP)
    request = Request("Delete", "delete", "Copy", physical_id, asked, {}, STARTED, STACK)
    assert decide_delete_of_unknown(request, wanted(), there, moment) == expected
