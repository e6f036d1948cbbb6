"""The lifecycle of any resource: read what is live, decide, act, and say how it went."""

from __future__ import annotations

import json
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Generic, Protocol, TypeVar

from .decision import Adopt, Keep, Reject, Wait
from .errors import RejectedError
from .request import Request
from .run import Outcome, Run

logger = logging.getLogger(__name__)


class PhysicalId(Protocol):
    """The physical ID of something that a request has made or adopted."""

    @property
    def adopted(self) -> bool:
        """Whether the stack only adopted it, so that no Delete touches it."""


Id = TypeVar("Id", bound=PhysicalId)
Wanted = TypeVar("Wanted")  # the properties of a request, checked
Target = TypeVar("Target")  # what is read: something of a name, live or not
Live = TypeVar("Live")
Observation = TypeVar("Observation")  # what a decision depends on besides the request and what is live
Failure = TypeVar("Failure", bound=Exception)  # what ends a run early: a call that fails for good, or no time left


class RequestHandler(ABC, Generic[Id, Wanted, Target, Live, Observation, Failure]):
    """One run for a request; holds what is known so far, for the response and the log.

    A resource derives from it, and gives what differs: what is read, how it is decided about, and what is changed.
    """

    failures: tuple[type[Failure], ...]

    def __init__(self, request: Request, run: Run, current_id: Id | None, target: Target) -> None:
        self.request = request
        self.run = run
        self.current_id = current_id
        """None if the physical ID is a marker, in doubt or made up, or there is none."""
        self.target = target
        """What is read from now on."""
        self.result = ""
        """What was done, for the log."""
        self.is_unfinished = False
        """Whether another run goes on."""

    # What a resource gives: for the response and the log,

    @property
    @abstractmethod
    def _physical_id(self) -> str: ...  # of what this request has made, as far as that is known

    @property
    @abstractmethod
    def _attributes(self) -> Mapping[str, str]: ...

    @property
    @abstractmethod
    def _observed(self) -> Mapping[str, object]: ...  # what the log says of the target

    @property
    def _last_error(self) -> str:  # what the service said last, if a rejection is to name that
        return ""

    @abstractmethod
    def _message(self, predicate: str) -> str: ...  # a sentence about the target

    @abstractmethod
    def _failure_of(self, error: Failure) -> tuple[str, str]: ...  # what to do, and what the service said

    # for a request,

    @abstractmethod
    def _parse(self, properties: Mapping[str, object]) -> Wanted: ...  # raises RejectedError

    @abstractmethod
    def _create_or_update(self) -> None: ...

    @abstractmethod
    def _is_here(self, current_id: Id) -> bool: ...  # in the function's own account, Region and partition

    @abstractmethod
    def _delete_own(self, current_id: Id) -> None: ...

    @abstractmethod
    def _makes_another(self, canceled: Wanted, wanted: Wanted) -> bool: ...  # an Update from one to the other

    @abstractmethod
    def _remove_orphan(self, canceled: Wanted) -> None: ...  # what a canceled request has made

    # and for each turn of reading, deciding and acting.

    @abstractmethod
    def _read(self) -> Live | None: ...

    @abstractmethod
    def _observe(self, live: Live | None) -> Observation: ...

    @abstractmethod
    def _change(self, decision: object) -> float | None: ...  # returns how long to wait, as _act does

    @abstractmethod
    def _wait(self, seconds: float) -> None: ...

    def outcome(self) -> Outcome:
        """Do what the request asks for and return how it ended; writes one line to the log."""
        failure = cause = ""
        try:
            if self.request.type == "Delete":
                self._delete()
            else:
                self._create_or_update()
        except RejectedError as error:
            failure, cause = str(error), self._last_error
        except self.failures as error:
            failure, cause = self._failure_of(error)
        self._log(failure, cause)
        return Outcome(self._physical_id, self._attributes, failure, cause)

    def _delete(self) -> None:
        if self.request.made_nothing:
            self.result = "nothing: the Create had made nothing"
        elif self.current_id is None:
            try:
                canceled = self._parse(self.request.properties)
            except RejectedError as error:
                self.result = f"nothing: its Create was rejected ({error})"
            else:
                self._remove_orphan(canceled)
        elif self.current_id.adopted:
            self.result = "nothing: it was adopted, so it stays"
        elif not self._is_here(self.current_id):
            self.result = "nothing: it's in another account, Region or partition, so no Create of this function made it"
        else:
            self._delete_own(self.current_id)

    def _remove_canceled_replacement(self, wanted: Wanted) -> None:
        """Remove what the Update that this one rolls back may have made: CloudFormation never received its ID."""
        try:
            canceled = self._parse(self.request.old_properties)
        except RejectedError:
            return
        if not self._makes_another(canceled, wanted):
            return
        target, did, self.result = self.target, self.result, ""
        self._remove_orphan(canceled)
        self.target, self.result = target, f"{did}; of the canceled replacement: {self.result}"

    def _settle(self, decide: Callable[[Live | None, Observation], object]) -> object:
        """Read, decide and act until there is nothing more to do; return the last decision."""
        while True:
            live = self._read()
            decision = decide(live, self._observe(live))
            pause = self._act(decision)
            if pause is None:
                return decision
            self._wait(pause)

    def _act(self, decision: object) -> float | None:
        """Do what was decided; return how long to wait before the next read, or None when nothing is left to do."""
        match decision:
            case Wait(seconds):
                return seconds
            case Reject(because):
                raise RejectedError(self._message(f" {because}"))
            case Keep(because):
                self.result = self.result or f"nothing: {because}"
                return None
            case Adopt():
                self.result = "nothing: it existed and is equivalent, so it's adopted"
                return None
        return self._change(decision)

    def _log(self, failure: str, cause: str) -> None:
        failure, cause = ("", "") if self.is_unfinished else (failure, cause)
        line = {
            "request": self.request.type,
            **self._observed,
            "did": self.result or "nothing",
            "failure": failure,
            "cause": cause,
            "physical_id": self._physical_id,
        }
        logger.log(logging.ERROR if failure else logging.INFO, json.dumps(line))
