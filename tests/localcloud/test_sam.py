"""Templates of SAM, for which the local cloud has to be asked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from localcloud.cloud import CloudError, LocalCloud
from tests.account import Account
from tests.localcloud.stacks import custom, function

FUNCTION = {
    "Type": "AWS::Serverless::Function",
    "Properties": {
        "Runtime": "python3.13",
        "Handler": "index.handler",
        "InlineCode": function("thing")["Properties"]["Code"]["ZipFile"],
    },
}
RESOURCES = {"Function": FUNCTION, "Thing": custom(Id="thing")}
TEMPLATE = json.dumps({"Transform": "AWS::Serverless-2016-10-31", "Resources": RESOURCES})


@pytest.mark.full  # it makes another virtual environment
def test_a_template_of_sam_deploys_if_one_asks_for_it(tmp_path: Path) -> None:
    """With --sam it's transformed; a cloud that runs without isn't taken for one."""
    cloud = LocalCloud.attach_or_start(tmp_path / "with", sam=True)
    try:
        account = Account(cloud)
        assert account.deploy("sam", TEMPLATE) == "CREATE_COMPLETE", account.reasons("sam")
        assert LocalCloud.attach_or_start(tmp_path / "with", sam=True).pid == cloud.pid
    finally:
        cloud.stop()
    plain = LocalCloud.attach_or_start(tmp_path / "without")
    try:
        with pytest.raises(CloudError, match="runs without SAM"):
            LocalCloud.attach_or_start(tmp_path / "without", sam=True)
    finally:
        plain.stop()
