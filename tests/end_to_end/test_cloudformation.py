"""CloudFormation without the CDK: the packaged provider and the written templates, deployed by the AWS CLI and SDK."""

from __future__ import annotations

import shutil
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from cfnlint.decode import cfn_yaml

from localcloud.cloud import LocalCloud
from tests.account import Account
from tests.end_to_end.conftest import run
from tests.packaging import ROOT

EXAMPLES = ROOT / "examples" / "cloudformation"
EXISTING = (EXAMPLES / "existing-project.yaml").read_text()
TOGETHER = (EXAMPLES / "project-and-policy.yaml").read_text()
ONE, TWO, THREE = "111122223333", "444455556666", "777788889999"
BACK = "UPDATE_ROLLBACK_COMPLETE"


def broken(template: str, after: str = "Sharing") -> str:
    """Return a template with one more resource, which fails after the policy has been put."""
    failing = f"\n  Broken: {{Type: AWS::Rekognition::Project, DependsOn: {after}, Properties: {{ProjectName: a b}}}}\n"
    assert template.count("\nOutputs:\n") == 1
    return template.replace("\nOutputs:\n", f"{failing}\nOutputs:\n")


@pytest.fixture(scope="module")
def account(local_cloud: LocalCloud, dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """An account with the provider, which the AWS CLI deploys as the template says at its head."""
    account, name, folder = Account(local_cloud, "555566667777"), "provider", tmp_path_factory.mktemp("home")
    account.client("s3").create_bucket(Bucket="code-of-providers")
    environment = local_cloud.full_environment(account.id) | {"HOME": str(folder)}

    def aws(*arguments: str) -> None:
        run(Path(sys.executable).with_name("aws"), *arguments, cwd=dist, environment=environment)

    aws("s3", "cp", "provider.zip", "s3://code-of-providers/provider-0.1.0.zip")
    stack = ("--stack-name", name, "--capabilities", "CAPABILITY_IAM")
    code = ("--parameter-overrides", "CodeBucket=code-of-providers", "CodeKey=provider-0.1.0.zip")
    aws("cloudformation", "deploy", "--template-file", "provider.yaml", *stack, *code)
    yield account
    account.delete(name)


def test_an_existing_project_is_shared(account: Account) -> None:
    """A document as an object and one as a string go live, are updated, rolled back, and deleted with their stack."""
    arn = account.rekognition.create_project(ProjectName="existing")["ProjectArn"]
    for template, partner, reviewer, ends, trusted in (
        (EXISTING, ONE, ONE, "CREATE_COMPLETE", [{ONE}, {ONE}]),
        (EXISTING, TWO, ONE, "UPDATE_COMPLETE", [{TWO}, {ONE}]),
        (broken(EXISTING, after="Partner"), ONE, TWO, BACK, [{TWO}, {ONE}]),
    ):
        given = {"ProjectArn": arn, "TrustedAccount": partner, "ReviewingAccount": reviewer}
        assert account.deploy("existing", template, **given) == ends
        live = account.trusted()
        assert [live["existing", name] for name in ("partner", "review")] == trusted
        if ends != BACK:
            revisions = [account.policies()["existing", name]["PolicyRevisionId"] for name in ("partner", "review")]
            names = ("PolicyRevisionId", "ReviewPolicyRevisionId")
            assert account.outputs("existing") == dict(zip(names, revisions, strict=True))
    account.delete("existing")
    assert account.policies() == {}
    account.rekognition.delete_project(ProjectArn=arn)


def test_project_and_policy_live_together(account: Account) -> None:
    """Made in vain, made, updated, rolled back, replaced with its project, and deleted in one stack."""
    steps: list[tuple[str, str, str, str, dict[tuple[str, str], set[str]]]] = [
        (broken(TOGETHER), "old", ONE, "ROLLBACK_COMPLETE", {}),
        (TOGETHER, "old", ONE, "CREATE_COMPLETE", {("old", "sharing"): {ONE}}),
        (TOGETHER, "old", TWO, "UPDATE_COMPLETE", {("old", "sharing"): {TWO}}),
        (broken(TOGETHER), "old", ONE, BACK, {("old", "sharing"): {TWO}}),
        (TOGETHER, "new", TWO, "UPDATE_COMPLETE", {("new", "sharing"): {TWO}}),
    ]
    for template, project, trusted, ends, live in steps:
        assert account.deploy("both", template, ProjectName=project, TrustedAccount=trusted) == ends
        assert account.trusted() == live
        if ends == "ROLLBACK_COMPLETE":
            account.delete("both")
    account.delete("both")
    assert account.projects() == {}


def test_the_stack_sets_templates_outlive_another_version_of_the_code(
    local_cloud: LocalCloud, dist: Path, tmp_path: Path
) -> None:
    """With the parameters that stack-set.yaml gives; then CodeKey upgrades and downgrades, and touches no policy."""
    account, bucket = Account(local_cloud, "262626262626"), "code-of-stack-sets"
    s3, functions = account.client("s3"), account.client("lambda")
    s3.create_bucket(Bucket=bucket)
    shutil.copy(dist / "provider.zip", tmp_path / "newer.zip")
    with zipfile.ZipFile(tmp_path / "newer.zip", "a") as archive:
        archive.writestr("newer.py", "# another version")
    for path in (dist / "provider.zip", tmp_path / "newer.zip"):
        s3.upload_file(str(path), bucket, path.name)
    stack_sets = cfn_yaml.load(str(EXAMPLES / "stack-set.yaml"))["Resources"]

    def deployed(name: str, **given: str) -> str:
        properties = stack_sets[name]["Properties"]
        file = properties["TemplateURL"]["Fn::Sub"].removeprefix("${TemplatesUrl}/")
        template = next(folder / file for folder in (dist, EXAMPLES) if (folder / file).exists())
        parameters = {each["ParameterKey"]: given[each["ParameterValue"]["Ref"]] for each in properties["Parameters"]}
        return account.deploy(name, template.read_text(), **parameters)

    codes = []
    for key, trusted, ends in (
        ("provider.zip", ONE, "CREATE_COMPLETE"),
        ("newer.zip", TWO, "UPDATE_COMPLETE"),
        ("provider.zip", THREE, "UPDATE_COMPLETE"),
    ):
        before = account.policies()
        assert deployed("Providers", CodeBucket=bucket, CodeKey=key, CodeObjectVersion="") == ends
        assert account.policies() == before
        codes.append(functions.list_functions()["Functions"][0]["CodeSha256"])
        assert deployed("Sharing", TrustedAccount=trusted) == ends
        assert account.trusted() == {("stickers", "sharing"): {trusted}}
    assert codes[0] == codes[2] != codes[1]
    account.delete("Sharing")
    account.delete("Providers")
    assert account.projects() == {}
