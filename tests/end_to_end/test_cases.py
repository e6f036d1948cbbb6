"""The cases of a policy that meet no trouble, on the local cloud: its CloudFormation isn't the simulated one."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from localcloud.cloud import LocalCloud
from tests.account import Account
from tests.documents import MINE, OTHER
from tests.end_to_end.conftest import deploy_provider
from tests.lifecycle import policy_cases
from tests.lifecycle.cases import (
    FAILS_LAST,
    Case,
    Delete,
    Deploy,
    Other,
    Policy,
    Put,
    Remove,
    Step,
    Template,
    Wait,
)
from tests.lifecycle.cloud import policy_properties

pytestmark = pytest.mark.full

FAILS = {"Type": "AWS::Rekognition::Project", "Properties": {"ProjectName": "no name"}}


def can_be_played(case: Case) -> bool:
    """Return whether each event arrives once and meets nothing, and nothing is canceled."""

    def is_plain(step: Step) -> bool:
        match step:
            case Deploy():
                others = [each for each in step.template.values() if isinstance(each, Other)]
                return not step.arrive and not any(each.fails and not each.needs for each in others)
            case Delete():
                return not step.arrive
        return isinstance(step, Wait | Put | Remove)

    return not case.behavior and "clock_ahead" not in case.service and all(map(is_plain, case.steps))


CASES = [
    pytest.param(case, id=f"{words}: {case.title}")
    for words, cases in [*((row.case, row.cases) for row in policy_cases.ROWS), ("further", policy_cases.FURTHER)]
    for case in cases
    if can_be_played(case)
]


@dataclass(frozen=True)
class Player:
    """Plays a case in an account that has a provider."""

    account: Account
    token: str
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def play(self, case: Case) -> None:
        """Play it, and hold each operation's end and what is live in the end to it."""
        self.project("logos")
        with self.account.cloud.switched(**case.service):
            for step, then in zip(case.steps, [*case.steps[1:], None], strict=True):
                # Nothing here waits for a day: what is done before it looks so much older afterward.
                behind = then.seconds if isinstance(then, Wait) else 0
                with self.account.cloud.switched(clock_behind=behind):
                    self.do(step)
        assert self.live() == case.live

    def do(self, step: Step) -> None:
        """Do one step."""
        account, rekognition = self.account, self.account.rekognition
        match step:
            case Deploy():
                if account.status(step.stack) == "ROLLBACK_COMPLETE":
                    account.delete(step.stack)
                status = account.deploy(step.stack, json.dumps(self.template(step.template)))
                assert status == step.ends, account.reasons(step.stack)
                assert step.reason in account.reasons(step.stack)
            case Delete():
                account.delete(step.stack, step.ends)
            case Put(document, name):
                live = account.policies().get(("logos", name))
                revision = {"PolicyRevisionId": live["PolicyRevisionId"]} if live else {}
                rekognition.put_project_policy(
                    ProjectArn=self.project("logos"), PolicyName=name, PolicyDocument=json.dumps(document), **revision
                )
            case Remove(name, project):
                for of, each in account.policies():
                    if of == (project or "logos") and (project or each == name):
                        arn = self.project(of)
                        rekognition.delete_project_policy(ProjectArn=arn, PolicyName=each)
                if project:
                    rekognition.delete_project(ProjectArn=self.project(project))

    def project(self, name: str) -> str:
        """Return a project's ARN; make the project where there is none of that name."""
        rekognition = self.account.rekognition
        return self.account.projects().get(name) or rekognition.create_project(ProjectName=name)["ProjectArn"]

    def template(self, template: Template) -> dict[str, Any]:
        """Return a template of CloudFormation."""
        # A template has a resource, and an update changes one.
        parameter = {"Type": "String", "Value": str(next(self.numbers))}
        resources: dict[str, Any] = {"Number": {"Type": "AWS::SSM::Parameter", "Properties": parameter}}
        for name, each in template.items():
            if isinstance(each, Policy):
                resources[name] = self.resource(each)
            elif isinstance(each, Other) and each.fails:
                resources[name] = {**FAILS, "DependsOn": [other for other in template if other != name]}
        return {"Resources": resources}

    def resource(self, policy: Policy) -> dict[str, Any]:
        """Return the resource of a policy."""
        return {
            "Type": "Custom::RekognitionProjectPolicy",
            "Properties": policy_properties(policy, self.token, self.project(policy.project)),
            "DependsOn": [policy.needs] if policy.needs else [],
            **{f"{kind}Policy": "Retain" if policy.retain else "Delete" for kind in ("Deletion", "UpdateReplace")},
        }

    def live(self) -> dict[str, Any]:
        """Return the live documents, in the form of a case's ``live``."""
        return {
            name if of == "logos" else f"{of}/{name}": json.loads(policy["PolicyDocument"])
            for (of, name), policy in self.account.policies().items()
        }

    def clean(self) -> None:
        """Delete what a case left."""
        listed = self.account.client("cloudformation").describe_stacks()["Stacks"]
        for stack in {each["StackName"] for each in listed} - {"Provider"}:
            self.account.delete(stack)
        for arn in self.account.projects().values():
            self.account.rekognition.delete_project(ProjectArn=arn)


@pytest.fixture(scope="module")
def player(local_cloud: LocalCloud, dist: Path) -> Iterator[Player]:
    """An account with the provider, whose role may put any policy."""
    account = Account(local_cloud, "313131313131")
    deploy_provider(account, dist)
    outputs = account.outputs("Provider")
    statement = {"Effect": "Allow", "Action": "rekognition:PutProjectPolicy", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    account.client("iam").put_role_policy(RoleName=outputs["RoleName"], PolicyName="puts", PolicyDocument=document)
    yield Player(account, outputs["ServiceToken"])
    account.delete("Provider")


@pytest.fixture
def empty(player: Player) -> Iterator[Player]:
    """The account without stacks and projects."""
    yield player
    player.clean()


@pytest.mark.parametrize("case", CASES)
def test_a_case(empty: Player, case: Case) -> None:
    """Each operation ends as on virtual time, and so does what is live."""
    empty.play(case)


@pytest.mark.timeout(900)
def test_a_hundred_rollbacks_under_the_quota_restore_every_document(empty: Player) -> None:
    """Five calls a second pass, others get status 500, and lists are late: each project ends with its old document."""
    names = [f"many-{number}" for number in range(100)]
    whole, broken = (
        [json.dumps(empty.template({"Sharing": Policy(document, project=name), **more})) for name in names]
        for document, more in ((MINE, {}), (OTHER, {"Other": FAILS_LAST}))
    )
    with ThreadPoolExecutor(10) as pool:
        assert list(pool.map(empty.account.deploy, names, whole)) == ["CREATE_COMPLETE"] * 100
        with empty.account.cloud.switched(calls_per_second=5, list_lag=4):
            assert list(pool.map(empty.account.deploy, names, broken)) == ["UPDATE_ROLLBACK_COMPLETE"] * 100
    assert list(empty.live().values()) == [MINE] * 100
