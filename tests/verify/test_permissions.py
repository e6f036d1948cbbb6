"""The IAM policy of docs/compatibility.md allows what `./scripts/verify` calls, and no more."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from fnmatch import fnmatchcase
from operator import itemgetter
from typing import Any

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


def allowed_by(policy: str) -> list[tuple[str, str]]:
    """Return each action that a policy allows, with a resource."""
    statements = json.loads(policy)["Statement"]
    assert {each["Effect"] for each in statements} == {"Allow"}
    actions, resources = (
        [each[key] if isinstance(each[key], list) else [each[key]] for each in statements]
        for key in ("Action", "Resource")
    )
    return [
        (action, resource)
        for some, things in zip(actions, resources, strict=True)
        for action in some
        for resource in things
    ]


def test_the_policy_allows_what_is_called_and_no_more(aws: Account) -> None:
    """On the very resource that is called; what changes something is allowed on the trial project only."""
    called: list[tuple[str, str]] = []

    def note(params: dict[str, Any], model: Any, **_: Any) -> None:
        on = ON_WHAT[model.name] if model.name in ON_WHAT else itemgetter("ProjectArn")
        called.append((f"rekognition:{model.name}", on(params)))
        if model.name == "CopyProjectVersion":
            called.append((called[-1][0], params["SourceProjectVersionArn"].replace("/users/", "/SOURCE/")))

    def client(service: str, config: Config) -> Any:
        made = aws.client(service, config)
        if service == "rekognition":
            made.meta.events.register("provide-client-params.rekognition.*", note)
        return made

    aws.service.switches.change({"copying_time": 30})
    aws.run("--yes", "--throttle", *aws.copying, client=client)
    (block,) = re.findall(r"```json\n(.*?)```", (REPOSITORY / "docs" / "compatibility.md").read_text(), re.DOTALL)
    allowed = allowed_by(block)
    for action, on in called:
        assert any(action == each and fnmatchcase(on, resource) for each, resource in allowed), (action, on)
    actions = {action for action, _ in allowed}
    needed = {action for action, _ in called} | BY_THE_SERVICE
    assert {action for action in actions if action.startswith("rekognition:")} == needed
    for action, resource in allowed:
        if re.match("rekognition:(Create|Delete|Put|Tag)", action):
            assert resource == "arn:aws:rekognition:*:*:project/rekognition-verify-*"
    # On the bucket and the key it has the actions of the policy for whoever copies.
    copier = allowed_by((REPOSITORY / "examples" / "policies" / "copier-policy.json").read_text())
    assert actions - needed == {action for action, _ in copier if not action.startswith("rekognition:")}
