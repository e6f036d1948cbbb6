"""Both sides of each switch; the default side is also what the other tests stand on."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from localcloud.cloud import REPOSITORY
from localcloud.rekognition import LocalRekognition, Switches
from tests.localcloud.support import UNKNOWN_REVISION, VirtualClock, document, put, rejected, statement

if TYPE_CHECKING:
    from mypy_boto3_rekognition import RekognitionClient


def documents(client: RekognitionClient, project: str) -> list[str]:
    """Return the documents of a project's policies."""
    return [p["PolicyDocument"] for p in client.list_project_policies(ProjectArn=project)["ProjectPolicies"]]


def test_by_default_nothing_takes_time_and_nothing_is_late() -> None:
    """Times and delays are off, so that tests and examples that don't ask for them need not wait."""
    defaults = Switches().as_dict()
    assert {name for name in defaults if name.endswith(("_time", "_lag", "_delay", "_per_second"))} == {
        name for name, value in defaults.items() if value == 0 and not isinstance(value, bool)
    }


def test_put_of_an_existing_name_may_overwrite(
    rekognition: LocalRekognition, client: RekognitionClient, project: str
) -> None:
    """With 'overwrite' a put without a revision replaces the policy; a stale revision is rejected all the same."""
    first = put(client, project)
    rekognition.switches.put_existing_without_revision = "overwrite"
    changed = document(statement(Effect="Deny"))
    assert put(client, project, PolicyDocument=changed) != first
    assert documents(client, project) == [changed]
    with rejected("InvalidPolicyRevisionIdException"):
        put(client, project, PolicyRevisionId=first)


def test_errors_may_have_other_codes(rekognition: LocalRekognition, client: RekognitionClient, project: str) -> None:
    """An update of a policy that isn't there, and a policy beyond the quota, which is itself a switch."""
    rekognition.switches.put_revision_absent = "ResourceNotFoundException"
    with rejected("ResourceNotFoundException"):
        put(client, project, PolicyRevisionId=UNKNOWN_REVISION)
    rekognition.switches.change({"quota_error": "ServiceQuotaExceededException", "policies_per_project": 1})
    put(client, project)
    with rejected("ServiceQuotaExceededException"):
        put(client, project, "second")


def test_a_list_may_lag(clock: VirtualClock) -> None:
    """A lagging list shows puts, updates and deletes late; Put and Delete see the truth at once."""
    with LocalRekognition(Switches(list_lag=2), clock) as rekognition:
        client = rekognition.client()
        project = client.create_project(ProjectName="demo")["ProjectArn"]
        first = put(client, project)
        assert documents(client, project) == []
        with rejected("ResourceAlreadyExistsException"):
            put(client, project)
        clock.forward(2)
        assert documents(client, project) == [document()]

        changed = document(statement(Effect="Deny"))
        second = put(client, project, PolicyRevisionId=first, PolicyDocument=changed)
        clock.forward(1.9)
        assert documents(client, project) == [document()]
        clock.forward(0.1)
        assert documents(client, project) == [changed]

        client.delete_project_policy(ProjectArn=project, PolicyName="share", PolicyRevisionId=second)
        assert documents(client, project) == [changed]
        with rejected("ResourceNotFoundException"):
            client.delete_project_policy(ProjectArn=project, PolicyName="share")
        clock.forward(2)
        assert documents(client, project) == []


def test_documents_may_come_back_in_another_form(
    rekognition: LocalRekognition, client: RekognitionClient, project: str
) -> None:
    """The other form has root ARNs for account ids, scalars for lists of one, and its statements in another order."""
    given = document(
        statement(Sid="a", Principal={"AWS": ["111122223333"]}, Action=["rekognition:CopyProjectVersion"]),
        statement(Sid="b", Principal={"AWS": ["444455556666", "arn:aws:iam::111122223333:role/r"]}),
        statement(Sid="c", Effect="Deny", Principal="*", Resource=["*"]),
    )
    put(client, project, PolicyDocument=given)
    assert documents(client, project) == [given]
    rekognition.switches.returned_form = "normalized"
    (returned,) = documents(client, project)
    assert json.loads(returned) == {
        "Version": "2012-10-17",
        "Statement": [
            statement(Sid="c", Effect="Deny", Principal="*"),
            statement(
                Sid="b", Principal={"AWS": ["arn:aws:iam::444455556666:root", "arn:aws:iam::111122223333:role/r"]}
            ),
            statement(Sid="a", Principal={"AWS": "arn:aws:iam::111122223333:root"}),
        ],
    }
    put(client, project, "single")
    assert json.loads(documents(client, project)[1])["Statement"] == statement()  # no list


def test_the_last_page_may_have_an_empty_token(
    rekognition: LocalRekognition, client: RekognitionClient, project: str
) -> None:
    """An empty token is the end, as no token is."""
    put(client, project)
    rekognition.switches.end_of_list = "empty_token"
    assert client.list_project_policies(ProjectArn=project)["NextToken"] == ""
    pages = client.get_paginator("list_project_policies").paginate(ProjectArn=project)
    assert len(list(pages)) == 1


def test_regions_without_custom_labels_deny_access(rekognition: LocalRekognition) -> None:
    """A Region that lacks Custom Labels responds as if permission were lacking, unless the switch gives it to all."""
    for region in ("eu-north-1", "cn-north-1", "us-gov-west-1"):
        with rejected("AccessDeniedException"):
            rekognition.client(region=region).describe_projects()
    rekognition.switches.custom_labels_everywhere = True
    arns = [
        rekognition.client(region=region).create_project(ProjectName="demo")["ProjectArn"]
        for region in ("eu-north-1", "cn-north-1", "us-gov-west-1")
    ]
    assert [arn.split(":")[1] for arn in arns] == ["aws", "aws-cn", "aws-us-gov"]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"list_leg": 2}, "no switch 'list_leg'; there are: put_existing_without_revision"),
        ({"list_lag": "soon"}, "list_lag is a number"),
        ({"copying_time": "long"}, "copying_time is a number"),
        ({"list_lag": -1}, "list_lag is a number, 0 or more"),
        ({"policies_per_project": "2.5"}, "policies_per_project is a number"),
        ({"returned_form": "other"}, "one of: as_given, normalized"),
        ({"custom_labels_everywhere": "maybe"}, "true or false"),
        ({"list_lag": 2, "quota_error": "x"}, "quota_error is one of"),
    ],
)
def test_rejects_unknown_switches_and_values(changes: dict[str, Any], problem: str) -> None:
    """A wrong name or value is rejected with those there are, and nothing is changed."""
    switches = Switches()
    with pytest.raises(ValueError, match=problem):
        switches.change(changes)
    assert switches == Switches()
    with pytest.raises(ValueError, match="put_existing_without_revision is one of: reject, overwrite"):
        Switches(put_existing_without_revision="refuse")  # type: ignore[arg-type]


def test_switches_are_set_from_strings() -> None:
    """A shell has only strings."""
    switches = Switches()
    switches.change({"list_lag": "1.5", "policies_per_project": "7", "custom_labels_everywhere": "true"})
    assert switches == Switches(list_lag=1.5, policies_per_project=7, custom_labels_everywhere=True)


def test_the_page_has_every_switch_with_its_default() -> None:
    """README's table is the one in the code: the first value is the default."""
    page = (REPOSITORY / "localcloud" / "README.md").read_text()
    rows = dict(re.findall(r"^\| `(\w+)` \| `(\w+)`, ", page, re.MULTILINE))
    assert rows == {name: _shown(value) for name, value in Switches().as_dict().items()}


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value).removesuffix(".0")
