"""The cases of a policy: docs/maintainers/lifecycle.md's table "Case by case" and its known limitations, as data."""

from __future__ import annotations

from typing import Any

from tests.documents import FOREIGN, MINE, OTHER, document
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
    ContinueRollback,
    Delete,
    Delivery,
    Deploy,
    Policy,
    Put,
    Remove,
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
ALL = ("Create", "Update", "Delete")
DENIED = meets(*["AccessDeniedException"] * 99)
DENIED_FOR_16_SECONDS = meets("", *["AccessDeniedException"] * 11)
"""An attempt whose put is denied until a new permission is effective."""
CUT_OFF = meets("", LOST_AFTER, *[LOST_BEFORE] * 400)
"""An attempt whose put works, and which never hears of it."""

OLD, EDITED, OTHERS = {"sharing": MINE}, {"sharing": OTHER}, {"sharing": FOREIGN}
"""What is live: the stack's policy as it was, and edited by the stack, and another's."""
RETAINED: Template = {"Sharing": Policy(retain=True)}
ADOPTED_EDITED: Template = {"Sharing": Policy(OTHER, adopt_existing=True)}
MALFORMED, INVALID = meets("", "MalformedPolicyDocumentException"), meets("", "InvalidParameterException")
"""Attempts whose second call is rejected."""

THERE: tuple[Step, ...] = (Put(FOREIGN), Wait(3600))
"""Another's policy of an hour ago."""
ADOPTING: Template = {"Sharing": Policy(adopt_existing=True)}
ADOPTED: tuple[Step, ...] = (Put(MINE), Wait(3600), Deploy(ADOPTING, MADE), Wait())
"""A stack of yesterday with an adopted policy."""
REJECTED = Delivery(attempts=(meets("InvalidParameterException"),))

DENIED_LATER = Delivery(attempts=(meets("", *["AccessDeniedException"] * 99),))
"""A request whose first call alone is allowed."""
ONCE = Delivery(attempts=(meets("ThrottlingException"),))
"""A request that is throttled once."""

PUBLIC = {**MINE, "Statement": [{**MINE["Statement"][0], "Principal": "*"}]}

OVERLAPS = {"reverse_update_overlaps": True}

DRIFT: dict[str, Put | Remove] = {"edited": Put(FOREIGN), "deleted": Remove()}
"""What somebody does by hand."""

INTERFERENCE: dict[str, tuple[Put | Remove, ...]] = {
    "edits": (Put(FOREIGN),),
    "removes": (Remove(),),
    "recreates": (Remove(), Put(FOREIGN)),
}


def canceled(seconds: float = 0.2, **policy: Any) -> Template:
    """Return a template in which another resource fails after so many seconds."""
    return {"Sharing": Policy(**policy), "Other": fails_after(seconds)}


REQUESTS: dict[str, tuple[str, tuple[Step, ...], Template, str, dict[str, Any]]] = {
    "a Create": ("Create", (), ONE, MADE, OLD),
    "an Update": ("Update", EXISTS, NEW, DONE, EDITED),
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
    }
}
"""What the service returns on a bad day, and outlasts."""

ROWS = (
    row("stack created", "Create", "the template's document", case("succeeds", OLD, Deploy(ONE, MADE))),
    row(
        "created, but somebody else's policy has the name; logical ID renamed; policy moved to another stack",
        "Create, Delete (marker)",
        "the existing policy, untouched",
        *(
            case(title, {"sharing": there}, Put(there), Wait(3600), Deploy(ONE, FAILED, reason="already exists"))
            for title, there in {"another's": FOREIGN, "another's, equivalent": MINE}.items()
        ),
        case(
            "of two policies one",
            OTHERS,
            *THERE,
            Deploy({"Mine": Policy(name="mine"), "Sharing": Policy(needs="Mine")}, FAILED),
            sent="Create, Delete (ID), Delete (marker)",
        ),
        case(
            "appears between read and put",
            OTHERS,
            Deploy(ONE, FAILED, once("Create", Attempt(others={1: (Put(FOREIGN),)}))),
        ),
        case(
            "the logical ID is renamed",
            OLD,
            *EXISTS,
            Deploy({"Renamed": Policy()}, BACK),
            sent="Create, cleanup Delete (marker)",
        ),
        case("moved to another stack", OLD, *EXISTS, Deploy(ONE, FAILED, stack="two")),
        case(
            "if the service overwrites silently",
            OTHERS,
            *THERE,
            Deploy(ONE, FAILED),
            service={"put_existing_without_revision": "overwrite"},
        ),
    ),
    row(
        "created, but another resource fails",
        "Create, Delete (ID)",
        "nothing of the stack",
        case("afterward", {}, Deploy(with_other(ONE, FAILS_LAST), FAILED)),
        case("a moment after it is done", {}, Deploy(canceled(0.35), FAILED)),
        case("it runs out of time itself", {}, Deploy(ONE, FAILED, once("Create", CUT_OFF))),
    ),
    row(
        "the same, while the Create runs, or if it never responds",
        "Create, Delete (an ID that CloudFormation made up)",
        "nothing of the stack",
        *(case(f"canceled after {at}", {}, Deploy(canceled(at), FAILED)) for at in (0.05, 0.12, 0.18, 0.22, 0.28)),
        *(case(f"lands {late} late", {}, Deploy(canceled(), FAILED, once("Create", delay=late))) for late in (5, 35)),
        case(
            "a permission that is effective late", {}, Deploy(canceled(), FAILED, once("Create", DENIED_FOR_16_SECONDS))
        ),
        case(
            "its put alone is throttled",
            {},
            Deploy(canceled(), FAILED, once("Create", meets("", *["ThrottlingException"] * 7))),
        ),
        *(
            case(f"comes again {later} later", {}, Deploy(canceled(), FAILED, once("Create", repeats=(later,))))
            for later in (0.0, 1.0, 3.0, 6.0)
        ),
        *(
            case(title, {"sharing": there}, Put(there), Wait(3600), Deploy(canceled(), FAILED))
            for title, there in {"another's is there": FOREIGN, "an older equivalent is there": MINE}.items()
        ),
        case("a lost ID", {}, Deploy(ONE, FAILED, once("Create", CUT_OFF, empties_id=True))),
        case("no response", {}, Deploy(ONE, FAILED, once("Create", *DEAD))),
        case(
            "no response within a minute",
            {},
            Deploy({"Sharing": Policy(service_timeout=60)}, FAILED, once("Create", *DEAD)),
        ),
        *(
            case(
                f"no response, no ServiceTimeout, canceled after {at}",
                {},
                Deploy(canceled(at, service_timeout=None), FAILED, once("Create", *DEAD)),
            )
            for at in (60.0, 700.0)
        ),
    ),
    row(
        "created, but no attempt could read",
        "Create, Delete (marker)",
        "as before",
        *(
            case(title, {}, Deploy(ONE, FAILED, {kind: (Delivery(attempts=(meets(*[fault] * 999),)),) for kind in ALL}))
            for title, fault in {"denied": "AccessDeniedException", "no route": LOST_BEFORE}.items()
        ),
        *(
            case(
                f"of two, {title}",
                {},
                Deploy(
                    TWO,
                    FAILED,
                    {kind: tuple(Delivery(at, attempts=(meets(*[fault] * 999),)) for at in (0, 3)) for kind in ALL},
                ),
                sent="Create, Delete (marker), Delete (an ID that CloudFormation made up)",
            )
            for title, fault in {"denied": "AccessDeniedException", "no route": LOST_BEFORE}.items()
        ),
        case("another's is there", OTHERS, *THERE, Deploy(ONE, FAILED, once("Create", BLIND))),
    ),
    row(
        "created with `AdoptExisting`, and an equivalent policy exists",
        "Create",
        "that policy, untouched",
        case("is adopted", OLD, *ADOPTED),
        case(
            "and another resource fails",
            OLD,
            Put(MINE),
            Wait(3600),
            Deploy(with_other(ADOPTING, FAILS_LAST), FAILED),
            sent="Create, Delete (adopted ID)",
        ),
        case(
            "and it isn't equivalent",
            OTHERS,
            *THERE,
            Deploy(ADOPTING, FAILED, reason="isn't equivalent"),
            sent="Create, Delete (marker)",
        ),
    ),
    row(
        "document changed; policy edited or deleted by hand, then updated",
        "Update (ID)",
        "the template's document, at another revision",
        case("changed", EDITED, *EXISTS, Deploy(NEW, DONE)),
        case("edited by hand", EDITED, *EXISTS, *THERE, Deploy(NEW, DONE)),
        case("deleted by hand", EDITED, *EXISTS, Remove(), Wait(60), Deploy(NEW, DONE)),
    ),
    row(
        "nothing changed, or only the function's code",
        "nothing",
        "as before",
        case("nothing changed", OLD, *EXISTS, Deploy(ONE, DONE)),
    ),
    row(
        "only `Trigger` changed",
        "Update (ID)",
        "the template's document",
        case("and nothing differs", OLD, *EXISTS, Deploy({"Sharing": Policy(trigger="2")}, DONE)),
        *(
            case(
                f"after somebody {did} it", OLD, *EXISTS, step, Wait(60), Deploy({"Sharing": Policy(trigger="2")}, DONE)
            )
            for did, step in DRIFT.items()
        ),
    ),
    row(
        "document changed, but another resource fails, or the service rejects it",
        "Update (ID), Update (ID) back",
        "the old document",
        *(
            case(title, OLD, *EXISTS, Deploy(with_other(NEW, other), BACK))
            for title, other in {
                "fails afterward": FAILS_LAST,
                "fails while it is in flight": fails_after(0.2),
                "fails at once": fails_after(0.0),
            }.items()
        ),
        case("rejected by the service", OLD, *EXISTS, Deploy(NEW, BACK, once("Update", MALFORMED))),
        *(
            case(f"rejected by the function: {bad!r}"[:60], OLD, *EXISTS, Deploy({"Sharing": Policy(bad)}, BACK))
            for bad in ("{", 7, {"Version": "2012-10-17", "Statement": []}, document("1234"))
        ),
        case(
            "the service rejects what is live, such as a deleted role",
            OLD,
            *EXISTS,
            Deploy(NEW, BACK, {"Update": (Delivery(attempts=(MALFORMED,)),) * 2}),
        ),
    ),
    row(
        "`BlockPublicPolicy` turned on, or left out again, while the document is public",
        "Update (ID), Update (ID) back",
        "as before",
        *(
            case(
                f"an Update that gives {blocks}",
                {"sharing": PUBLIC},
                Deploy({"Sharing": Policy(PUBLIC, block_public_policy=False)}, MADE),
                Wait(),
                Deploy(
                    {"Sharing": Policy(PUBLIC, more={"BlockPublicPolicy": blocks})}, BACK, reason="every AWS account"
                ),
            )
            for blocks in ("true", None)
        ),
    ),
    row(
        "the template's document is public without `BlockPublicPolicy: false`, and so is what somebody else has put",
        "Update (ID), Update (ID) back",
        "the old document",
        case("widened by hand", OLD, *EXISTS, Put(PUBLIC), Wait(60), Deploy({"Sharing": Policy(PUBLIC)}, BACK)),
        case(
            "widened by the owner of an adopted one",
            OLD,
            *ADOPTED,
            Put(PUBLIC),
            Wait(60),
            Deploy({"Sharing": Policy(PUBLIC, adopt_existing=True)}, BACK),
            sent="Update (adopted ID), Update (adopted ID) back",
        ),
    ),
    row(
        "the Update back fails as well, and the rollback is continued",
        "Update (ID) back",
        "the old document",
        case(
            "by another error",
            OLD,
            *EXISTS,
            Deploy(
                with_other(NEW, FAILS_LAST),
                "UPDATE_ROLLBACK_FAILED",
                {"Update": (Delivery(), Delivery(attempts=(meets("", "LimitExceededException"),)))},
            ),
            ContinueRollback(),
        ),
    ),
    row(
        "name or project changed",
        "Update (ID), cleanup Delete (old ID)",
        "the new policy only",
        case("name", {"renamed": OTHER}, *EXISTS, Deploy(RENAMED, DONE)),
        case("project", {"other/sharing": MINE}, *EXISTS, Deploy({"Sharing": Policy(project="other")}, DONE)),
        case(
            "two of three cleanups fail",
            {"renamed": OTHER},
            *EXISTS,
            Deploy(RENAMED, DONE, {"Delete": (REJECTED,) * 2}),
        ),
    ),
    row(
        "name or project changed, but another resource fails",
        "Update (ID), cleanup Delete (new ID)",
        "the old policy, never touched",
        case("name", OLD, *EXISTS, Deploy(with_other(RENAMED, FAILS_LAST), BACK)),
        case(
            "the new one is in doubt",
            OLD,
            *EXISTS,
            Deploy(RENAMED, BACK, once("Update", meets("", LOST_AFTER, "LimitExceededException"))),
        ),
        *(
            case(
                f"canceled, and {title}",
                OLD,
                *EXISTS,
                Deploy(with_other(RENAMED, fails_after(0.2)), BACK, once("Update", *attempts, delay=delay)),
                behavior=OVERLAPS,
                sent="Update (ID), Update (ID) back",
            )
            for title, delay, attempts in (
                ("it has put", 0, (meets("", LOST_AFTER),)),
                ("it puts late", 1, ()),
                ("it is throttled", 0, (THROTTLED,)),
                ("its permission is not effective yet", 0, (meets("", *["AccessDeniedException"] * 14),)),
            )
        ),
    ),
    row(
        "name changed to one that is taken; two resources swap names",
        "Update (ID), Update (ID) back",
        "all policies as before",
        case(
            "taken",
            {"sharing": MINE, "renamed": FOREIGN},
            *EXISTS,
            Put(FOREIGN, "renamed"),
            Wait(60),
            Deploy(RENAMED, BACK),
        ),
        case(
            "swapped",
            {"a": MINE, "b": OTHER},
            Deploy(TWO, MADE),
            Wait(),
            Deploy({"A": Policy(MINE, "b"), "B": Policy(OTHER, "a")}, BACK),
        ),
        case(
            "handed on while its owner leaves",
            {"a": MINE, "b": OTHER},
            Deploy(TWO, MADE),
            Wait(),
            Deploy({"B": Policy(OTHER, "a")}, BACK),
        ),
        case(
            "another stack's",
            {"sharing": MINE, "mine": OTHER},
            *EXISTS,
            Deploy({"Sharing": Policy(OTHER, "mine")}, MADE, stack="two"),
            Deploy({"Sharing": Policy(OTHER)}, BACK, stack="two"),
        ),
    ),
    row(
        "removed from the template",
        "cleanup Delete (old ID)",
        "nothing of it, unless three tries fail",
        case("one of two", {"b": OTHER}, Deploy(TWO, MADE), Wait(), Deploy({"B": Policy(OTHER, "b")}, DONE)),
        case("removed by hand", {}, *EXISTS, Remove(), Deploy({}, DONE)),
    ),
    row(
        "stack deleted",
        "Delete (ID)",
        "nothing of the stack",
        case("at once", {}, *EXISTS, Delete()),
        case("edited by hand", {}, *EXISTS, *THERE, Delete()),
        case("removed by hand", {}, *EXISTS, Remove(), Delete()),
        case("again after it failed", {}, *EXISTS, Delete("DELETE_FAILED", once("Delete", INVALID)), Delete()),
    ),
    row(
        "the same, with `DeletionPolicy: Retain`",
        "nothing",
        "the policy, orphaned",
        case("stack deleted", OLD, Deploy(RETAINED, MADE), Delete()),
        case("removed from the template", OLD, Deploy(RETAINED, MADE), Deploy({}, DONE)),
    ),
    row(
        "the same, adopted",
        "Delete (adopted ID)",
        "the policy, orphaned",
        case("after it was edited by its stack", EDITED, *ADOPTED, Deploy(ADOPTED_EDITED, DONE), Delete()),
    ),
    row(
        "an event comes twice, or an attempt fails and is retried",
        SAME,
        "as after the first",
        *(
            case(
                f"{kind} comes again {later} later",
                live,
                *before,
                Deploy(template, ends, {sent: (Delivery(repeats=(later,)),)}),
            )
            for kind, (sent, before, template, ends, live) in REQUESTS.items()
            for later in (0.0, 0.03, 0.08, 0.13, 30.0, 100.0)
        ),
        *(
            case(f"{kind}, whose attempt dies {when}", live, *before, Deploy(template, ends, once(sent, attempt)))
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
            case(
                f"{kind}, and somebody {did} it just before call {call}",
                live,
                *before,
                Deploy(template, ends, once(sent, Attempt(others={call: steps}))),
            )
            for kind, (sent, before, template, ends, live) in REQUESTS.items()
            if kind in ("an Update", "a Delete")
            for did, steps in INTERFERENCE.items()
            for call in (0, 1)
        ),
        *(
            case(f"{kind}, {trouble}", live, *before, Deploy(template, ends, once(sent, attempt)))
            for kind, (sent, before, template, ends, live) in REQUESTS.items()
            for trouble, attempt in TROUBLE.items()
        ),
    ),
)

FURTHER = (
    # The list may hide that the document has been replaced, so a rollback must not report success before its put works.
    *(
        case(
            f"a rollback whose confirming put meets {fault}",
            OLD,
            *EXISTS,
            Deploy(
                with_other(NEW, fails_after(0.0)),
                "UPDATE_ROLLBACK_FAILED",
                {"Update": (Delivery(delay=2), Delivery(attempts=(meets("", *[fault] * times),)))},
                reason=says,
            ),
            ContinueRollback(),
            behavior=OVERLAPS,
            service={"list_lag": 4},
        )
        for fault, times, says in (
            *(
                (fault, 999, "continue the rollback")
                for fault in ("ThrottlingException", "InternalServerError", LOST_BEFORE)
            ),
            ("LimitExceededException", 1, "raise the quota"),
        )
    ),
    # A canceled request has no more time than the one that undoes it, so that one needn't wait any longer.
    *(
        case(
            f"a {title} that put nothing is undone in time with a ServiceTimeout of {seconds}",
            live,
            *before,
            Deploy(
                {"Sharing": Policy(OTHER, "renamed", service_timeout=seconds), "Other": fails_after(0.3)}, ends, arrive
            ),
        )
        for seconds in (30, 60, 100)
        for title, live, before, ends, arrive in (
            (
                "Create",
                {},
                (),
                FAILED,
                {"Create": (Delivery(attempts=(meets("", *["AccessDeniedException"] * 99),)),), "Delete": (ONCE,) * 3},
            ),
            (
                "replacement",
                OLD,
                (Deploy({"Sharing": Policy(service_timeout=seconds)}, MADE), Wait()),
                BACK,
                {"Update": (Delivery(attempts=(meets("", "LimitExceededException"),)), ONCE)},
            ),
        )
    ),
    case(
        "a replacement that can't read the other project's policies is rolled back",
        OLD,
        *EXISTS,
        Deploy({"Sharing": Policy(project="other")}, BACK, {"Update": (Delivery(attempts=(DENIED,)), DENIED_LATER)}),
    ),
    case(
        "a policy is moved by retaining and adopting it",
        EDITED,
        *EXISTS,
        Deploy(RETAINED, DONE),
        Deploy({}, DONE),
        Deploy(ADOPTING, MADE, stack="two"),
        Deploy({"Sharing": Policy(OTHER, adopt_existing=True)}, DONE, stack="two"),
    ),
    case(
        "a project that was replaced took its policies along: its cleanup finds nothing",
        OLD,
        Deploy({"Sharing": Policy(project="other")}, MADE),
        Wait(),
        Remove(project="other"),
        Deploy({"Sharing": Policy()}, DONE),
    ),
    case(
        "a Create that reads only when CloudFormation has given up puts nothing",
        {},
        Deploy(
            {"Sharing": Policy(service_timeout=60)},
            FAILED,
            once("Create", meets(*["ThrottlingException"] * 12), delay=50),
        ),
    ),
    # A failed Create that a disabled rollback left is deleted in the next operation, first or last.
    *(
        case(
            f"without rollback, {title}, the failed Create deleted {('last' if last else 'first')}",
            OLD,
            *before,
            Deploy(ONE, DONE, disable_rollback=True),
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
    # CloudFormation may reverse an Update whose function still runs.
    *(
        case(
            f"a reverse Update overtakes one that is throttled {throttled} times{', then ' * bool(last)}{last}",
            OLD,
            *EXISTS,
            Deploy(
                with_other(NEW, fails_after(0.2)),
                BACK,
                once("Update", meets("", *["ThrottlingException"] * throttled, last)),
            ),
            behavior=OVERLAPS,
        )
        for throttled in range(7)
        for last in ("", HANGS, LOST_AFTER)
    ),
    case(
        "an Update that its rollback has overtaken doesn't put its document, even if no URL has a time",
        OLD,
        *EXISTS,
        Deploy(with_other(NEW, fails_after(0.2)), BACK, once("Update", meets("", *["ThrottlingException"] * 3))),
        behavior={**OVERLAPS, "url_tells_time": False},
    ),
    case(
        "a late Update doesn't undo a rollback",
        OLD,
        *EXISTS,
        Deploy(with_other(NEW, FAILS_LAST), BACK, once("Update", repeats=(40,))),
    ),
    case(
        "a late Delete doesn't take what was made again",
        OLD,
        *EXISTS,
        Both(Delete(arrive=once("Delete", repeats=(60,))), Deploy(ONE, MADE, stack="two"), 30),
    ),
    case(
        "a canceled Create that puts late is removed within a short ServiceTimeout",
        {},
        Deploy(canceled(service_timeout=30), FAILED, once("Create", meets(HANGS))),
    ),
    # Rekognition's clock may differ from CloudFormation's.
    *(
        case(
            f"a put whose response was lost is own work, with a clock {ahead} seconds ahead",
            OLD,
            Deploy(ONE, MADE, once("Create", meets("", LOST_AFTER))),
            service={"clock_ahead": ahead},
        )
        for ahead in (-300, -20, -3, 3, 20, 300)
    ),
    *(
        case(
            f"a rollback leaves nothing right after a put, with a clock {ahead} ahead",
            OLD,
            Deploy(with_other(ONE, FAILS_LAST), FAILED),
            Deploy(ONE, MADE),
            Deploy(with_other(RENAMED, FAILS_LAST), BACK),
            service={"clock_ahead": ahead},
        )
        for ahead in (0, 3, 20, 300)
    ),
    case(
        "an adopted policy is edited and rolled back",
        EDITED,
        *ADOPTED,
        Deploy(ADOPTED_EDITED, DONE),
        Deploy({"Sharing": Policy(FOREIGN, adopt_existing=True), "Other": FAILS_LAST}, BACK),
    ),
    case(
        "an adopted policy isn't put again after its owner deleted it",
        {},
        *ADOPTED,
        Remove(),
        Deploy(
            {"Sharing": Policy(adopt_existing=True, trigger="2")},
            "UPDATE_ROLLBACK_FAILED",
            reason="ContinueUpdateRollback with ResourcesToSkip",
        ),
    ),
    case(
        "what is being deleted isn't adopted",
        OLD,
        *EXISTS,
        Both(Delete(), Deploy(ADOPTING, MADE, stack="two"), 0.0),
        service={"list_lag": 1.5},
    ),
    case("of two Creates of one name at once, one fails", {}, Deploy({"One": Policy(), "Two": Policy()}, FAILED)),
)
"""What the page's table doesn't have, because it is rarer; nothing of it ends wrong."""

LIMITATIONS = (
    case(
        "a Create that its own Delete overtakes by more than 40 seconds leaves its policy",
        OLD,
        Deploy(canceled(), FAILED, once("Create", delay=45)),
    ),
    case(
        "a Create that put its policy and died, and whose other attempts can't read, leaves it",
        OLD,
        Deploy(ONE, FAILED, once("Create", meets(dies_after=1), BLIND)),
    ),
    case(
        "a replacement whose every delivery died leaves the new policy",
        {"sharing": MINE, "renamed": OTHER},
        *EXISTS,
        Deploy(RENAMED, BACK, once("Update", *DEAD)),
    ),
    *(
        case(
            f"a canceled Create takes an equivalent policy of {age} seconds ago",
            {},
            Deploy(ONE, MADE),
            Wait(age),
            Deploy(canceled(service_timeout=3600), FAILED, stack="two"),
        )
        for age in (0, 900)
    ),
    case(
        "a logical ID is renamed minutes after its policy was made, and that is canceled",
        {},
        Deploy({"Old": Policy()}, MADE),
        Deploy({"Renamed": Policy(), "Other": fails_after(0.2)}, BACK),
    ),
    case(
        "without rollback the Delete of a canceled Create takes the next one's policy",
        {},
        Deploy(canceled(), "CREATE_FAILED", once("Create", DENIED), disable_rollback=True),
        Deploy(ONE, DONE, disable_rollback=True),
        behavior={"failed_creates_are_deleted_last": True},
    ),
    case(
        "Rekognition's clock is ahead, and an Update right after a put is rejected",
        EDITED,
        Deploy(ONE, MADE),
        Deploy(NEW, BACK),
        Wait(60),
        Deploy(NEW, DONE),
        service={"clock_ahead": 20},
    ),
    case(
        "a name that is taken over after its policy was removed by hand goes with its old owner",
        {},
        Deploy({"Old": Policy(name="a"), "New": Policy(name="b")}, MADE),
        Wait(),
        Remove("a"),
        Deploy({"New": Policy(name="a")}, DONE),
    ),
    case(
        "a policy that is adopted, but not retained, goes with the resource that put it",
        {},
        *EXISTS,
        Deploy({"Renamed": Policy(adopt_existing=True)}, DONE),
    ),
    case(
        "a list that lags for a minute fails a rollback, which can be continued",
        OLD,
        *EXISTS,
        Deploy(with_other(NEW, FAILS_LAST), "UPDATE_ROLLBACK_FAILED"),
        Wait(60),
        ContinueRollback(),
        service={"list_lag": 60},
    ),
    case(
        "an adopted policy that its owner edits fails an update and its rollback",
        OLD,
        *ADOPTED,
        *THERE,
        Deploy(
            {"Sharing": Policy(OTHER, adopt_existing=True)},
            "UPDATE_ROLLBACK_FAILED",
            reason="its owner has changed it since",
        ),
        Put(MINE),
        Wait(60),
        ContinueRollback(),
    ),
    case(
        "two Creates of one name both succeed if one runs late",
        OLD,
        Deploy({"One": Policy(), "Two": Policy()}, MADE, {"Create": (Delivery(), Delivery(delay=30))}),
    ),
)
"""What docs/maintainers/lifecycle.md calls known limitations: nothing tells them from what is legitimate."""
