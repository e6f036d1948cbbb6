"""Many policies at once: ten processes, five calls a second of each operation, and all succeed."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import pytest

from custom_resource import timeouts
from localcloud.rekognition import LocalRekognition
from localcloud.rekognition.models import Policy
from rekognition.client import CALL_RESERVE
from tests.container.lambda_service import Attempt, LambdaService, Start
from tests.container.rate_limit import RateLimit
from tests.container.requests_and_responses import CloudFormation
from tests.documents import ACCOUNT, REGION, document, is_document

POLICIES_EACH = 5
RATE = 5.0
PROCESSES = 10

logger = logging.getLogger(__name__)  # shown by: pytest --log-cli-level=INFO


@dataclass(frozen=True)
class Phase:
    """How many requests at once went."""

    attempts: list[Attempt]
    took: float
    """From the first delivery to the last response; the cold starts before are this machine's, not the limit's."""
    throttled: int

    @property
    def longest(self) -> float:
        """How long the slowest request ran."""
        return max(attempt.took for attempt in self.attempts)

    def __str__(self) -> str:
        return (
            f"{self.took:.1f} s, where {len(self.attempts) / RATE:.0f} s are ideal; {self.throttled} calls "
            f"throttled; the slowest request took {self.longest:.1f} s"
        )


class Account:
    """Projects of one account with five policies each, and the requests about all of them at once."""

    def __init__(
        self, function: LambdaService, cloudformation: CloudFormation, rekognition: LocalRekognition, projects: int
    ) -> None:
        self.function = function
        self.cloudformation = cloudformation
        self.rekognition = rekognition
        self.limit = rekognition.faults.before = RateLimit(RATE)
        names = [f"logos-{number}" for number in range(projects)]
        self.projects = {str(rekognition.store.create_project(ACCOUNT, REGION, name).arn): name for name in names}

    def documents(self) -> dict[str, dict[str, Any]]:
        """Return a document for each policy, by physical ID, no two alike."""
        ids = [(arn, number) for arn in self.projects for number in range(POLICIES_EACH)]
        return {
            f"{arn}|sharing-{number}": document(f"{place:012}", project=self.projects[arn])
            for place, (arn, number) in enumerate(ids, start=1)
        }

    def live(self) -> dict[str, Policy]:
        """Return every policy, by physical ID."""
        return {
            f"{arn}|{policy.name}": policy
            for arn in self.projects
            for policy in self.rekognition.store.policies(ACCOUNT, REGION, arn)
        }

    def run(self, what: str, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Queue requests all at once; each is responded to once, with success, in good time; return the responses."""
        throttled = self.limit.throttled.total()
        invocations = [self.function.invoke(event) for event in events]
        attempts = [attempt for invocation in invocations for attempt in invocation.wait()]
        took = max(attempt.began + attempt.took for attempt in attempts) - min(attempt.began for attempt in attempts)
        phase = Phase(attempts, took, self.limit.throttled.total() - throttled)
        logger.info("%s: %s", what, phase)
        responses = [response for event in events for response in self.cloudformation.responses_to(event)]
        assert [response["RequestId"] for response in responses] == [event["RequestId"] for event in events]
        assert [response["Reason"] for response in responses if response["Status"] != "SUCCESS"] == []
        assert len(attempts) == len(events), self.function.printed
        assert len({attempt.pid for attempt in attempts}) <= PROCESSES
        assert phase.longest < timeouts.FUNCTION_TIMEOUT - timeouts.RESPONSE_RESERVE - CALL_RESERVE
        return responses

    def assert_live(self, wanted: dict[str, dict[str, Any]], responses: list[dict[str, Any]]) -> None:
        """The policies that are wanted, and no others, are live, and the responses have their revisions."""
        live = self.live()
        assert live.keys() == wanted.keys()
        assert [key for key, each in wanted.items() if not is_document(live[key].document, each)] == []
        assert {response["PhysicalResourceId"]: response["Data"]["PolicyRevisionId"] for response in responses} == {
            key: policy.revision for key, policy in live.items()
        }


def policy_of(physical_id: str) -> tuple[str, str]:
    """Return the project and the name in a physical ID."""
    project, _, name = physical_id.partition("|")
    return project, name


@pytest.mark.parametrize("projects", [4, pytest.param(20, marks=pytest.mark.full)])
def test_all_are_created_at_once(
    start: Start, cloudformation: CloudFormation, rekognition: LocalRekognition, projects: int
) -> None:
    """All succeed, each with its own document, and each while its function has time left."""
    account = Account(start(concurrency=PROCESSES), cloudformation, rekognition, projects)
    wanted = account.documents()
    creates = [cloudformation.create(*policy_of(key), each) for key, each in wanted.items()]
    account.assert_live(wanted, account.run("created", creates))
    assert account.limit.throttled  # else the limit would have tested nothing
