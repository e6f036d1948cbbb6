"""The lifecycle that every resource has: what is dispatched, decided and logged, for boxes that hold a color."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pytest

from custom_resource.decision import Adopt, Keep, Reject, Wait
from custom_resource.errors import RejectedError
from custom_resource.lifecycle import RequestHandler
from custom_resource.request import Request
from custom_resource.run import Outcome, Run
from tests.rules.support import STARTED, VirtualTime
from tests.rules.toy import FUNCTION_ARN, event


class CallError(Exception):
    """What the boxes' service says of a call that failed for good."""


@dataclass(frozen=True)
class Id:
    """A box's name; ``|adopted`` for one that was there before."""

    name: str
    adopted: bool = False


class Boxes(RequestHandler[Id, str, str, str, float, CallError]):
    """One run for a request for a box; the boxes are a mapping of names to colors."""

    failures = (CallError,)

    def __init__(self, request: Request, time: VirtualTime, live: dict[str, str]) -> None:
        run = Run(time.clock, STARTED + 480, FUNCTION_ARN, lambda _physical_id: None)
        name, _, adopted = request.physical_id.partition("|")
        known = name and not name.startswith(("not-created:", "made-up"))
        super().__init__(request, run, Id(name, bool(adopted)) if known else None, name)
        self.live = live
        self.decide: Callable[[str | None, float], object] = lambda _live, _waited: "put"
        self.calls: list[str] = []
        self._waited = 0.0

    @property
    def _physical_id(self) -> str:
        return self.request.fallback_id(STARTED, made_nothing=True)

    @property
    def _attributes(self) -> Mapping[str, str]:
        return {"Color": self.live.get(self.target, "")}

    @property
    def _observed(self) -> Mapping[str, object]:
        return {"box": self.target}

    def _message(self, predicate: str) -> str:
        return f'Box "{self.target}"{predicate}'

    def _failure_of(self, error: CallError) -> tuple[str, str]:
        return self._message(": failed. Deploy again."), str(error)

    def _parse(self, properties: Mapping[str, object]) -> str:
        if properties.get("Color") == "none":
            raise RejectedError("Color is none.")
        return str(properties["Color"])

    def _create_or_update(self) -> None:
        wanted = self._parse(self.request.properties)
        self.target = self.current_id.name if self.current_id else wanted
        self._settle(self.decide)
        if self.request.type == "Update":
            self._remove_canceled_replacement(wanted)

    def _is_here(self, current_id: Id) -> bool:
        return not current_id.name.startswith("elsewhere")

    def _delete_own(self, current_id: Id) -> None:
        self.calls.append(f"delete {current_id.name}")

    def _makes_another(self, canceled: str, wanted: str) -> bool:
        return canceled != wanted

    def _remove_orphan(self, canceled: str) -> None:
        self.calls.append(f"remove {canceled}")
        self.target, self.result = canceled, "deleted"

    def _read(self) -> str | None:
        self.calls.append("read")
        return self.live.get(self.target)

    def _observe(self, live: str | None) -> float:
        return self._waited

    def _change(self, decision: object) -> float | None:
        if isinstance(decision, CallError):
            raise decision
        self.calls.append(str(decision))
        self.result = "put"
        return None

    def _wait(self, seconds: float) -> None:
        self._waited += seconds


def ask(
    kind: str, physical_id: str = "", decide: Callable[[str | None, float], object] | None = None, **changed: object
) -> tuple[Outcome, list[str]]:
    """Run a request, and return how it ended and what was called."""
    given = {"PhysicalResourceId": physical_id} if physical_id else {}
    boxes = Boxes(Request.parse(event(kind, **given, **changed), STARTED), VirtualTime(), {})
    if decide is not None:
        boxes.decide = decide
    return boxes.outcome(), boxes.calls


def line(caplog: pytest.LogCaptureFixture) -> dict[str, object]:
    """Return the one line that was logged."""
    (record,) = caplog.records
    logged: dict[str, object] = json.loads(record.getMessage())
    assert record.levelno == (logging.ERROR if logged["failure"] else logging.INFO)
    return logged


@pytest.mark.parametrize(
    ("physical_id", "properties", "did", "calls"),
    [
        ("not-created:Toy:0b2e6f4c", {}, "nothing: the Create had made nothing", []),
        ("blue|adopted", {}, "nothing: it was adopted, so it stays", []),
        ("elsewhere-blue", {}, "nothing: it's in another account, Region or partition, so no Create of this", []),
        ("made-up-7", {"Color": "none"}, "nothing: its Create was rejected (Color is none.)", []),
        ("made-up-7", {"Color": "red"}, "deleted", ["remove red"]),
        ("blue", {"Color": "none"}, "nothing", ["delete blue"]),
    ],
)
def test_a_delete_goes_by_its_id(
    caplog: pytest.LogCaptureFixture, physical_id: str, properties: dict[str, str], did: str, calls: list[str]
) -> None:
    """A marker, an adopted ID, and one of another place call nothing; one that is made up looks for an orphan."""
    with caplog.at_level(logging.INFO):
        outcome, called = ask("Delete", physical_id, ResourceProperties=properties)
    assert (outcome.failure, called) == ("", calls)
    assert str(line(caplog)["did"]).startswith(did)


@pytest.mark.parametrize(
    ("decision", "did", "failure", "cause"),
    [
        ("put", "put", "", ""),
        (Keep("it is red"), "nothing: it is red", "", ""),
        (Adopt(), "nothing: it existed and is equivalent, so it's adopted", "", ""),
        (Reject("is blue. Paint it."), "nothing", 'Box "red" is blue. Paint it.', ""),
        (CallError("Throttled: slow"), "nothing", 'Box "red": failed. Deploy again.', "Throttled: slow"),
    ],
)
def test_a_create_ends_as_it_was_decided(
    caplog: pytest.LogCaptureFixture, decision: object, did: str, failure: str, cause: str
) -> None:
    """The outcome and the one line in the log say the same, after a wait and a second read."""
    with caplog.at_level(logging.INFO):
        outcome, calls = ask("Create", decide=lambda _live, waited: Wait(2) if waited < 2 else decision)
    assert calls[:2] == ["read", "read"]
    assert outcome == Outcome("not-created:Toy:0b2e6f4c", {"Color": ""}, failure, cause)
    assert line(caplog) == {
        "request": "Create",
        "box": "red",
        "did": did,
        "failure": failure,
        "cause": cause,
        "physical_id": "not-created:Toy:0b2e6f4c",
    }


@pytest.mark.parametrize(
    ("old", "calls", "did"),
    [
        ("blue", ["read", "put", "remove blue"], "put; of the canceled replacement: deleted"),
        ("red", ["read", "put"], "put"),
        ("none", ["read", "put"], "put"),
    ],
)
def test_an_update_back_undoes_a_canceled_replacement(
    caplog: pytest.LogCaptureFixture, old: str, calls: list[str], did: str
) -> None:
    """It removes what another Update may have made, unless that was rejected, and responds about its own."""
    with caplog.at_level(logging.INFO):
        _, called = ask("Update", "box", OldResourceProperties={"Color": old})
    assert called == calls
    assert (line(caplog)["did"], line(caplog)["box"]) == (did, "box")
