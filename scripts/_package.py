"""Makes the files of a release: the wheel and the sdist, and the providers for CloudFormation without the CDK.

The templates are synthesized from the constructs, so that a provider is the same either way.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import yaml
from aws_cdk import (
    App,
    Aws,
    CfnCondition,
    CfnOutput,
    CfnParameter,
    CfnResource,
    DefaultStackSynthesizer,
    Fn,
    Stack,
)
from aws_cdk import aws_iam as iam

from cdk_rekognition_project_policy import ProjectPolicyProvider, ProjectVersionCopyProvider
from constructs import Construct

ROOT = Path(__file__).resolve().parents[1]
FIRST_DATE = (1980, 1, 1, 0, 0, 0)
"""The earliest that a zip can hold, so that each build makes the same bytes."""

RETENTION_DAYS = (
    (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
)  # fmt: skip
"""What AWS::Logs::LogGroup takes."""

SECTIONS = ("Description", "Parameters", "Conditions", "Resources", "Outputs")
"""A template's sections, in the order in which it is read."""

LOGICAL_IDS = {
    "Logs": "Logs",
    "Role": "Role",
    "Policy": "Policy",
    "Function": "Function",
    "Function/EventInvokeConfig": "EventInvokeConfig",
}

ABOUT = """\
# The provider of {manages}: the function, its role and its log.
# Templates with such resources import {stack}:ServiceToken and :RoleName.
#
#   {upload}
#   aws cloudformation deploy --template-file {deploy} --stack-name {stack} \\
#       --capabilities CAPABILITY_IAM{parameters}

"""


@dataclass(frozen=True)
class Kind:
    """What differs between the providers."""

    name: str
    """What the names of its templates and of its code begin with."""
    stack: str
    """The name of its stack, and what the names of the exports begin with."""
    construct: type[ProjectPolicyProvider] | type[ProjectVersionCopyProvider]
    manages: str
    for_users: Sequence[Mapping[str, Any]]
    """The most that stacks which use the provider attach to its role, as statements."""
    function_name: str | None = None
    """The function's name, if its role has to name it."""

    @property
    def code(self) -> str:
        """The name of the file that has its function's code."""
        return f"{self.name}.zip"


def _allow(actions: Sequence[str], resource: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    return {"Effect": "Allow", "Action": actions, "Resource": f"arn:{Aws.PARTITION}:{resource}", **more}


HERE = f"{Aws.REGION}:{Aws.ACCOUNT_ID}"
ANY_KEY = f"kms:{Aws.REGION}:*:key/*"
VIA_REKOGNITION = {"StringEquals": {"kms:ViaService": f"rekognition.{Aws.REGION}.amazonaws.com"}}

COPIER = f"rekognition-version-copies-{Fn.select(2, Fn.split('/', Aws.STACK_ID))}"
"""The name of the function that copies, with the stack's UUID: the boundary has it before the function exists."""

POLICIES = Kind(
    name="provider",
    stack="RekognitionProjectPolicyProvider",
    construct=ProjectPolicyProvider,
    manages="Rekognition project policies",
    for_users=[_allow(["rekognition:PutProjectPolicy"], f"rekognition:{HERE}:project/*")],
)

COPIES = Kind(
    name="copy-provider",
    stack="RekognitionProjectVersionCopyProvider",
    construct=ProjectVersionCopyProvider,
    manages="copies of Rekognition model versions",
    function_name=COPIER,
    for_users=[
        _allow(["rekognition:CopyProjectVersion"], f"rekognition:{Aws.REGION}:*:project/*/version/*"),
        _allow(["rekognition:CopyProjectVersion", "rekognition:CreateProjectVersion"], f"rekognition:{HERE}:project/*"),
        _allow(["rekognition:TagResource", "rekognition:UntagResource"], f"rekognition:{HERE}:project/*/version/*"),
        _allow(["s3:GetBucketAcl", "s3:GetBucketLocation", "s3:PutObject"], "s3:::*"),
        *(_allow(["lambda:InvokeFunction"], f"lambda:{HERE}:function:{COPIER}{qualifier}") for qualifier in ("", ":*")),
        _allow(["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"], ANY_KEY, Condition=VIA_REKOGNITION),
        _allow(
            ["kms:CreateGrant"],
            ANY_KEY,
            Condition={**VIA_REKOGNITION, "Bool": {"kms:GrantIsForAWSResource": "true"}},
        ),
    ],
)


class ProviderStack(Stack):
    """A provider alone, with parameters in place of the construct's options, and short logical ids."""

    def __init__(self, app: App, kind: Kind) -> None:
        super().__init__(
            app,
            kind.stack,
            description=f"Provider of {kind.manages}, {version('cdk-rekognition-project-policy')}",
            synthesizer=DefaultStackSynthesizer(generate_bootstrap_version_rule=False),
        )
        self._kind = kind
        provider = kind.construct(self, "Provider")
        resources = {logical_id: _resource(provider, path) for path, logical_id in LOGICAL_IDS.items()}
        for logical_id, resource in resources.items():
            resource.override_logical_id(logical_id)
        if kind.function_name is not None:
            resources["Function"].add_property_override("FunctionName", kind.function_name)
        days = CfnParameter(
            self,
            "LogRetentionInDays",
            type="Number",
            default="365",
            allowed_values=[str(number) for number in RETENTION_DAYS],
            description="How long the log is kept",
        )
        resources["Logs"].add_property_override("RetentionInDays", days.value_as_number)
        key = CfnParameter(
            self,
            "LogKmsKeyArn",
            default="",
            allowed_pattern=r"(arn:[a-z\d-]+:kms:[a-z\d-]+:\d{12}:key/.+)?",
            description="The KMS key that the log is encrypted with; none if this is empty",
        )
        has_key = CfnCondition(
            self, "HasLogKmsKeyArn", expression=Fn.condition_not(Fn.condition_equals(key.value_as_string, ""))
        )
        resources["Logs"].add_property_override(
            "KmsKeyId", Fn.condition_if(has_key.logical_id, key.value_as_string, Aws.NO_VALUE)
        )
        self._bound(resources["Role"], cast("iam.CfnPolicy", resources["Policy"]))
        prefix = CfnParameter(
            self,
            "ExportPrefix",
            default=kind.stack,
            allowed_pattern="[a-zA-Z0-9:-]+",
            description="What the names of the exports begin with",
        )
        for name, value, description in (
            ("ServiceToken", provider.service_token, "What custom resources give as their ServiceToken"),
            ("RoleName", provider.role.role_name, "The role that stacks with such resources attach permissions to"),
        ):
            export_name = f"{prefix.value_as_string}:{name}"
            CfnOutput(self, name, value=value, description=description, export_name=export_name)

    def _bound(self, role: CfnResource, policy: iam.CfnPolicy) -> None:
        """Add a permissions boundary of exactly the role's actions, and a parameter that names another one.

        Stacks that use the provider attach policies to its role, so their deployers may call iam:PutRolePolicy on it.
        Without a boundary they could give the function, whose code they can't see, any permission of the account.
        """
        given = CfnParameter(
            self,
            "PermissionsBoundaryArn",
            default="",
            allowed_pattern=r"(arn:[a-z\d-]+:iam::(\d{12}|aws):policy/.+)?",
            description="The role's permissions boundary; if this is empty, one of exactly its actions",
        )
        is_default = CfnCondition(self, "HasDefaultBoundary", expression=Fn.condition_equals(given.value_as_string, ""))
        boundary = iam.CfnManagedPolicy(
            self,
            "Boundary",
            description=f"The most that the provider of {self._kind.manages} may do",
            policy_document={"Version": "2012-10-17", "Statement": [*self._always(policy), *self._kind.for_users]},
        )
        boundary.cfn_options.condition = is_default
        value = Fn.condition_if(is_default.logical_id, boundary.ref, given.value_as_string)
        role.add_property_override("PermissionsBoundary", value)

    def _always(self, policy: iam.CfnPolicy) -> list[dict[str, Any]]:
        """Return what the role is always allowed, except on the function, which needs the boundary first."""
        statements: list[dict[str, Any]] = self.resolve(policy.policy_document)["Statement"]
        return [each for each in statements if each["Action"] != "lambda:InvokeFunction"]


def _resource(provider: Construct, path: str) -> CfnResource:
    construct = provider.node.find_child(path.split("/")[0])
    for child in path.split("/")[1:]:
        construct = construct.node.find_child(child)
    resource = construct.node.default_child
    if not isinstance(resource, CfnResource):
        raise TypeError(f"{construct.node.path} is no resource.")
    return resource


def synthesize(kind: Kind, folder: Path) -> tuple[dict[str, Any], Path]:
    """Return a provider's template, and the folder with its function's code."""
    app = App(outdir=str(folder), analytics_reporting=False)
    stack = ProviderStack(app, kind)
    assembly = app.synth()
    template: dict[str, Any] = assembly.get_stack_by_name(stack.stack_name).template
    (code,) = (path for path in folder.iterdir() if path.name.startswith("asset.") and path.is_dir())
    return template, code


def write_templates(kind: Kind, template: dict[str, Any], dist: Path) -> None:
    """Write a provider's template in two forms: with its code beside it, and with its code in a bucket."""
    resource = template["Resources"]["Function"]
    function, quiet = resource["Properties"], resource["Metadata"]["cfn-lint"]["config"]["ignore_checks"]
    function["Code"] = kind.code
    quiet.append("W3002")  # the code is a path, as it has to be before `package`
    target = dist / f"{kind.name}.yaml"
    package = f"aws cloudformation package --template-file {target.name} --s3-bucket BUCKET"
    about = {"upload": f"{package} \\\n#       --output-template-file packaged.yaml", "deploy": "packaged.yaml"}
    _write(target, kind, template, **about, parameters="")

    quiet.remove("W3002")
    function["Code"] = {
        "S3Bucket": {"Ref": "CodeBucket"},
        "S3Key": {"Ref": "CodeKey"},
        "S3ObjectVersion": {"Fn::If": ["HasCodeObjectVersion", {"Ref": "CodeObjectVersion"}, {"Ref": "AWS::NoValue"}]},
    }
    template["Parameters"] = {
        "CodeBucket": {
            "Type": "String",
            "AllowedPattern": "[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]",
            "Description": f"The bucket that {kind.code} lies in, in this Region",
        },
        "CodeKey": {
            "Type": "String",
            "Default": kind.code,
            "Description": "Its key there; another one for another version",
        },
        "CodeObjectVersion": {
            "Type": "String",
            "Default": "",
            "Description": "Its version ID there, if the bucket is versioned: exactly this code is deployed",
        },
    } | template["Parameters"]
    template["Conditions"]["HasCodeObjectVersion"] = {"Fn::Not": [{"Fn::Equals": [{"Ref": "CodeObjectVersion"}, ""]}]}
    target = dist / f"{kind.name}-from-s3.yaml"
    about = {"upload": f"aws s3 cp {kind.code} s3://BUCKET/{kind.code}", "deploy": target.name}
    _write(target, kind, template, **about, parameters=" --parameter-overrides CodeBucket=BUCKET")


def _write(target: Path, kind: Kind, template: dict[str, Any], **about: str) -> None:
    ordered = {"AWSTemplateFormatVersion": "2010-09-09"} | {name: template[name] for name in SECTIONS}
    body = yaml.safe_dump(ordered, sort_keys=False, width=120)
    target.write_text(ABOUT.format(stack=kind.stack, manages=kind.manages, **about) + body)


def write_code(folder: Path, target: Path) -> None:
    """Write the function's code as a zip: the same bytes for the same files."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), FIRST_DATE)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)


def main() -> None:
    """Make dist/."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=ROOT / "dist", help="the folder to make (default: dist)")
    dist = parser.parse_args().output.resolve()
    dist.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, "-m", "build", "--no-isolation", "--outdir", dist, ROOT], check=True)
    for kind in (POLICIES, COPIES):
        with tempfile.TemporaryDirectory() as folder:
            template, code = synthesize(kind, Path(folder))
            write_templates(kind, template, dist)
            write_code(code, dist / kind.code)
    for path in sorted(dist.iterdir()):
        print(f"{path.stat().st_size:>9,} bytes  {path}")


if __name__ == "__main__":
    main()
