"""A deployed provider gets other code, and its former code back."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest

from localcloud.cloud import LocalCloud
from tests.end_to_end.conftest import deploy_provider
from tests.packaging import ROOT

ACCOUNT = "262626262626"
ONE, TWO, THREE = "111122223333", "444455556666", "777788889999"


@pytest.mark.full
def test_another_code_key_upgrades_and_downgrades_the_provider(
    local_cloud: LocalCloud, dist: Path, tmp_path: Path
) -> None:
    """Each time the function has the key's code, no policy is touched, and its stack is updated by the new code."""
    cloudformation = deploy_provider(local_cloud, ACCOUNT, dist)
    s3, bucket = local_cloud.client("s3", ACCOUNT), f"code-of-{ACCOUNT}"
    rekognition, functions = local_cloud.client("rekognition", ACCOUNT), local_cloud.client("lambda", ACCOUNT)
    shutil.copy(dist / "provider.zip", tmp_path / "newer.zip")
    with zipfile.ZipFile(tmp_path / "newer.zip", "a") as archive:
        archive.writestr("newer.py", "# another version")
    s3.upload_file(str(tmp_path / "newer.zip"), bucket, "newer.zip")
    template = (ROOT / "examples" / "cloudformation" / "project-and-policy.yaml").read_text()
    assert cloudformation.deploy("Sharing", template, TrustedAccount=ONE) == "CREATE_COMPLETE"
    arn = cloudformation.outputs("Sharing")["ProjectArn"]

    def live() -> tuple[str, str]:
        (policy,) = rekognition.list_project_policies(ProjectArn=arn)["ProjectPolicies"]
        return policy["PolicyRevisionId"], policy["PolicyDocument"]

    provider = (dist / "provider-from-s3.yaml").read_text()
    codes = []
    for key, trusted in (("newer.zip", TWO), ("provider.zip", THREE)):
        before = live()
        given = {"CodeBucket": bucket, "CodeKey": key}
        assert cloudformation.deploy("Provider", provider, **given) == "UPDATE_COMPLETE"
        assert live() == before
        codes.append(functions.list_functions()["Functions"][0]["CodeSha256"])
        assert cloudformation.deploy("Sharing", template, TrustedAccount=trusted) == "UPDATE_COMPLETE"
        assert trusted in live()[1]
    assert codes[0] != codes[1]
    cloudformation.delete("Sharing")
    cloudformation.delete("Provider")
