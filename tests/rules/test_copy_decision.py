"""Where each rule of a copy's lifecycle begins and ends: one row is just within it, the next just beyond."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from custom_resource.decision import Adopt, Keep, Reject, Wait
from custom_resource.request import Request
from project_version_copy.decision import (
    Copy,
    Decision,
    Observation,
    Remove,
    Replace,
    Retag,
    Stop,
    decide_create,
    decide_delete,
    decide_orphan,
    decide_update,
    is_made_for,
    is_orphan,
)
from project_version_copy.identity import CopyInputs, Owner, PhysicalId
from project_version_copy.properties import Properties
from project_version_copy.versions import LiveVersion
from rekognition.arns import ModelVersion, Project
from tests.rules.support import DESTINATION, MADE_UP, SOURCE, STACK, STARTED, VERSION, says

COPY = "arn:aws:rekognition:us-east-1:111122223333:project/copies/version/mine/1700000000000"
ANOTHER = COPY.replace("1700000000000", "1700000000001")
INPUTS = CopyInputs(VERSION, DESTINATION, "results", "", "")
OTHER_INPUTS = CopyInputs(VERSION, DESTINATION, "others", "", "")
OTHER_SOURCE = CopyInputs(VERSION.replace("v1", "v2"), DESTINATION, "results", "", "")
OWNER = Owner(STACK, "Copy", "request")
AGAIN, LATER, NONE_HERE = Wait(2), Wait(10), Keep("there is no copy of this resource")
MATCHES = Keep("it already matches the template")
FINISHED = ("COPYING_COMPLETED", "STARTING", "RUNNING", "STOPPING", "STOPPED", "FAILED")
AT_WORK = ("COPYING_IN_PROGRESS", "TRAINING_IN_PROGRESS")
FAILED = ("COPYING_FAILED", "TRAINING_FAILED")
ENDED = ("EXPIRED", "DEPRECATED")


def wanted(**more: Any) -> Properties:
    """Return the properties of a copy."""
    return Properties(Project.parse(SOURCE), Project.parse(DESTINATION), INPUTS, **{"version_name": "mine", **more})


def live(
    status: str = "COPYING_COMPLETED",
    *,
    arn: str = COPY,
    inputs: CopyInputs = INPUTS,
    digest: str = "",
    created: float = 0.0,
    owner: Owner | None = OWNER,
    tags: dict[str, str] | None = None,
    message: str = "",
) -> LiveVersion:
    """Return a live model version, made so many seconds after the request."""
    all_tags = {**(tags or {}), **(owner.tags if owner else {})}
    if digest:
        all_tags["rekognition-version-copy:inputs"] = digest
    return LiveVersion(arn, ModelVersion.parse(arn).name, status, STARTED + created, inputs, message, all_tags)


def at(now: float = 1.0, *, unchanged: float = 0.0, own: str = "") -> Observation:
    """Return what is observed so many seconds after the request."""
    return Observation(STARTED + now, STARTED, unchanged, own)


def asked(
    kind: str = "Create", physical_id: str = "", timeout: str = "3600", *, time: float | None = STARTED
) -> Request:
    """Return a request for the copy."""
    return Request(kind, "request", "Copy", physical_id, {"ServiceTimeout": timeout}, {}, time, STACK)


def check(decided: Decision, expected: Decision | str) -> None:
    """Hold a decision to what is expected; a string is a part of what a failure says."""
    if isinstance(expected, str):
        assert isinstance(decided, Reject)
        assert says(decided.because, expected), decided
    else:
        assert decided == expected


MINE_AGAIN = {"adopt_existing": True}
ANOTHER_REQUESTS = Owner(STACK, "Copy", "another")
ANOTHER_STACKS = Owner("another", "Copy", "request")
RESPONDED = "rekognition-version-copy:responded"


def responded(after: float, *, asked: float = 0.0) -> dict[str, str]:
    """Return the tag of a copy whose request came, and was responded, so many seconds after ``STARTED``."""
    return {RESPONDED: f"{int(STARTED + asked)}-{int(STARTED + after)}"}


MARKED = Retag(
    COPY,
    {
        "rekognition-version-copy:stack": STACK,
        "rekognition-version-copy:resource": "Copy",
        "rekognition-version-copy:request": "request",
        **responded(500),
    },
)


@pytest.mark.parametrize(
    ("there", "observation", "properties", "expected"),
    [
        # It starts within 150 seconds of its request, and not because of a list that is late.
        (None, at(150), {}, Copy(wanted())),
        (None, at(150.1), {}, AGAIN),
        (None, at(150.1, unchanged=1.9), {}, AGAIN),
        (None, at(150.1, unchanged=2), {}, "within 150 seconds …, continue it (…)… make fewer, because each"),
        # Its own copy, which is followed to its end, or is gone.
        *((live(status), at(500, own=COPY), {}, LATER) for status in AT_WORK),
        *((live(status), at(500, own=COPY), {}, MARKED) for status in FINISHED),
        *(
            (live(status, message="Bad."), at(500, own=COPY), {}, Reject(f"couldn't be copied ({status}): Bad."))
            for status in FAILED
        ),
        *((live(status), at(500, own=COPY), {}, "Rekognition gave no reason.") for status in ENDED),
        (live("DELETING"), at(500, own=COPY), {}, "is being deleted, by somebody else or by a rollback. Deploy"),
        (None, at(500, own=COPY, unchanged=1.9), {}, AGAIN),
        (None, at(100, own=COPY, unchanged=2), {}, "was deleted while it was being copied. Deploy again."),
        (live(arn=ANOTHER), at(500, own=COPY, unchanged=1.9), {}, AGAIN),
        (live(arn=ANOTHER), at(500, own=COPY, unchanged=2), {}, "was deleted while it was being copied"),
        # Something else has the name.
        (live("DELETING", owner=None), at(150, unchanged=9), {}, AGAIN),
        (live("DELETING", owner=None), at(150.1, unchanged=9), {}, "already exists and wasn't changed"),
        (live(owner=None), at(unchanged=1.9), MINE_AGAIN, AGAIN),
        (live(owner=None), at(unchanged=2), {}, "exists and wasn't changed. Choose another VersionName, or leave"),
        (live(owner=ANOTHER_STACKS), at(), {}, "retain it where it is now (DeletionPolicy: Retain), then"),
        (live(owner=ANOTHER_REQUESTS), at(), {}, "name this resource: an …CloudFormation retained …; or, to"),
        *(
            (live(status, owner=ANOTHER_REQUESTS), at(), {}, f"({status}): …. Delete it (…), then deploy again")
            for status in FAILED
        ),
        (live(owner=None), at(unchanged=2), MINE_AGAIN, Adopt()),
        (live(owner=ANOTHER_REQUESTS), at(), MINE_AGAIN, Adopt()),
        # A tag isn't believed of what is to be adopted: only what Describe shows is compared.
        (
            live(owner=ANOTHER_STACKS, inputs=OTHER_INPUTS, digest=INPUTS.digest),
            at(unchanged=2),
            MINE_AGAIN,
            "isn't a finished copy of the same, so it wasn't adopted. Choose another VersionName, or leave it out.",
        ),
        *(
            (live(status, owner=None), at(200, unchanged=2), MINE_AGAIN, f"already exists ({status}) and isn't")
            for status in (*AT_WORK, *FAILED, *ENDED, "DELETING")
        ),
    ],
)
def test_a_create_or_replacement(
    there: LiveVersion | None, observation: Observation, properties: dict[str, Any], expected: Decision | str
) -> None:
    """It copies once, in time, and takes nothing else for its own copy."""
    check(decide_create(asked(), wanted(**properties), there, observation), expected)


@pytest.mark.parametrize(
    ("there", "properties", "time", "is_its_own"),
    [
        (live(), {}, STARTED, True),
        (live(created=-60), {}, STARTED, True),
        (live(created=-60.1), {}, STARTED, False),  # it was there before the request whose ID its tags have
        (live(created=170), {}, STARTED, True),
        (live(created=170.1), {}, STARTED, False),  # it began later than any delivery of that request may
        (live(created=-9999), {}, None, True),
        (live(owner=None), {}, STARTED, False),
        (live(owner=ANOTHER_STACKS), {"version_name": ""}, STARTED, False),
        (live(owner=Owner(STACK, "Another", "request")), {"version_name": ""}, STARTED, False),
        # What a canceled deployment left is taken over under the default name, if the same would be made.
        (live(owner=ANOTHER_REQUESTS, created=-9999), {"version_name": ""}, STARTED, True),
        (live(owner=ANOTHER_REQUESTS, inputs=OTHER_INPUTS), {"version_name": ""}, STARTED, False),
        (live(owner=ANOTHER_REQUESTS, tags=responded(0)), {"version_name": ""}, STARTED, False),
        (live("COPYING_FAILED", owner=ANOTHER_REQUESTS), {"version_name": ""}, STARTED, True),
        (live("DELETING", owner=ANOTHER_REQUESTS), {"version_name": ""}, STARTED, False),
        (live(owner=ANOTHER_REQUESTS), {}, STARTED, False),
    ],
)
def test_whose_a_model_version_is(
    there: LiveVersion, properties: dict[str, Any], time: float | None, is_its_own: bool
) -> None:
    """A tag that somebody else sets makes nothing of another age, or of another name, a Create's own."""
    assert is_made_for(asked(time=time), wanted(**properties), there, STARTED) == is_its_own


@pytest.mark.parametrize(("after", "is_its_own"), [(-21, False), (-20, True), (20, True), (21, False)])
def test_an_update_takes_over_what_was_responded_in_vain(after: float, is_its_own: bool) -> None:
    """As the canceled Update's copy in place of one that was deleted by hand."""
    there = live(owner=ANOTHER_REQUESTS, tags=responded(after, asked=1))
    assert is_made_for(asked("Update"), wanted(version_name=""), there, STARTED) == is_its_own


@pytest.mark.parametrize("status", [*FAILED, "DELETING"])
def test_an_update_does_not_take_over_what_has_failed(status: str) -> None:
    """A rollback would fail each time that it is continued."""
    there = live(status, owner=ANOTHER_REQUESTS)
    assert not is_made_for(asked("Update"), wanted(version_name=""), there, STARTED)


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
        (live(inputs=OTHER_INPUTS), {}, {"version_name": "yours"}, Replace()),
        (live(inputs=OTHER_INPUTS), {}, {}, "of something else under the same name. Choose another VersionName"),
        (live(), {}, {"version_name": "yours"}, Replace()),
        (live(), {}, {"version_name": ""}, MATCHES),
        (live(inputs=OTHER_INPUTS), {}, {"version_name": ""}, Replace()),
        (live(inputs=OTHER_INPUTS), {"name": "mine"}, {"version_name": ""}, MATCHES),
        # Its inputs are what its tag says, however Describe shows them; but for its source, and for an adopted one.
        (live(inputs=replace(INPUTS, key_prefix="shown/longer"), digest=INPUTS.digest), {}, {}, MATCHES),
        (live(inputs=replace(INPUTS, bucket=""), digest=INPUTS.digest), {}, {}, MATCHES),
        *(
            (live(inputs=replace(INPUTS, **shown), digest=INPUTS.digest), {}, {}, "copy of something else under the")
            for shown in ({"bucket": "others"}, {"kms_key": "alias/theirs"})
        ),
        (live(digest=OTHER_INPUTS.digest), {}, {}, "can't be replaced by a copy of something else"),
        (live(inputs=OTHER_SOURCE, digest=INPUTS.digest), {}, {}, "can't be replaced by a copy of something else"),
        (
            live(inputs=OTHER_INPUTS, digest=INPUTS.digest),
            {"adopted": True},
            {},
            "can't be replaced by a copy of something else",
        ),
        # What was adopted stays as it is; what this function has made is followed to its end.
        (live("COPYING_FAILED", tags=TAGGED), {"adopted": True}, {}, Keep("it was adopted, so it stays as it is")),
        *((live(status, tags=TAGGED), {}, {}, LATER) for status in AT_WORK),
        *((live(status, tags=TAGGED), {}, {}, Replace()) for status in FAILED),
        # Tags are changed in place, and only those that the stack has set.
        *((live(status), {}, {"tags": TAGGED}, Retag(COPY, TAGGED)) for status in (*FINISHED, *ENDED)),
        (live(tags=TAGGED), {"old": TAGGED}, {"tags": {"team": "b", "x": "1"}}, Retag(COPY, {"team": "b"})),
        (live(tags=TAGGED), {"old": TAGGED}, {"tags": {"x": "1"}}, Retag(COPY, {}, ("team",))),
        (live(tags=TAGGED), {"old": {"x": "2"}}, {}, Retag(COPY, {}, ("x",))),
        (live(tags=TAGGED), {}, {}, MATCHES),
        (live(), {"old": TAGGED, "unchanged": 1.9}, {}, AGAIN),
        (live(), {"old": TAGGED, "unchanged": 2}, {}, MATCHES),
    ],
)
def test_an_update(
    there: LiveVersion | None, given: dict[str, Any], properties: dict[str, Any], expected: Decision | str
) -> None:
    """What is live is compared with what is wanted; the old properties only tell which tags were the stack's."""
    asks = wanted(**properties)
    name = given.get("name", asks.version_name or "made-from-the-inputs")
    physical_id = PhysicalId(ModelVersion.parse(COPY), given.get("adopted", False))
    observation = at(unchanged=given.get("unchanged", 0))
    check(decide_update(physical_id, asks, name, there, observation, old_tags=given.get("old", {})), expected)


RUNNING = "Stop it (StopProjectVersion) or set StopRunning"
REMOVALS = [
    *(
        (status, False, Remove(COPY))
        for status in ("COPYING_COMPLETED", "STOPPED", "FAILED", *AT_WORK, *FAILED, *ENDED)
    ),
    *((status, stop, LATER) for status in ("DELETING", "STOPPING") for stop in (True, False)),
    ("STARTING", False, f"is running (STARTING) and was left as it is. {RUNNING}"),
    ("RUNNING", False, f"is running (RUNNING) and was left as it is. {RUNNING}"),
    ("STARTING", True, LATER),
    ("RUNNING", True, Stop(COPY)),
]


@pytest.mark.parametrize(("status", "stop_running", "expected"), REMOVALS)
def test_a_delete(status: str, stop_running: bool, expected: Decision | str) -> None:
    """By its ARN or as what a canceled Create left, what serves somebody is stopped only if asked."""
    check(decide_delete(COPY, live(status), at(), stop_running=stop_running), expected)
    check(
        decide_orphan(asked("Delete", MADE_UP), live(status), at(own=COPY), stop_running=stop_running),
        expected,
    )


@pytest.mark.parametrize(
    ("there", "own", "expected"),
    [
        (None, "", Remove(COPY)),  # were it there after all, this deletes it
        (None, COPY, Keep("it is gone")),
        (live(arn=ANOTHER), "", Keep("it is gone; another one has its name, which isn't this resource's")),
    ],
)
def test_a_delete_of_what_is_gone(there: LiveVersion | None, own: str, expected: Decision) -> None:
    """The number at the end of the ARN tells one making from another."""
    assert decide_delete(COPY, there, at(own=own), stop_running=True) == expected


NOT_LEFT = Keep("no canceled deployment of this resource left it")


@pytest.mark.parametrize(
    ("there", "observation", "kind", "expected"),
    [
        # What was canceled may start to copy for a while, and its call may take twenty seconds.
        (None, at(171.9), "Delete", AGAIN),
        (None, at(172), "Delete", NONE_HERE),
        (None, at(21.9), "Update", AGAIN),
        (None, at(22), "Update", NONE_HERE),
        (None, at(21.9, own=COPY), "Delete", AGAIN),
        (None, at(22, own=COPY), "Delete", NONE_HERE),
        # Whose a model version is, is what its tags say, which may show late.
        (live(owner=None), at(21.9, unchanged=9), "Delete", AGAIN),
        (live(owner=None), at(22, unchanged=9), "Delete", NOT_LEFT),
        (live(owner=None, created=90), at(100, unchanged=1.9), "Delete", AGAIN),
        (live(owner=None, created=90), at(100, unchanged=2), "Delete", NOT_LEFT),
        (live(owner=None, created=-3660.1), at(), "Delete", NOT_LEFT),
        (live(), at(), "Delete", NOT_LEFT),
        (live("DELETING"), at(171.9), "Delete", AGAIN),
        (live("DELETING"), at(172), "Delete", NOT_LEFT),
    ],
)
def test_what_a_canceled_deployment_left_is_waited_for(
    there: LiveVersion | None, observation: Observation, kind: str, expected: Decision
) -> None:
    """It is waited for as long as what was canceled may still run, and no longer once it was found."""
    assert decide_orphan(asked(kind, MADE_UP), there, observation, stop_running=False) == expected


IN_DOUBT = "in-doubt:Copy:another:1699994990-1699995000"
LOOKS_LIKE = "in-doubt:Copy:one:another:1700000000-1700000000"


@pytest.mark.parametrize(
    ("there", "request_", "is_left"),
    [
        # Which of the resource's Creates has made it, is told by when.
        (live(created=-960, owner=ANOTHER_REQUESTS), asked("Delete", MADE_UP, "900"), True),
        (live(created=-960.1, owner=ANOTHER_REQUESTS), asked("Delete", MADE_UP, "900"), False),
        (live(created=-3660, owner=ANOTHER_REQUESTS), asked("Delete", MADE_UP, "forever"), True),
        (live(created=-3660.1, owner=ANOTHER_REQUESTS), asked("Delete", MADE_UP, "forever"), False),
        (live(created=170, owner=ANOTHER_REQUESTS), asked("Delete", MADE_UP), True),
        (live(created=170.1, owner=ANOTHER_REQUESTS), asked("Delete", MADE_UP), False),
        (live(created=-60, owner=ANOTHER_REQUESTS), asked("Update", COPY), True),
        # In a rollback a later start isn't waited for: what is younger is the next deployment's.
        (live(created=20, owner=ANOTHER_REQUESTS), asked("Update", COPY), True),
        (live(created=20.1, owner=ANOTHER_REQUESTS), asked("Update", COPY), False),
        # An ID in doubt names its request exactly, and when that gave up.
        (live(created=-5000, owner=ANOTHER_REQUESTS), asked("Delete", IN_DOUBT), True),
        (live(created=-5070, owner=ANOTHER_REQUESTS), asked("Delete", IN_DOUBT), True),
        (live(created=-5070.1, owner=ANOTHER_REQUESTS), asked("Delete", IN_DOUBT), False),
        (live(created=-4829, owner=ANOTHER_REQUESTS), asked("Delete", IN_DOUBT), False),
        (live(created=-5000), asked("Delete", IN_DOUBT), False),
        (live(owner=ANOTHER_REQUESTS), asked("Delete", LOOKS_LIKE), False),
        (live(owner=Owner(STACK, "Copy", "Copy")), asked("Delete", IN_DOUBT.replace("another", "one")), False),
        # Another resource's, one that CloudFormation has received, and a copy of something else.
        (live(owner=ANOTHER_STACKS), asked("Delete", MADE_UP), False),
        (live(owner=Owner(STACK, "Another", "request")), asked("Delete", MADE_UP), False),
        (live(owner=None), asked("Delete", MADE_UP), False),
        (
            live(owner=ANOTHER_REQUESTS, tags={RESPONDED: "x"}),
            asked("Delete", MADE_UP),
            False,
        ),
        (live(owner=ANOTHER_REQUESTS, tags=responded(-21)), asked("Delete", MADE_UP), False),
        # CloudFormation may have canceled it before the response came; it has, if that came later than this request,
        # but for the next deployment's.
        (live(created=100, owner=ANOTHER_REQUESTS, tags=responded(999)), asked("Delete", MADE_UP), True),
        (live(created=2, owner=ANOTHER_REQUESTS, tags=responded(21, asked=1)), asked("Delete", MADE_UP), False),
        *(
            (live(owner=ANOTHER_REQUESTS, tags=responded(when)), asked("Delete", MADE_UP), True)
            for when in (-10, 0, 10)
        ),
        (live(owner=ANOTHER_REQUESTS, inputs=OTHER_SOURCE), asked("Delete", MADE_UP), False),
    ],
)
def test_what_a_canceled_deployment_left(there: LiveVersion, request_: Request, is_left: bool) -> None:
    """Its tags, its source and its age say so together: others can set tags."""
    assert is_orphan(request_, wanted(), there, requested_at=STARTED) == is_left
