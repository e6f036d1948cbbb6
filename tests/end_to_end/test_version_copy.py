"""The life of a copy through the real CDK CLI, and through templates without the CDK: always what is asked is there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from localcloud.cloud import ACCOUNT, LocalCloud
from tests.cloudformation import CloudFormation
from tests.end_to_end.conftest import Cdk, Live, deploy_provider
from tests.packaging import ROOT

if TYPE_CHECKING:
    from mypy_boto3_rekognition import RekognitionClient
    from mypy_boto3_rekognition.type_defs import ProjectVersionDescriptionTypeDef

TRUSTING = "686868686868"
WITHOUT_CDK = "696969696969"
STACK = "Copying"


class Models:
    """A project of another account with two trained model versions, and the policy that allows everybody's copies."""

    def __init__(self, cloud: LocalCloud, *trusted: str) -> None:
        self._client: RekognitionClient = cloud.client("rekognition", TRUSTING)
        self.project = self._client.create_project(ProjectName="models")["ProjectArn"]
        self.v1, self.v2 = (
            self._client.create_project_version(
                ProjectArn=self.project, VersionName=name, OutputConfig={"S3Bucket": "training"}
            )["ProjectVersionArn"]
            for name in ("v1", "v2")
        )
        statement = {
            "Effect": "Allow",
            "Principal": {"AWS": [*trusted]},
            "Action": "rekognition:CopyProjectVersion",
            "Resource": "*",
        }
        document = json.dumps({"Version": "2012-10-17", "Statement": statement})
        self._client.put_project_policy(ProjectArn=self.project, PolicyName="sharing", PolicyDocument=document)

    def remove(self) -> None:
        """Delete everything."""
        for arn in (self.v1, self.v2):
            self._client.delete_project_version(ProjectVersionArn=arn)
        self._client.delete_project(ProjectArn=self.project)


@pytest.fixture(scope="module")
def models(local_cloud: LocalCloud) -> Iterator[Models]:
    """The models that are copied."""
    models = Models(local_cloud, ACCOUNT, WITHOUT_CDK)
    yield models
    models.remove()


def copies(cloud: LocalCloud, account: str) -> dict[str, ProjectVersionDescriptionTypeDef]:
    """Return an account's model versions by their ARNs."""
    client: RekognitionClient = cloud.client("rekognition", account)
    return {
        version["ProjectVersionArn"]: version
        for project in client.describe_projects()["ProjectDescriptions"]
        for version in client.describe_project_versions(ProjectArn=project["ProjectArn"])["ProjectVersionDescriptions"]
    }


@pytest.mark.full
def test_a_copy_lives_with_its_stack(cdk: Cdk, live: Live, models: Models) -> None:
    """Waited for over several runs, tagged in place, replaced, rolled back, then stopped and deleted while it runs."""
    client: RekognitionClient = live.cloud.client("rekognition")

    def deploy(version: str, **context: Any) -> str:
        given = {"project": models.project, "version": version} | context
        done = cdk.app("deploy", "copying.py", "--require-approval", "never", **given)
        assert done.returncode == 0, done.stdout
        arn = live.outputs(STACK)["VersionArn"]
        assert {each: found["Status"] for each, found in copies(live.cloud, ACCOUNT).items()} == {
            arn: "COPYING_COMPLETED"
        }
        return arn

    # Longer than a run of the function, so without the next one there would be no response.
    with live.cloud.switched(copying_time=4, deleting_time=1):
        first = deploy(models.v1, tags={"team": "logos"})
        assert copies(live.cloud, ACCOUNT)[first]["SourceProjectVersionArn"] == models.v1
        assert client.list_tags_for_resource(ResourceArn=first)["Tags"]["team"] == "logos"

        assert deploy(models.v1, tags={"team": "signs"}) == first
        assert client.list_tags_for_resource(ResourceArn=first)["Tags"]["team"] == "signs"

        second = deploy(models.v2)
        assert copies(live.cloud, ACCOUNT)[second]["SourceProjectVersionArn"] == models.v2

    with live.cloud.switched(copying_time=4, copying_ends="COPYING_FAILED"):
        given = {"project": models.project, "version": models.v1}
        failed = cdk.app("deploy", "copying.py", "--require-approval", "never", **given)
    assert failed.returncode != 0
    (reason,) = live.reasons(STACK, "UPDATE_FAILED")
    assert 'of project "copies" couldn\'t be copied (COPYING_FAILED)' in reason
    left = copies(live.cloud, ACCOUNT)
    assert left.pop(second)["Status"] == "COPYING_COMPLETED"
    for arn in left:  # the local CloudFormation sends no Delete for a replacement that failed
        client.delete_project_version(ProjectVersionArn=arn)

    client.start_project_version(ProjectVersionArn=second, MinInferenceUnits=1)
    done = cdk.app("destroy", "copying.py", "--force", **given)
    assert done.returncode == 0, done.stdout
    assert copies(live.cloud, ACCOUNT) == {}


@pytest.fixture
def trusted(local_cloud: LocalCloud, dist: Path) -> Iterator[CloudFormation]:
    """CloudFormation of an account with a provider of copies, as it is packaged."""
    cloudformation = deploy_provider(local_cloud, WITHOUT_CDK, dist, "copy-provider")
    yield cloudformation
    cloudformation.delete("Provider")


def test_a_template_copies_without_the_cdk(local_cloud: LocalCloud, trusted: CloudFormation, models: Models) -> None:
    """Within the role's permissions boundary, another model version replaces the copy, and the stack takes it along."""
    template = (ROOT / "examples" / "cloudformation" / "copied-model.yaml").read_text()
    given = {"SourceProjectArn": models.project, "OutputBucket": "results"}
    arns = []
    for version, status in ((models.v1, "CREATE_COMPLETE"), (models.v2, "UPDATE_COMPLETE")):
        assert trusted.deploy("CopiedModel", template, SourceVersionArn=version, **given) == status
        ((arn, found),) = copies(local_cloud, WITHOUT_CDK).items()
        assert (found["SourceProjectVersionArn"], found["Status"]) == (version, "COPYING_COMPLETED")
        assert trusted.outputs("CopiedModel")["VersionArn"] == arn
        arns.append(arn)
    assert arns[0] != arns[1]
    trusted.delete("CopiedModel")
    assert copies(local_cloud, WITHOUT_CDK) == {}
