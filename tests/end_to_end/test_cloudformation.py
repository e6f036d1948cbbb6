"""CloudFormation without the CDK: the packaged provider and the written templates, deployed by the AWS CLI and SDK."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cfnlint.decode import cfn_yaml

from localcloud.cloud import LocalCloud
from tests.cloudformation import CloudFormation
from tests.end_to_end.conftest import Live
from tests.packaging import ROOT

if TYPE_CHECKING:
    from mypy_boto3_rekognition import RekognitionClient

ACCOUNT = "555566667777"
"""An account of its own, so that these tests may look at all there is."""

EXAMPLES = ROOT / "examples" / "cloudformation"
PROVIDER = "RekognitionProjectPolicyProvider"
ONE, TWO = "111122223333", "444455556666"


@pytest.fixture(scope="module")
def cloudformation(local_cloud: LocalCloud) -> CloudFormation:
    """CloudFormation of the account."""
    return CloudFormation(local_cloud.client("cloudformation", ACCOUNT))


@pytest.fixture(scope="module")
def bucket(local_cloud: LocalCloud) -> str:
    """A bucket for code."""
    local_cloud.client("s3", ACCOUNT).create_bucket(Bucket="code-of-providers")
    return "code-of-providers"


@pytest.fixture(scope="module")
def aws(local_cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return the AWS CLI of the account, as a function of its arguments."""
    environment = local_cloud.full_environment() | {"AWS_ACCESS_KEY_ID": ACCOUNT}

    def run(*arguments: str, cwd: Path) -> None:
        done = subprocess.run(
            [Path(sys.executable).with_name("aws"), *arguments],
            cwd=cwd,
            env=environment | {"HOME": str(tmp_path_factory.getbasetemp())},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr + done.stdout

    return run


@pytest.fixture(scope="module")
def provider(
    aws: Any, bucket: str, dist: Path, cloudformation: CloudFormation, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """The provider, deployed as its template says at its head."""
    packaged = str(tmp_path_factory.mktemp("packaged") / "packaged.yaml")
    aws(
        *("cloudformation", "package", "--template-file", "provider.yaml", "--s3-bucket", bucket),
        *("--output-template-file", packaged),
        cwd=dist,
    )
    deploy = ("cloudformation", "deploy", "--template-file", packaged, "--stack-name", PROVIDER)
    aws(*deploy, "--capabilities", "CAPABILITY_IAM", cwd=dist)
    yield
    cloudformation.delete(PROVIDER)


@pytest.fixture
def rekognition(local_cloud: LocalCloud) -> RekognitionClient:
    """Return a client of the account's Rekognition."""
    client: RekognitionClient = local_cloud.client("rekognition", ACCOUNT)
    return client


def broken(template: str, after: str = "Sharing") -> str:
    """Return a template with one more resource, which fails after the policy has been put."""
    marker = "\nOutputs:\n"
    assert template.count(marker) == 1
    failing = f"""
  Broken:
    Type: AWS::Rekognition::Project
    DependsOn: {after}
    Properties:
      ProjectName: not a name
"""
    return template.replace(marker, failing + marker)


def live(rekognition: RekognitionClient, project_arn: str) -> dict[str, Mapping[str, Any]]:
    """Return a project's policies by their names."""
    listed = rekognition.list_project_policies(ProjectArn=project_arn)["ProjectPolicies"]
    return {policy["PolicyName"]: policy for policy in listed}


def trusted(policy: Mapping[str, Any]) -> str:
    """Return the one account that a policy shares with."""
    (statement,) = json.loads(policy["PolicyDocument"])["Statement"]
    return str(statement["Principal"]["AWS"])


@pytest.mark.usefixtures("provider")
def test_an_existing_project_is_shared(cloudformation: CloudFormation, rekognition: RekognitionClient) -> None:
    """A document as an object and one as a string go live, are updated, rolled back, and deleted with their stack."""
    template = (EXAMPLES / "existing-project.yaml").read_text()
    project_arn = rekognition.create_project(ProjectName="existing")["ProjectArn"]
    given = {"ProjectArn": project_arn, "TrustedAccount": ONE, "ReviewingAccount": ONE}

    assert cloudformation.deploy("existing", template, **given) == "CREATE_COMPLETE"
    first = live(rekognition, project_arn)
    assert {name: trusted(policy) for name, policy in first.items()} == {"partner": ONE, "review": ONE}
    assert cloudformation.outputs("existing") == {
        "PolicyRevisionId": first["partner"]["PolicyRevisionId"],
        "ReviewPolicyRevisionId": first["review"]["PolicyRevisionId"],
    }
    (statement,) = json.loads(first["review"]["PolicyDocument"])["Statement"]
    assert statement["Resource"] == f"{project_arn.rsplit('/', 1)[0]}/version/v1/*"

    assert cloudformation.deploy("existing", template, **given | {"TrustedAccount": TWO}) == "UPDATE_COMPLETE"
    second = live(rekognition, project_arn)
    assert {name: trusted(policy) for name, policy in second.items()} == {"partner": TWO, "review": ONE}
    assert second["review"] == first["review"]
    assert cloudformation.outputs("existing")["PolicyRevisionId"] == second["partner"]["PolicyRevisionId"]

    failing = given | {"TrustedAccount": ONE, "ReviewingAccount": TWO}
    assert cloudformation.deploy("existing", broken(template, after="Partner"), **failing) == "UPDATE_ROLLBACK_COMPLETE"
    third = live(rekognition, project_arn)
    assert {name: trusted(policy) for name, policy in third.items()} == {"partner": TWO, "review": ONE}

    cloudformation.delete("existing")
    assert live(rekognition, project_arn) == {}


@pytest.mark.usefixtures("provider")
def test_project_and_policy_live_together(cloudformation: CloudFormation, rekognition: RekognitionClient) -> None:
    """Made, updated, rolled back, replaced with its project, and deleted in one stack."""
    template = (EXAMPLES / "project-and-policy.yaml").read_text()

    def shared() -> dict[str, str]:
        """Return which projects there are, and with whom each is shared."""
        return {
            project["ProjectArn"].split("/")[1]: trusted(live(rekognition, project["ProjectArn"])["sharing"])
            for project in rekognition.describe_projects()["ProjectDescriptions"]
            if project["ProjectArn"].split("/")[1] in ("together", "anew")
        }

    assert cloudformation.deploy("both", template, ProjectName="together", TrustedAccount=ONE) == "CREATE_COMPLETE"
    assert shared() == {"together": ONE}
    assert cloudformation.deploy("both", template, ProjectName="together", TrustedAccount=TWO) == "UPDATE_COMPLETE"
    assert shared() == {"together": TWO}
    failed = cloudformation.deploy("both", broken(template), ProjectName="together", TrustedAccount=ONE)
    assert failed == "UPDATE_ROLLBACK_COMPLETE"
    assert shared() == {"together": TWO}
    assert cloudformation.deploy("both", template, ProjectName="anew", TrustedAccount=TWO) == "UPDATE_COMPLETE"
    assert shared() == {"anew": TWO}
    cloudformation.delete("both")
    assert shared() == {}


@pytest.mark.usefixtures("provider")
def test_a_stack_that_fails_leaves_nothing(cloudformation: CloudFormation, rekognition: RekognitionClient) -> None:
    """A Create that is rolled back takes its policy along."""
    template = (EXAMPLES / "project-and-policy.yaml").read_text()
    status = cloudformation.deploy("failing", broken(template), ProjectName="failing", TrustedAccount=ONE)
    assert status == "ROLLBACK_COMPLETE"
    assert "failing" not in str(rekognition.describe_projects()["ProjectDescriptions"])
    cloudformation.delete("failing")


@pytest.mark.full  # the function retries what is denied for half a minute
@pytest.mark.usefixtures("provider")
def test_a_denial_by_an_organizations_policy_is_understood_from_the_stack_event(
    local_cloud: LocalCloud, cloudformation: CloudFormation
) -> None:
    """The event names the policy, who denies it and what to do, then the service's whole message and the log stream."""
    template = (EXAMPLES / "project-and-policy.yaml").read_text()
    with local_cloud.switched(denied_by_organization="rekognition:PutProjectPolicy"):
        status = cloudformation.deploy("denied", template, ProjectName="denied", TrustedAccount=ONE)
    assert status == "ROLLBACK_COMPLETE"
    (reason,) = Live(local_cloud, ACCOUNT).reasons("denied", "CREATE_FAILED")
    role = rf"arn:aws:sts::{ACCOUNT}:assumed-role/[^ ]+"
    project = r"arn:aws:rekognition:[^ ]+:project/denied/\d+"
    assert re.fullmatch(
        r'.*Policy "sharing" of project "denied": PutProjectPolicy was denied explicitly: a service control policy '
        r"of the organization denies it, so allowing it elsewhere doesn't help\. Ask whoever owns that policy for an "
        r"exception, or deploy where it doesn't apply\. "
        rf"\(AccessDeniedException: User: {role} is not authorized to perform: rekognition:PutProjectPolicy on "
        rf"resource: {project} with an explicit deny in a service control policy; request ID [\w-]+\) "
        r"CloudWatch Log Stream: [^ ]+.*",
        reason,
    )
    cloudformation.delete("denied")


def test_the_templates_of_a_stack_set_work_in_an_account(
    bucket: str, dist: Path, local_cloud: LocalCloud, cloudformation: CloudFormation, rekognition: RekognitionClient
) -> None:
    """Both templates that the stack sets of the example deploy, with the parameters that they give."""
    stack_sets = cfn_yaml.load(str(EXAMPLES / "stack-set.yaml"))["Resources"]
    given = {"TrustedAccount": ONE, "CodeBucket": bucket, "CodeKey": "provider.zip"}
    local_cloud.client("s3", ACCOUNT).upload_file(str(dist / "provider.zip"), bucket, "provider.zip")
    for name in ("Providers", "Sharing"):
        properties = stack_sets[name]["Properties"]
        file = properties["TemplateURL"]["Fn::Sub"].removeprefix("${TemplatesUrl}/")
        template = next(folder / file for folder in (dist, EXAMPLES) if (folder / file).exists())
        parameters = {each["ParameterKey"]: given[each["ParameterValue"]["Ref"]] for each in properties["Parameters"]}
        assert cloudformation.deploy(f"set-{name}", template.read_text(), **parameters) == "CREATE_COMPLETE"
    (project,) = (
        each["ProjectArn"]
        for each in rekognition.describe_projects()["ProjectDescriptions"]
        if each["ProjectArn"].split("/")[1] == "stickers"
    )
    assert trusted(live(rekognition, project)["sharing"]) == ONE
    cloudformation.delete("set-Sharing")
    cloudformation.delete("set-Providers")
    assert "stickers" not in str(rekognition.describe_projects()["ProjectDescriptions"])
