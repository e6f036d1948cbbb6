"""The IAM policy of docs/compatibility.md allows what `./scripts/verify` calls, and no more."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from typing import Any

import pytest
from botocore.config import Config

from localcloud.cloud import REPOSITORY
from tests.verify.pretend import ACCOUNT, REGION, Account

ON_WHAT: dict[str, Callable[[dict[str, Any]], str]] = {
    "CreateProject": lambda given: f"arn:aws:rekognition:{REGION}:{ACCOUNT}:project/{given['ProjectName']}/1",
    "DescribeProjects": lambda given: f"arn:aws:rekognition:{REGION}:{ACCOUNT}:project/any/1",
    "CopyProjectVersion": lambda given: given["DestinationProjectArn"],
    "ListTagsForResource": lambda given: given["ResourceArn"],
    "DeleteProjectVersion": lambda given: given["ProjectVersionArn"],
}
"""The resource of a call; if it isn't here, its ProjectArn."""
BY_THE_SERVICE = {"rekognition:CreateProjectVersion", "rekognition:TagResource"}
"""What the Service Authorization Reference has for CopyProjectVersion."""


def statements() -> Iterator[tuple[str, str]]:
    """Return each action that the page's policy allows, with a resource."""
    page = (REPOSITORY / "docs" / "compatibility.md").read_text()
    (block,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    for statement in json.loads(block)["Statement"]:
        assert statement["Effect"] == "Allow"
        for action in [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]:
            resources = [statement["Resource"]] if isinstance(statement["Resource"], str) else statement["Resource"]
            yield from ((action, resource) for resource in resources)


@pytest.fixture
def called(aws: Account) -> list[tuple[str, str]]:
    """Each action of a whole run, with what it is on, as botocore is about to send it."""
    seen: list[tuple[str, str]] = []

    def note(params: dict[str, Any], model: Any, **_: Any) -> None:
        on = ON_WHAT.get(model.name)
        seen.append((f"rekognition:{model.name}", on(params) if on else params["ProjectArn"]))
        if model.name == "CopyProjectVersion":
            seen.append((f"rekognition:{model.name}", params["SourceProjectVersionArn"].replace("/users/", "/SOURCE/")))

    def client(service: str, config: Config) -> Any:
        made = aws.client(service, config)
        if service == "rekognition":
            made.meta.events.register("provide-client-params.rekognition.*", note)
        return made

    aws.service.switches.change({"copying_time": 30})
    aws.run("--throttle", *aws.copying, client=client)
    return seen


def test_the_policy_allows_each_call(called: list[tuple[str, str]]) -> None:
    """On the very resource that is called."""
    allowed = list(statements())
    for action, on in called:
        assert any(action == each and fnmatchcase(on, resource) for each, resource in allowed), (action, on)


def test_the_policy_allows_no_more(called: list[tuple[str, str]]) -> None:
    """Each action on Rekognition is called; what changes something, is on the trial project only."""
    actions = {action for action, _ in statements() if action.startswith("rekognition:")}
    assert actions == {action for action, _ in called} | BY_THE_SERVICE
    for action, resource in statements():
        if re.match("rekognition:(Create|Delete|Put|Tag)", action):
            assert resource == "arn:aws:rekognition:*:*:project/rekognition-verify-*"


def test_the_policy_has_what_a_copy_needs_elsewhere() -> None:
    """The actions on the bucket and the key are those of the policy for who copies."""
    copier = json.loads((REPOSITORY / "examples" / "policies" / "copier-policy.json").read_text())
    elsewhere = {
        action
        for statement in copier["Statement"]
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
        if not action.startswith("rekognition:")
    }
    assert {action for action, _ in statements() if not action.startswith("rekognition:")} == elsewhere
