"""Roles and users of the local cloud's IAM, and clients that act as them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localcloud.clients import make_client
from localcloud.cloud import LocalCloud
from localcloud.peers import SECRET_VARIABLE
from tests.localcloud.support import document

if TYPE_CHECKING:
    from mypy_boto3_rekognition import RekognitionClient


def allow(action: str, resource: str = "*", **more: Any) -> dict[str, Any]:
    """Return a statement that allows an action on a resource, but for what more says."""
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def trust(account: str) -> str:
    """Return a trust policy that allows an account to assume a role."""
    return document(
        {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"}, "Action": "sts:AssumeRole"}
    )


def signed_with(cloud: LocalCloud, **credentials: Any) -> RekognitionClient:
    """Return a client with these credentials; Rekognition checks the key and the token, and no signature."""
    client: RekognitionClient = make_client(
        "rekognition",
        cloud.rekognition_url,
        credentials["AccessKeyId"],
        "us-east-1",
        secret=cloud.environment()[SECRET_VARIABLE],
        session_token=credentials.get("SessionToken"),
    )
    return client


class Role:
    """A role of an account, which may do what its statements say."""

    def __init__(self, cloud: LocalCloud, account: str, name: str, *statements: dict[str, Any]) -> None:
        self._cloud = cloud
        self._account = account
        self._name = name
        made = self._iam.create_role(RoleName=name, Path="/team/", AssumeRolePolicyDocument=trust(account))
        self.arn = str(made["Role"]["Arn"])
        self.may(*statements)

    def may(self, *statements: dict[str, Any]) -> None:
        """Allow it this from now on, and nothing else."""
        self._iam.put_role_policy(RoleName=self._name, PolicyName="inline", PolicyDocument=document(*statements))

    def client(self, **changes: str) -> RekognitionClient:
        """Return a client that acts in a session of the role; the changes spoil its credentials."""
        sts = self._cloud.client("sts", self._account)
        session = sts.assume_role(RoleArn=self.arn, RoleSessionName="test")["Credentials"]
        return signed_with(self._cloud, **{**session, **changes})

    def session_arn(self, session: str = "test") -> str:
        """Return the ARN of a session."""
        return f"arn:aws:sts::{self._account}:assumed-role/{self._name}/{session}"

    @property
    def _iam(self) -> Any:
        return self._cloud.client("iam", self._account)
