"""The cases of a policy: docs/lifecycle.md's table "Case by case" as data, and what its known limitations say."""

from __future__ import annotations

from typing import Any

from tests.documents import FOREIGN, MINE, OTHER, THIRD, document
from tests.lifecycle.cases import (
    DIES,
    FAILS_LAST,
    HANGS,
    LOST_AFTER,
    LOST_BEFORE,
    Attempt,
    Both,
    Case,
    ContinueRollback,
    Delete,
    Delivery,
    Deploy,
    Other,
    Policy,
    Put,
    Remove,
    Row,
    Step,
    Template,
    Wait,
    fails_after,
    meets,
)

MADE, FAILED, BACK, DONE = "CREATE_COMPLETE", "ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "UPDATE_COMPLETE"
ONE: Template = {"Sharing": Policy()}
NEW: Template = {"Sharing": Policy(OTHER)}
RENAMED: Template = {"Sharing": Policy(OTHER, "renamed")}
TWO: Template = {"A": Policy(MINE, "a"), "B": Policy(OTHER, "b")}
EXISTS: tuple[Step, ...] = (Deploy(ONE, MADE), Wait())
"""A stack of yesterday."""

THROTTLED = meets(*["ThrottlingException"] * 5)
DEAD = (meets(dies_after=1), meets(dies_before=0), meets(dies_before=0))
"""Every attempt dies, the first one after it has put the policy."""
BLIND = meets(*["ThrottlingException"] * 999)
DENIED = meets(*["AccessDeniedException"] * 99)
CUT_OFF = meets("", LOST_AFTER, *[LOST_BEFORE] * 400)
"""An attempt whose put works, and which never hears of it."""


DRIFT: dict[str, Put | Remove] = {"edited": Put(FOREIGN), "deleted": Remove()}
"""What somebody does by hand."""


INTERFERENCE: dict[str, tuple[Put | Remove, ...]] = {
    "edits": (Put(FOREIGN),),
    "removes": (Remove(),),
    "recreates": (Remove(), Put(FOREIGN)),
}


def once(kind: str, *attempts: Attempt, **more: Any) -> dict[str, tuple[Delivery, ...]]:
    """Return how the first request of a type arrives."""
    return {kind: (Delivery(attempts=attempts, **more),)}


def with_other(template: Template, other: Other) -> Template:
    """Return a template with another resource."""
    return {**template, "Other": other}


def canceled(seconds: float = 0.2, **policy: Any) -> Template:
    """Return a template in which another resource fails after so many seconds."""
    return {"Sharing": Policy(**policy), "Other": fails_after(seconds)}


REQUESTS: dict[str, tuple[str, tuple[Step, ...], Template, str, dict[str, Any]]] = {
    "a Create": ("Create", (), ONE, MADE, {"sharing": MINE}),
    "an Update": ("Update", EXISTS, NEW, DONE, {"sharing": OTHER}),
    "a replacement": ("Update", EXISTS, RENAMED, DONE, {"renamed": OTHER}),
    "a Delete": ("Delete", EXISTS, {}, DONE, {}),
}
"""Each kind of request: its type, what comes before, the template that sends it, its end, and what is live then."""

TROUBLE = {
    **{
        f"{name} from its call {first}": meets(*[""] * first, *faults)
        for first in (0, 1)
        for name, faults in {
            "throttled": ["ThrottlingException"] * 5,
            "beyond the throughput": ["ProvisionedThroughputExceededException"] * 5,
            "failing inside": ["InternalServerError"] * 3,
            "denied": ["AccessDeniedException"] * 4,
            "cut off": [LOST_BEFORE, LOST_AFTER, LOST_BEFORE],
            "hanging": [HANGS, "", HANGS],
        }.items()
    },
}
"""What the service returns on a bad day, and outlasts."""

SAME = "the same again"

ROWS = (
    Row(
        "stack created",
        "Create",
        "the template's document",
        (Case("succeeds", (Deploy(ONE, MADE),), {"sharing": MINE}, calls="List Put"),),
    ),
    Row(
        "created, but somebody else's policy has the name; logical ID renamed; policy moved to another stack",
        "Create, Delete (marker)",
        "the existing policy, untouched",
        (
            *(
                Case(title, (Put(there), Wait(3600), Deploy(ONE, FAILED, reason="already exists")), {"sharing": there})
                for title, there in {"another's": FOREIGN, "another's, equivalent": MINE}.items()
            ),
            Case(
                "of two policies one",
                (
                    Put(FOREIGN),
                    Wait(60),
                    Deploy({"Mine": Policy(name="mine"), "Sharing": Policy(needs="Mine")}, FAILED),
                ),
                {"sharing": FOREIGN},
                sent="Create, Delete (ID), Delete (marker)",
            ),
            Case(
                "appears between read and put",
                (Deploy(ONE, FAILED, once("Create", Attempt(others={1: (Put(FOREIGN),)}))),),
                {"sharing": FOREIGN},
            ),
            Case(
                "the logical ID is renamed",
                (*EXISTS, Deploy({"Renamed": Policy()}, BACK)),
                {"sharing": MINE},
                sent="Create, cleanup Delete (marker)",
            ),
            Case("moved to another stack", (*EXISTS, Deploy(ONE, FAILED, stack="two")), {"sharing": MINE}),
            Case(
                "if the service overwrites silently",
                (Put(FOREIGN), Wait(60), Deploy(ONE, FAILED)),
                {"sharing": FOREIGN},
                service={"put_existing_without_revision": "overwrite"},
            ),
        ),
    ),
    Row(
        "created, but another resource fails",
        "Create, Delete (ID)",
        "nothing of the stack",
        (
            Case("afterward", (Deploy(with_other(ONE, FAILS_LAST), FAILED),), {}),
            Case("a moment after it is done", (Deploy(canceled(0.35), FAILED),), {}),
            Case("it runs out of time itself", (Deploy(ONE, FAILED, arrive=once("Create", CUT_OFF)),), {}),
        ),
    ),
    Row(
        "the same, while the Create runs, or if it never responds",
        "Create, Delete (an ID that CloudFormation made up)",
        "nothing of the stack",
        (
            *(
                Case(f"canceled after {at}", (Deploy(canceled(at), FAILED),), {})
                for at in (0.05, 0.12, 0.18, 0.22, 0.28)
            ),
            Case("lands late", (Deploy(canceled(), FAILED, arrive=once("Create", delay=5)),), {}),
            *(
                Case(f"comes again {later} later", (Deploy(canceled(), FAILED, once("Create", repeats=(later,))),), {})
                for later in (0.0, 1.0, 3.0, 6.0)
            ),
            *(
                Case(title, (Put(there), Wait(3600), Deploy(canceled(), FAILED)), {"sharing": there})
                for title, there in {"another's is there": FOREIGN, "an older equivalent is there": MINE}.items()
            ),
            Case("a lost ID", (Deploy(ONE, FAILED, once("Create", CUT_OFF, empties_id=True)),), {}),
            Case("no response", (Deploy(ONE, FAILED, once("Create", *DEAD)),), {}),
            Case(
                "no response within a minute",
                (Deploy({"Sharing": Policy(service_timeout=60)}, FAILED, once("Create", *DEAD)),),
                {},
            ),
            *(
                Case(
                    f"no response, no ServiceTimeout, canceled after {at}",
                    (Deploy(canceled(at, service_timeout=None), FAILED, once("Create", *DEAD)),),
                    {},
                )
                for at in (60.0, 700.0)
            ),
        ),
    ),
    Row(
        "created, but no attempt could read",
        "Create, Delete (in doubt)",
        "nothing of the stack",
        (
            Case("one put and died", (Deploy(ONE, FAILED, once("Create", meets(dies_after=1), BLIND)),), {}),
            Case(
                "another's is there",
                (Put(FOREIGN), Wait(60), Deploy(ONE, FAILED, once("Create", BLIND))),
                {"sharing": FOREIGN},
            ),
            Case(
                "an older equivalent of another stack is there",
                (*EXISTS, Deploy(ONE, FAILED, once("Create", DENIED), stack="two")),
                {"sharing": MINE},
            ),
        ),
    ),
    Row(
        "created with `AdoptExisting`, and an equivalent policy exists",
        "Create",
        "that policy, untouched",
        (
            Case(
                "is adopted",
                (Put(MINE), Wait(3600), Deploy({"Sharing": Policy(adopt_existing=True)}, MADE)),
                {"sharing": MINE},
                calls="List List",
            ),
            Case(
                "and another resource fails",
                (Put(MINE), Wait(3600), Deploy({"Sharing": Policy(adopt_existing=True), "Other": FAILS_LAST}, FAILED)),
                {"sharing": MINE},
                sent="Create, Delete (adopted ID)",
            ),
            Case(
                "and it isn't equivalent",
                (
                    Put(FOREIGN),
                    Wait(60),
                    Deploy({"Sharing": Policy(adopt_existing=True)}, FAILED, reason="isn't equivalent"),
                ),
                {"sharing": FOREIGN},
                sent="Create, Delete (marker)",
            ),
        ),
    ),
    Row(
        "document changed; policy edited or deleted by hand, then updated",
        "Update (ID)",
        "the template's document, at another revision",
        (
            Case("changed", (*EXISTS, Deploy(NEW, DONE)), {"sharing": OTHER}, calls="List Put"),
            Case("edited by hand", (*EXISTS, Put(FOREIGN), Wait(60), Deploy(NEW, DONE)), {"sharing": OTHER}),
            Case("deleted by hand", (*EXISTS, Remove(), Wait(60), Deploy(NEW, DONE)), {"sharing": OTHER}),
        ),
    ),
    Row(
        "nothing changed, or only the function's code",
        "nothing",
        "as before",
        (Case("nothing changed", (*EXISTS, Deploy(ONE, DONE)), {"sharing": MINE}),),
    ),
    Row(
        "only `Trigger` changed",
        "Update (ID)",
        "the template's document",
        (
            Case(
                "and nothing differs",
                (*EXISTS, Deploy({"Sharing": Policy(trigger="2")}, DONE)),
                {"sharing": MINE},
                calls="List",
            ),
            *(
                Case(
                    f"after somebody {did} it",
                    (*EXISTS, step, Wait(60), Deploy({"Sharing": Policy(trigger="2")}, DONE)),
                    {"sharing": MINE},
                )
                for did, step in DRIFT.items()
            ),
        ),
    ),
    Row(
        "document changed, but another resource fails, or the service rejects it",
        "Update (ID), Update (ID) back",
        "the old document",
        (
            *(
                Case(title, (*EXISTS, Deploy(with_other(NEW, other), BACK)), {"sharing": MINE})
                for title, other in {
                    "fails afterward": FAILS_LAST,
                    "fails while it is in flight": fails_after(0.2),
                    "fails at once": fails_after(0.0),
                }.items()
            ),
            Case(
                "rejected by the service",
                (*EXISTS, Deploy(NEW, BACK, once("Update", meets("", "MalformedPolicyDocumentException")))),
                {"sharing": MINE},
            ),
            *(
                Case(
                    f"rejected by the function: {bad!r}"[:60],
                    (*EXISTS, Deploy({"Sharing": Policy(bad)}, BACK)),
                    {"sharing": MINE},
                )
                for bad in ("{", 7, {"Version": "2012-10-17", "Statement": []}, document("1234"))
            ),
            Case(
                "the service rejects what is live, such as a deleted role",
                (
                    *EXISTS,
                    Deploy(
                        NEW,
                        BACK,
                        {"Update": (Delivery(attempts=(meets("", "MalformedPolicyDocumentException"),)),) * 2},
                    ),
                ),
                {"sharing": MINE},
            ),
        ),
    ),
    Row(
        "the Update back fails as well, and the rollback is continued",
        "Update (ID) back",
        "the old document",
        (
            Case(
                "by another error",
                (
                    *EXISTS,
                    Deploy(
                        with_other(NEW, FAILS_LAST),
                        "UPDATE_ROLLBACK_FAILED",
                        {"Update": (Delivery(), Delivery(attempts=(meets("", "LimitExceededException"),)))},
                    ),
                    ContinueRollback(),
                ),
                {"sharing": MINE},
            ),
        ),
    ),
    Row(
        "name or project changed",
        "Update (ID), cleanup Delete (old ID)",
        "the new policy only",
        (
            Case("name", (*EXISTS, Deploy(RENAMED, DONE)), {"renamed": OTHER}),
            Case("project", (*EXISTS, Deploy({"Sharing": Policy(project="other")}, DONE)), {"other/sharing": MINE}),
            Case(
                "two of three cleanups fail",
                (
                    *EXISTS,
                    Deploy(RENAMED, DONE, {"Delete": (Delivery(attempts=(meets("InvalidParameterException"),)),) * 2}),
                ),
                {"renamed": OTHER},
            ),
        ),
    ),
    Row(
        "name or project changed, but another resource fails",
        "Update (ID), cleanup Delete (new ID)",
        "the old policy, never touched",
        (
            Case("name", (*EXISTS, Deploy(with_other(RENAMED, FAILS_LAST), BACK)), {"sharing": MINE}),
            Case(
                "the new one is in doubt",
                (*EXISTS, Deploy(RENAMED, BACK, once("Update", meets("", LOST_AFTER, "LimitExceededException")))),
                {"sharing": MINE},
            ),
        ),
    ),
    Row(
        "name changed to one that is taken; two resources swap names",
        "Update (ID), Update (ID) back",
        "all policies as before",
        (
            Case(
                "taken",
                (*EXISTS, Put(FOREIGN, "renamed"), Wait(60), Deploy(RENAMED, BACK)),
                {"sharing": MINE, "renamed": FOREIGN},
            ),
            Case(
                "swapped",
                (Deploy(TWO, MADE), Wait(), Deploy({"A": Policy(MINE, "b"), "B": Policy(OTHER, "a")}, BACK)),
                {"a": MINE, "b": OTHER},
            ),
            Case(
                "handed on while its owner leaves",
                (Deploy(TWO, MADE), Wait(), Deploy({"B": Policy(OTHER, "a")}, BACK)),
                {"a": MINE, "b": OTHER},
            ),
            Case(
                "another stack's",
                (
                    *EXISTS,
                    Deploy({"Sharing": Policy(OTHER, "mine")}, MADE, stack="two"),
                    Deploy({"Sharing": Policy(OTHER)}, BACK, stack="two"),
                ),
                {"sharing": MINE, "mine": OTHER},
            ),
        ),
    ),
    Row(
        "removed from the template",
        "cleanup Delete (old ID)",
        "nothing of it, unless three tries fail",
        (
            Case("one of two", (Deploy(TWO, MADE), Wait(), Deploy({"B": Policy(OTHER, "b")}, DONE)), {"b": OTHER}),
            Case("removed by hand", (*EXISTS, Remove(), Deploy({}, DONE)), {}),
        ),
    ),
    Row(
        "stack deleted",
        "Delete (ID)",
        "nothing of the stack",
        (
            Case("at once", (*EXISTS, Delete()), {}, calls="List Delete"),
            Case("edited by hand", (*EXISTS, Put(FOREIGN), Wait(60), Delete()), {}),
            Case("removed by hand", (*EXISTS, Remove(), Delete()), {}),
            Case(
                "again after it failed",
                (*EXISTS, Delete("DELETE_FAILED", once("Delete", meets("", "InvalidParameterException"))), Delete()),
                {},
            ),
        ),
    ),
    Row(
        "the same, with `DeletionPolicy: Retain`",
        "nothing",
        "the policy, orphaned",
        (
            Case("stack deleted", (Deploy({"Sharing": Policy(retain=True)}, MADE), Delete()), {"sharing": MINE}),
            Case(
                "removed from the template",
                (Deploy({"Sharing": Policy(retain=True)}, MADE), Deploy({}, DONE)),
                {"sharing": MINE},
            ),
        ),
    ),
    Row(
        "the same, adopted",
        "Delete (adopted ID)",
        "the policy, orphaned",
        (
            Case(
                "after it was edited by its stack",
                (
                    Put(MINE),
                    Wait(3600),
                    Deploy({"Sharing": Policy(adopt_existing=True)}, MADE),
                    Wait(),
                    Deploy({"Sharing": Policy(OTHER, adopt_existing=True)}, DONE),
                    Delete(),
                ),
                {"sharing": OTHER},
            ),
        ),
    ),
    Row(
        "an event comes twice, or an attempt fails and is retried",
        SAME,
        "as after the first",
        (
            *(
                Case(
                    f"{kind} comes again {later} later",
                    (*before, Deploy(template, ends, {sent: (Delivery(repeats=(later,)),)})),
                    live,
                )
                for kind, (sent, before, template, ends, live) in REQUESTS.items()
                for later in (0.0, 0.03, 0.08, 0.13, 30.0, 100.0)
            ),
            *(
                Case(f"{kind}, whose attempt dies {when}", (*before, Deploy(template, ends, once(sent, attempt))), live)
                for kind, (sent, before, template, ends, live) in REQUESTS.items()
                for when, attempt in {
                    "before it reads": meets(dies_before=0),
                    "before it changes": meets(dies_before=1),
                    "after its change": meets(dies_after=1),
                    "before it responds": meets(responses=(DIES,)),
                    "when its response met 503": meets(responses=(503, 503, DIES)),
                }.items()
            ),
            *(
                Case(
                    f"{kind}, and somebody {did} it just before call {call}",
                    (*before, Deploy(template, ends, once(sent, Attempt(others={call: steps})))),
                    live,
                )
                for kind, (sent, before, template, ends, live) in REQUESTS.items()
                if kind in ("an Update", "a Delete")
                for did, steps in INTERFERENCE.items()
                for call in (0, 1)
            ),
            *(
                Case(f"{kind}, {trouble}", (*before, Deploy(template, ends, once(sent, attempt))), live)
                for kind, (sent, before, template, ends, live) in REQUESTS.items()
                for trouble, attempt in TROUBLE.items()
            ),
        ),
    ),
)

OVERLAPS = {"reverse_update_overlaps": True}

FURTHER = (
    Case(
        "a policy is moved by retaining and adopting it",
        (
            *EXISTS,
            Deploy({"Sharing": Policy(retain=True)}, DONE),
            Deploy({}, DONE),
            Deploy({"Sharing": Policy(adopt_existing=True)}, MADE, stack="two"),
            Deploy({"Sharing": Policy(OTHER, adopt_existing=True)}, DONE, stack="two"),
        ),
        {"sharing": OTHER},
    ),
    Case(
        "a project that was replaced took its policies along: its cleanup finds nothing",
        (
            Deploy({"Sharing": Policy(project="other")}, MADE),
            Wait(),
            Remove(project="other"),
            Deploy({"Sharing": Policy()}, DONE),
        ),
        {"sharing": MINE},
    ),
    # A failed Create that a disabled rollback left is deleted in the next operation, first or last.
    *(
        Case(
            f"without rollback, {title}, the failed Create deleted {'last' if last else 'first'}",
            (*before, Deploy(ONE, DONE, disable_rollback=True)),
            {"sharing": MINE},
            behavior={"failed_creates_are_deleted_last": last},
        )
        for last in (False, True)
        for title, before in {
            "another's policy is out of the way": (
                Put(FOREIGN),
                Deploy(ONE, "CREATE_FAILED", disable_rollback=True),
                Remove(),
            ),
            "a permission is given a minute later": (
                Deploy(ONE, "CREATE_FAILED", once("Create", DENIED), disable_rollback=True),
                Wait(60),
            ),
        }.items()
    ),
    Case(
        "without rollback, an ID in doubt finds its own policy hours later",
        (
            Deploy(ONE, "CREATE_FAILED", once("Create", meets(dies_after=1), DENIED, DENIED), disable_rollback=True),
            Wait(5 * 3600),
            Delete(),
        ),
        {},
    ),
    # However long its ServiceTimeout is, a Create that is canceled takes no older policy of another stack.
    *(
        Case(
            f"a canceled Create and an equivalent policy of {age} seconds ago",
            (
                Deploy(ONE, MADE),
                Wait(age),
                Deploy(canceled(service_timeout=3600), FAILED, stack="two"),
            ),
            {"sharing": MINE},
        )
        for age in (1000, 3540, 80_000)
    ),
    # CloudFormation may reverse an Update whose function still runs: the old document is live in the end.
    *(
        Case(
            f"a reverse Update overtakes one that is throttled {throttled} times{', then ' * bool(last)}{last}",
            (
                *EXISTS,
                Deploy(
                    {**NEW, "Other": fails_after(0.2)},
                    BACK,
                    once("Update", meets("", *["ThrottlingException"] * throttled, last)),
                ),
            ),
            {"sharing": MINE},
            behavior=OVERLAPS,
        )
        for throttled in range(7)
        for last in ("", HANGS, LOST_AFTER)
    ),
    Case(
        "a late Update doesn't undo a rollback",
        (*EXISTS, Deploy({**NEW, "Other": FAILS_LAST}, BACK, once("Update", repeats=(40,)))),
        {"sharing": MINE},
    ),
    Case(
        "a late Delete doesn't take what was made again",
        (*EXISTS, Both(Delete(arrive=once("Delete", repeats=(60,))), Deploy(ONE, MADE, stack="two"), 30)),
        {"sharing": MINE},
    ),
    # Rekognition's clock may differ from CloudFormation's.
    *(
        Case(
            f"a put whose response was lost is own work, with a clock {ahead} seconds ahead",
            (Deploy(ONE, MADE, once("Create", meets("", LOST_AFTER))),),
            {"sharing": MINE},
            service={"clock_ahead": ahead},
        )
        for ahead in (-300, -20, -3, 3, 20, 300)
    ),
    *(
        Case(
            f"an Update that comes again {later} later puts once, with a clock {-ahead} behind",
            (*EXISTS, Deploy(NEW, DONE, once("Update", repeats=(later,)))),
            {"sharing": OTHER},
            service={"clock_ahead": ahead},
        )
        for ahead in (-1, -0.5)
        for later in (0.02, 3, 61)
    ),
    *(
        Case(
            f"a rollback leaves nothing right after a put, with a clock {ahead} ahead",
            (
                Deploy(with_other(ONE, FAILS_LAST), FAILED),
                Deploy(ONE, MADE),
                Deploy(with_other(RENAMED, FAILS_LAST), BACK),
            ),
            {"sharing": MINE},
            service={"clock_ahead": ahead},
        )
        for ahead in (0, 3, 20, 300)
    ),
    # An adopted policy is edited only while it is what the stack last put or adopted.
    Case(
        "an adopted policy is edited and rolled back",
        (
            Put(MINE),
            Wait(3600),
            Deploy({"Sharing": Policy(adopt_existing=True)}, MADE),
            Wait(),
            Deploy({"Sharing": Policy(OTHER, adopt_existing=True)}, DONE),
            Deploy({"Sharing": Policy(FOREIGN, adopt_existing=True), "Other": FAILS_LAST}, BACK),
        ),
        {"sharing": OTHER},
    ),
    Case(
        "an adopted policy isn't put again after its owner deleted it",
        (
            Put(MINE),
            Wait(3600),
            Deploy({"Sharing": Policy(adopt_existing=True)}, MADE),
            Remove(),
            Deploy(
                {"Sharing": Policy(adopt_existing=True, trigger="2")},
                "UPDATE_ROLLBACK_FAILED",
                reason="ContinueUpdateRollback with ResourcesToSkip",
            ),
        ),
        {},
    ),
    Case(
        "what is being deleted isn't adopted",
        (*EXISTS, Both(Delete(), Deploy({"Sharing": Policy(adopt_existing=True)}, MADE, stack="two"), 0.0)),
        {"sharing": MINE},
        service={"list_lag": 1.5},
    ),
    *(
        Case(
            f"a whole life, where {name} is {value}",
            (
                Deploy({**ONE, "Third": Policy(THIRD, "third")}, MADE),
                Wait(),
                Deploy({**NEW, "Third": Policy(THIRD, "third")}, DONE),
                Deploy({**ONE, "Third": Policy(THIRD, "third"), "Other": FAILS_LAST}, BACK),
                Deploy({**RENAMED, "Third": Policy(THIRD, "third"), "Other": FAILS_LAST}, BACK),
                Deploy({**RENAMED, "Third": Policy(FOREIGN, "third")}, DONE),
                Delete(),
            ),
            {},
            service={name: value},
        )
        for name, value in {
            "put_existing_without_revision": "overwrite",
            "put_revision_absent": "ResourceNotFoundException",
            "quota_error": "ServiceQuotaExceededException",
            "list_lag": 1.9,
            "returned_form": "normalized",
            "end_of_list": "empty_token",
        }.items()
    ),
)
"""What the page's table doesn't have, because it is rarer; nothing of it ends wrong."""

LIMITATIONS = (
    Case(
        "a Create that comes again a minute after its rollback leaves its policy",
        (Deploy(with_other(ONE, FAILS_LAST), FAILED, once("Create", repeats=(60,))),),
        {"sharing": MINE},
    ),
    Case(
        "a Create that its own Delete overtakes by more than ten seconds leaves its policy",
        (Deploy(canceled(), FAILED, once("Create", delay=15)),),
        {"sharing": MINE},
    ),
    Case(
        "a replacement whose every delivery died leaves the new policy",
        (*EXISTS, Deploy(RENAMED, BACK, once("Update", *DEAD))),
        {"sharing": MINE, "renamed": OTHER},
    ),
    *(
        Case(
            title,
            (*EXISTS, Deploy(with_other({"Sharing": Policy(name="renamed")}, other), BACK, delivery)),
            {"sharing": MINE, "renamed": MINE},
            behavior=behavior,
        )
        for title, behavior, delivery, other in (
            (
                "a replacement that is canceled leaves the new policy",
                OVERLAPS,
                once("Update", delay=1),
                fails_after(0.2),
            ),
            ("a replacement that comes again leaves the new policy", {}, once("Update", repeats=(60,)), FAILS_LAST),
        )
    ),
    Case(
        "a Create that died leaves its policy after an hour without ServiceTimeout",
        (Deploy({"Sharing": Policy(service_timeout=None)}, FAILED, once("Create", *DEAD)),),
        {"sharing": MINE},
    ),
    Case(
        "a Create that died leaves its policy when it is deleted hours later",
        (
            Deploy(ONE, "ROLLBACK_FAILED", once("Create", *DEAD) | once("Delete", meets("InvalidParameterException"))),
            Wait(4 * 3600),
            Delete(),
        ),
        {"sharing": MINE},
    ),
    Case(
        "a cleanup that fails three times leaves its policy",
        (*EXISTS, Deploy({}, DONE, {"Delete": (Delivery(attempts=(meets("InvalidParameterException"),)),) * 3})),
        {"sharing": MINE},
    ),
    Case(
        "an Update that comes again after a rollback of two seconds puts its document",
        (*EXISTS, Deploy(with_other(NEW, fails_after(0.2)), BACK, once("Update", repeats=(60,)))),
        {"sharing": OTHER},
        behavior={"rollback_delay": 0.5},
    ),
    Case(
        "without a time in the URL an Update that comes again undoes its rollback",
        (*EXISTS, Deploy(with_other(NEW, FAILS_LAST), BACK, once("Update", repeats=(40,)))),
        {"sharing": OTHER},
        behavior={"url_tells_time": False},
    ),
    *(
        Case(
            f"a canceled Create takes an equivalent policy of {age} seconds ago",
            (Deploy(ONE, MADE), Wait(age), Deploy(canceled(service_timeout=3600), FAILED, stack="two")),
            {},
        )
        for age in (0, 900)
    ),
    Case(
        "a logical ID is renamed minutes after its policy was made, and that is canceled",
        (Deploy({"Old": Policy()}, MADE), Deploy({"Renamed": Policy(), "Other": fails_after(0.2)}, BACK)),
        {},
    ),
    *(
        Case(
            f"without rollback the Delete of a failed Create takes the next one's policy: {title}",
            (
                Deploy(template, "CREATE_FAILED", once("Create", DENIED), disable_rollback=True),
                Deploy(ONE, DONE, disable_rollback=True),
            ),
            {},
            behavior={"failed_creates_are_deleted_last": True},
        )
        for title, template in {"it was canceled": canceled(), "it gave up in doubt": with_other(ONE, Other())}.items()
    ),
    Case(
        "Rekognition's clock is ahead, and a Delete that comes again takes the next owner's policy",
        (*EXISTS, Both(Delete(arrive=once("Delete", repeats=(15,))), Deploy(ONE, MADE, stack="two"), 5)),
        {},
        service={"clock_ahead": 20},
    ),
    Case(
        "Rekognition's clock is ahead, and an Update right after a put is rejected",
        (Deploy(ONE, MADE), Deploy(NEW, BACK), Wait(60), Deploy(NEW, DONE)),
        {"sharing": OTHER},
        service={"clock_ahead": 20},
    ),
    Case(
        "a name that is taken over after its policy was removed by hand goes with its old owner",
        (
            Deploy({"Old": Policy(name="a"), "New": Policy(name="b")}, MADE),
            Wait(),
            Remove("a"),
            Deploy({"New": Policy(name="a")}, DONE),
        ),
        {},
    ),
    Case(
        "a list that lags for a minute fails a rollback, which can be continued",
        (
            *EXISTS,
            Deploy(with_other(NEW, FAILS_LAST), "UPDATE_ROLLBACK_FAILED"),
            Wait(60),
            ContinueRollback(),
        ),
        {"sharing": MINE},
        service={"list_lag": 60},
    ),
    Case(
        "an adopted policy that its owner edits fails an update and its rollback",
        (
            Put(MINE),
            Wait(3600),
            Deploy({"Sharing": Policy(adopt_existing=True)}, MADE),
            Wait(),
            Put(FOREIGN),
            Wait(60),
            Deploy(
                {"Sharing": Policy(OTHER, adopt_existing=True)},
                "UPDATE_ROLLBACK_FAILED",
                reason="its owner has changed it since",
            ),
            Put(MINE),
            Wait(60),
            ContinueRollback(),
        ),
        {"sharing": MINE},
    ),
    Case(
        "two Creates of one name at the same moment both succeed",
        (Deploy({"One": Policy(), "Two": Policy()}, MADE),),
        {"sharing": MINE},
    ),
)
"""What docs/lifecycle.md calls known limitations: nothing in the service's state tells them from what is legitimate."""
