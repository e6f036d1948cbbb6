"""The cases of a copy: docs/maintainers/copy-lifecycle.md's table "Case by case" and its known limitations, as data."""

from __future__ import annotations

from functools import partial
from typing import Any

from tests.lifecycle.cases import (
    BACK,
    DIES,
    DONE,
    FAILED,
    FAILS_LAST,
    HANGS,
    LOST_AFTER,
    LOST_BEFORE,
    MADE,
    SAME,
    Attempt,
    Both,
    Case,
    Copy,
    Delete,
    Delivery,
    Deploy,
    Other,
    Somebody,
    Step,
    Template,
    Wait,
    case,
    fails_after,
    meets,
    once,
    row,
    with_other,
)

ONE: Template = {"Copy": Copy()}
NAMED: Template = {"Copy": Copy(name="mine")}
ANOTHER: Template = {"Copy": Copy("v2")}
ADOPTING: Template = {"Copy": Copy(name="mine", adopt_existing=True)}
EXISTS: tuple[Step, ...] = (Deploy(ONE, MADE), Wait())
THERE: tuple[Step, ...] = (Somebody("copies"), Wait())
"""Another's finished copy under the name."""
DEAD = (meets(dies_after=1), meets(dies_after=0), meets(dies_after=0))
OVERLAPS = {"reverse_update_overlaps": True}
TOO_LONG = "COPYING_IN_PROGRESS after as long as CloudFormation waits. A longer copy can't be a custom resource."
DENIED_FIRST = (Somebody("denies"), Somebody("allows", after=90))


def copying(seconds: float, title: str, live: tuple[str, ...], *steps: Step, **more: Any) -> Case:
    """Return a case in which copying takes so long."""
    return case(title, live, *steps, **{**more, "service": {"copying_time": seconds, **more.get("service", {})}})


quick = partial(copying, 60)


def canceled(seconds: float, **copy: Any) -> Template:
    """Return a template in which another resource fails after so many seconds."""
    return {"Copy": Copy(**copy), "Other": fails_after(seconds)}


ROWS = (
    row(
        "stack created",
        "Create",
        "a finished copy",
        copying(1500, "over three runs", ("v1",), *EXISTS[:1]),
        quick("of a policy that comes a little later", ("v1",), *DENIED_FIRST, Deploy(ONE, MADE)),
        quick("one of two of the same", ("v1", "v1"), Deploy({"A": Copy(), "B": Copy()}, MADE)),
    ),
    row(
        "created, but another model version has the name, or the source's policy doesn't come",
        "Create, Delete (marker or in doubt)",
        "what was there, untouched",
        quick(
            "another's",
            ("another's v1",),
            *THERE,
            Deploy(NAMED, FAILED, reason="already exists"),
            sent="Create, Delete (in doubt)",
        ),
        quick(
            "another stack's",
            ("v1",),
            Deploy(NAMED, MADE),
            Deploy(NAMED, FAILED, stack="two"),
            sent="Create, Delete (marker)",
        ),
        *(
            quick(
                f"nothing can be read: {fault}",
                (),
                Deploy({"Copy": Copy(service_timeout=900)}, FAILED, once("Create", *[meets(*[fault] * 999)] * 2)),
                service={"denied_by_organization": "rekognition:DescribeProjectVersions"} if "Denied" in fault else {},
                sent="Create, Delete (marker)",
            )
            for fault in ("AccessDeniedException", LOST_BEFORE)
        ),
        quick(
            "denied",
            (),
            Somebody("denies"),
            Deploy(ONE, FAILED, reason="project policy of the source project"),
            sent="Create, Delete (marker)",
        ),
    ),
    row(
        "created, but another resource fails, or the copy fails or takes too long",
        "Create, Delete (ID)",
        "nothing of the stack",
        quick("another resource", (), Deploy(with_other(ONE, FAILS_LAST), FAILED)),
        quick("the copy", (), Deploy(ONE, FAILED, reason="COPYING_FAILED"), service={"copying_ends": "COPYING_FAILED"}),
        copying(1200, "too long", (), Deploy({"Copy": Copy(service_timeout=900)}, FAILED, reason=TOO_LONG)),
    ),
    row(
        "the same, while it copies, or if it never responds",
        "Create, Delete (an ID that CloudFormation made up)",
        "nothing of the stack",
        *(
            copying(
                1500 if moment > 60 else 60,  # several runs only where one hands over meanwhile
                f"canceled after {moment}, name {name}, a copy in progress: {switch}",
                (),
                Deploy(canceled(moment, name=name), FAILED),
                service={"delete_while_copying": switch, "tags_lag": 1.5},
            )
            for moment in (0.05, 0.15, 0.2, 0.3, 0.5, 30.0, 599.0, 601.0, 1499.0)
            for name, switch in ((None, "reject"), ("mine", "delete"))
        ),
        quick("canceled while it is denied", (), *DENIED_FIRST, Deploy(canceled(5), FAILED)),
        quick(
            "canceled while nothing can be read",
            (),
            Deploy(canceled(5), FAILED),
            service={"denied_by_organization": "rekognition:DescribeProjectVersions"},
        ),
        quick(
            "canceled while nothing can be reached",
            (),
            Deploy(
                canceled(5, service_timeout=900),
                FAILED,
                {kind: (Delivery(attempts=(meets(*[LOST_BEFORE] * 999),) * 3),) for kind in ("Create", "Delete")},
            ),
        ),
        quick("comes again", (), Deploy(canceled(3), FAILED, once("Create", repeats=(10,)))),
        *(
            quick(f"canceled after {moment}, its Delete is late", (), Deploy(canceled(moment), FAILED, late))
            for moment, late in ((30, once("Delete", delay=60)), (0.1, once("Delete", delay=100)))
        ),
        case("no response", (), Deploy(ONE, FAILED, once("Create", *DEAD))),
    ),
    row(
        "created with `AdoptExisting`, and a finished copy of the same exists",
        "Create",
        "that copy, untouched",
        quick("is adopted", ("another's v1",), *THERE, Deploy(ADOPTING, MADE)),
        quick(
            "and another resource fails",
            ("another's v1",),
            *THERE,
            Deploy(with_other(ADOPTING, FAILS_LAST), FAILED),
            sent="Create, Delete (adopted ID)",
        ),
        quick(
            "and it is of something else",
            ("another's v1",),
            *THERE,
            Deploy({"Copy": Copy("v2", "mine", adopt_existing=True)}, FAILED, reason="isn't a finished copy of the"),
            sent="Create, Delete (in doubt)",
        ),
    ),
    row(
        "tags changed",
        "Update (ID)",
        "the same copy, with the template's tags",
        quick("in place", ("v1",), *EXISTS, Deploy({"Copy": Copy(tags={"team": "a"})}, DONE)),
        quick(
            "and back in a rollback",
            ("v1",),
            *EXISTS,
            Deploy({"Copy": Copy(tags={"team": "a"}), "Other": FAILS_LAST}, BACK),
            sent="Update (ID), Update (ID) back",
        ),
        # An Update that waited for what another one may do would set them after its rollback.
        quick(
            "and back in a rollback, and its Update came twice",
            ("v1",),
            *EXISTS,
            Deploy({"Copy": Copy(tags={"team": "a"}), "Other": FAILS_LAST}, BACK, once("Update", repeats=(0.1,))),
            sent="Update (ID), Update (ID) back",
        ),
        quick(
            "and canceled, and it sets them only after its rollback has read",
            ("v1",),
            *EXISTS,
            Deploy(canceled(0.05, tags={"team": "a"}), BACK, once("Update", delay=4)),
            behavior=OVERLAPS,
            sent="Update (ID), Update (ID) back",
        ),
        quick(
            "of a copy whose start failed",
            ("v1",),
            *EXISTS,
            Somebody("starts", ""),
            Wait(),
            Deploy({"Copy": Copy(tags={"team": "a"})}, DONE),
            service={"starting_ends": "FAILED"},
        ),
    ),
    row(
        "source, bucket, name or project changed; copy deleted by hand",
        "Update (ID), cleanup Delete (old ID)",
        "the new copy only",
        case("source", ("v2",), *EXISTS, Deploy(ANOTHER, DONE)),
        quick("bucket", ("v1",), *EXISTS, Deploy({"Copy": Copy(bucket="others")}, DONE)),
        quick("name", ("v2",), Deploy(NAMED, MADE), Deploy({"Copy": Copy("v2", "yours")}, DONE)),
        quick("project", ("v1",), Deploy(NAMED, MADE), Deploy({"Copy": Copy(name="mine", destination="other")}, DONE)),
        quick(
            "the cleanup has the new properties",
            ("v2",),
            Deploy(NAMED, MADE),
            Deploy({"Copy": Copy("v2", "yours")}, DONE),
            behavior={"cleanup_has_new_properties": True},
        ),
        *(
            quick(
                f"deleted by hand, name {name}",
                ("v1",),
                Deploy({"Copy": Copy(name=name)}, MADE),
                Wait(),
                Somebody("deletes", ""),
                Deploy({"Copy": Copy(name=name, tags={"a": "b"})}, DONE),
            )
            for name in (None, "mine")
        ),
    ),
    row(
        "the same, but another resource fails, or the copy fails",
        "Update (ID), cleanup Delete (new ID)",
        "the old copy, untouched",
        quick("another resource", ("v1",), *EXISTS, Deploy(with_other(ANOTHER, FAILS_LAST), BACK)),
        quick("while it copies, and CloudFormation waits", ("v1",), *EXISTS, Deploy(canceled(30, source="v2"), BACK)),
    ),
    row(
        "the same, canceled while it copies or without a response; another source under the same `VersionName`; denied",
        "Update (ID), Update (ID) back",
        "the old copy, untouched",
        *(
            case(
                f"canceled after {moment}, name {name}, and deployed again",
                ("v2",),
                *EXISTS,
                Deploy(canceled(moment, source="v2", name=name), BACK),
                Deploy({"Copy": Copy("v2", name)}, DONE),
                behavior=OVERLAPS,
                service={"delete_while_copying": switch, "tags_lag": 1.5},
                sent="Update (ID), cleanup Delete (old ID)",
            )
            for moment in (0.05, 0.3, 30.0, 59.0, 63.0)
            for name, switch in ((None, "reject"), ("mine", "delete"))
        ),
        quick(
            "no response",
            ("v1",),
            *EXISTS,
            Deploy(ANOTHER, BACK, once("Update", meets(dies_after=6), meets(dies_after=0), meets(dies_after=0))),
        ),
        quick(
            "canceled after 30 seconds, and its rollback is late",
            ("v1",),
            Deploy(ONE, MADE),
            Deploy(canceled(30, source="v2"), BACK, {"Update": (Delivery(), Delivery(delay=60))}),
            behavior=OVERLAPS,
        ),
        quick(
            "it copies only after its rollback has read",
            ("v1",),
            *EXISTS,
            Deploy(canceled(0.05, source="v2"), BACK, once("Update", delay=5)),
            behavior=OVERLAPS,
        ),
        quick(
            "the same name",
            ("v1",),
            Deploy(NAMED, MADE),
            Deploy({"Copy": Copy("v2", "mine")}, BACK, reason="under the same name"),
        ),
        # Its rollback finds a copy of this resource under that name, as young and of the same source: its own.
        quick(
            "the same name, another bucket",
            ("v1",),
            Deploy(NAMED, MADE),
            Deploy({"Copy": Copy(bucket="others", name="mine")}, BACK, reason="under the same name"),
        ),
        quick("rejected", ("v1",), *EXISTS, Deploy({"Copy": Copy(name="no good")}, BACK, reason="VersionName")),
        quick("denied", ("v1",), *EXISTS, Somebody("denies"), Deploy(ANOTHER, BACK, reason="AccessDeniedException")),
        quick(
            "deleted by hand, so that its rollback copies anew",
            ("v1",),
            *EXISTS,
            Somebody("deletes", ""),
            Deploy(canceled(30, source="v2"), BACK),
            behavior=OVERLAPS,
        ),
        # The copy that the canceled Update has made in its place has the same name, and other tags.
        *(
            quick(
                f"deleted by hand, and canceled after {seconds} seconds",
                ("v1",),
                *EXISTS,
                Somebody("deletes", ""),
                Deploy(canceled(seconds, tags={"team": "b"}), BACK),
                behavior=OVERLAPS,
            )
            for seconds in (60.0, 92.5)  # while it copies, and when it has responded in vain
        ),
    ),
    row(
        "stack deleted",
        "Delete (ID)",
        "nothing of the stack",
        quick("at once", (), *EXISTS, Delete()),
        quick("deleted by hand", (), *EXISTS, Somebody("deletes", ""), Delete()),
        quick(
            "running, and `StopRunning`",
            (),
            Deploy({"Copy": Copy(stop_running=True)}, MADE),
            Somebody("starts", ""),
            Delete(),
        ),
    ),
    row(
        "stack deleted while the copy is running, without `StopRunning`",
        "Delete (ID)",
        "the copy, running",
        quick("fails", ("v1",), *EXISTS, Somebody("starts", ""), Delete("DELETE_FAILED", reason="is running")),
    ),
    row(
        "stack deleted, with `DeletionPolicy: Retain`",
        "nothing",
        "the copy, orphaned",
        quick("retained", ("v1",), Deploy({"Copy": Copy(retain=True)}, MADE), Delete()),
        *(
            copying(
                0,
                f"and a Create of its resource is canceled {later} seconds later",
                ("v1",),
                Deploy({"Copy": Copy(retain=True)}, MADE),
                Deploy({}, DONE),
                Wait(later),
                Deploy(canceled(0.05), BACK),
                sent="Create, Delete (an ID that CloudFormation made up)",
            )
            for later in (30, 3600, 86_400)
        ),
    ),
    row(
        "stack deleted, with an adopted copy",
        "Delete (adopted ID)",
        "the copy, orphaned",
        quick("adopted", ("another's v1",), *THERE, Deploy(ADOPTING, MADE), Delete()),
    ),
    row(
        "an event comes twice, or an attempt fails and is retried",
        SAME,
        "as after the first",
        *(
            case(
                f"comes again {again}, list {versions_lag} and tags {tags_lag} late",
                ("v1",),
                Deploy(ONE, MADE, once("Create", repeats=again)),
                service={"versions_lag": versions_lag, "tags_lag": tags_lag},
            )
            for again in ((0.0,), (0.05, 0.1), (1.0, 60.0), (100.0, 700.0))
            for versions_lag, tags_lag in ((0.0, 0.0), (0.0, 1.5), (1.5, 1.5))
        ),
        *(
            case(f"an attempt {title}", ("v1",), Deploy(ONE, MADE, once("Create", *attempts)))
            for title, attempts in {
                "dies before it copies": [meets(dies_before=1)],
                "dies after it copied": [meets(dies_after=1)],
                "dies twice": [meets(dies_after=1), meets(dies_after=0)],
                "dies late": [meets(dies_before=20), meets(dies_before=5)],
                "dies in every other run": [meets(dies_after=60), Attempt(), meets(dies_after=30)],
                "dies before it responds": [Attempt(), Attempt(), meets(responses=(503, DIES))],
                "loses a response": [meets("", LOST_AFTER)],
                "meets everything": [
                    meets(
                        LOST_BEFORE,
                        LOST_BEFORE,
                        HANGS,
                        "ThrottlingException",
                        "InternalServerError",
                        "AccessDeniedException",
                    )
                ],
            }.items()
        ),
        quick("two stacks want one name", ("v1",), Both(Deploy(NAMED, MADE), Deploy(NAMED, FAILED, stack="two"), 5.0)),
    ),
)
"""docs/maintainers/copy-lifecycle.md, "Case by case"."""

FURTHER = (
    quick(
        "a copy whose response was lost is told to the next deployment, which works once it is deleted",
        ("another's v1", "v1"),
        Deploy({"Copy": Copy(name="first")}, MADE),
        Wait(),
        Deploy({"Copy": Copy(name="mine")}, BACK, once("Update", *[meets(responses=(DIES,))] * 3)),
        Deploy({"Copy": Copy(name="mine")}, BACK, reason="Delete it (DeleteProjectVersion), then deploy again"),
        Somebody("deletes"),
        Wait(60),
        Deploy({"Copy": Copy(name="mine")}, DONE),
        Somebody("copies", "theirs"),
    ),
    copying(
        5,
        "a copy whose tags show late isn't orphaned",
        (),
        Deploy(ONE, FAILED, once("Create", repeats=(1.0,))),
        service={"tags_lag": 15.0},
    ),
    quick(
        "a copy moves to another logical ID once it is retained",
        ("v1",),
        Deploy(NAMED, MADE),
        Deploy({"Copy": Copy(name="mine", retain=True)}, DONE),
        Deploy({"Renamed": Copy(name="mine", adopt_existing=True)}, DONE),
    ),
    quick("many of one template", ("v1",) * 20, Deploy({f"Copy{number}": Copy() for number in range(20)}, MADE)),
    quick(
        "the source's policy goes while it copies",
        ("v1",),
        Somebody("denies", after=30),
        Deploy(ONE, MADE),
        Deploy(ANOTHER, BACK, reason="AccessDeniedException"),
    ),
)

LIMITATIONS = (
    quick(
        "a Create that copied and died, and then can read nothing, is taken for one that made nothing",
        ("v1",),
        Deploy(
            {"Copy": Copy(service_timeout=900)},
            FAILED,
            once("Create", meets(dies_after=1), *[meets(*[LOST_BEFORE] * 999)] * 3),
        ),
    ),
    case(
        "a Create that comes again after its copy was deleted copies again",
        ("v1",),
        Deploy(with_other(ONE, FAILS_LAST), FAILED, once("Create", repeats=(100.0,))),
        service={"copying_time": 1, "deleting_time": 1},
    ),
    quick(
        "an Update that comes again after its rollback sets its tags again",
        ("v1",),
        *EXISTS,
        Deploy({"Copy": Copy(tags={"team": "a"}), "Other": FAILS_LAST}, BACK, once("Update", repeats=(60.0,))),
    ),
    quick(
        "without rollback the Delete of a Create without a response takes the copy that the next one has just made",
        (),
        Deploy(ONE, "CREATE_FAILED", once("Create", *DEAD), disable_rollback=True),
        Deploy(ONE, DONE, disable_rollback=True),
        behavior={"failed_creates_are_deleted_last": True},
    ),
    quick(
        "a copy that is adopted, but not retained, goes with the resource that made it",
        (),
        Deploy(NAMED, MADE),
        Deploy({"Renamed": Copy(name="mine", adopt_existing=True)}, DONE),
    ),
    copying(
        0,
        "a copy that was retained goes with a Create that is canceled within twenty seconds",
        (),
        Deploy({"Base": Other()}, MADE),
        Deploy({"Copy": Copy(retain=True), "Other": Other(fails=True, after=0, needs="Copy")}, BACK),
        Deploy(canceled(0.05), BACK),
    ),
)
"""What docs/maintainers/copy-lifecycle.md calls known limitations."""
