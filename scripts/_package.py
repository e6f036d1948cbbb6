"""Makes the files of a release: the wheel and the sdist, and the providers for CloudFormation without the CDK.

A provider's template is what its construct synthesizes, with parameters in place of the construct's options, and a
permissions boundary: stacks that use the provider attach policies to its role, so their deployers may call
iam:PutRolePolicy on it, and without a boundary they could give the function any permission of the account.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml
from aws_cdk import App, CfnElement, DefaultStackSynthesizer, Stack
from aws_cdk import aws_ec2 as ec2

from cdk_rekognition_project_policy import ProjectPolicyProvider, ProjectVersionCopyProvider

ROOT = Path(__file__).resolve().parents[1]

ABOUT = """\
# The provider of {manages}: the function, its role and its log.
# Templates with such resources import {stack}:ServiceToken and :RoleName.
#
#   {upload}
#   aws cloudformation deploy --template-file {deploy} --stack-name {stack} \\
#       --capabilities CAPABILITY_IAM{parameters}

"""

PARAMETERS = {
    "LogRetentionInDays": {
        "Type": "Number",
        "Default": 365,
        "AllowedValues": [
            *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
        ],
        "Description": "How many days the log is kept",
    },
    "LogKmsKeyArn": {
        "Type": "String",
        "Default": "",
        "AllowedPattern": r"(arn:[a-z\d-]+:kms:[a-z\d-]+:\d{12}:key/.+)?",
        "Description": "The KMS key that the log is encrypted with; none if this is empty",
    },
    "SubnetIds": {
        "Type": "CommaDelimitedList",
        "Default": "",
        "AllowedPattern": "(subnet-[0-9a-f]+)?",
        "Description": "The private subnets of a VPC that the function sends its requests from; none if this is empty",
    },
    "SecurityGroupIds": {
        "Type": "CommaDelimitedList",
        "Default": "",
        "AllowedPattern": "(sg-[0-9a-f]+)?",
        "Description": "The function's security groups in that VPC, which must allow HTTPS out",
    },
    "PermissionsBoundaryArn": {
        "Type": "String",
        "Default": "",
        "AllowedPattern": r"(arn:[a-z\d-]+:iam::(\d{12}|aws):policy/.+)?",
        "Description": "The role's permissions boundary; if this is empty, one of exactly its actions",
    },
}
CONDITIONS = {
    "HasLogKmsKeyArn": {"Fn::Not": [{"Fn::Equals": [{"Ref": "LogKmsKeyArn"}, ""]}]},
    "HasSubnets": {"Fn::Not": [{"Fn::Equals": [{"Fn::Join": ["", {"Ref": "SubnetIds"}]}, ""]}]},
    "HasDefaultBoundary": {"Fn::Equals": [{"Ref": "PermissionsBoundaryArn"}, ""]},
}
FROM_S3 = {
    "CodeBucket": {
        "Type": "String",
        "AllowedPattern": "[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]",
        "Description": "The bucket, in this Region, that has the function's code",
    },
    "CodeKey": {"Type": "String", "Description": "The code's key there; another one for another version"},
    "CodeObjectVersion": {
        "Type": "String",
        "Default": "",
        "Description": "The code's version ID there, if the bucket is versioned: exactly this code is deployed",
    },
}


def _if(condition: str, then: object, otherwise: object = None) -> dict[str, Any]:
    return {"Fn::If": [condition, then, otherwise or {"Ref": "AWS::NoValue"}]}


UUID = {"Uuid": {"Fn::Select": [2, {"Fn::Split": ["/", {"Ref": "AWS::StackId"}]}]}}
COPIER = "rekognition-version-copies-${Uuid}"
"""The name of the function that copies, which its role has to name before it exists."""

HERE = "${AWS::Region}:${AWS::AccountId}"
VIA_REKOGNITION = {"StringEquals": {"kms:ViaService": {"Fn::Sub": "rekognition.${AWS::Region}.amazonaws.com"}}}
FOR_AWS = {"Bool": {"kms:GrantIsForAWSResource": "true"}}


def _allow(actions: Sequence[str], resource: str, **more: object) -> dict[str, Any]:
    arn = f"arn:${{AWS::Partition}}:{resource}"
    return {
        "Effect": "Allow",
        "Action": [*actions],
        "Resource": {"Fn::Sub": [arn, UUID] if "${Uuid}" in arn else arn},
        **more,
    }


@dataclass(frozen=True)
class Kind:
    """What differs between the providers."""

    name: str
    """What the names of its templates and of its code begin with."""
    construct: type[ProjectPolicyProvider] | type[ProjectVersionCopyProvider]
    manages: str
    for_users: Sequence[Mapping[str, Any]]
    """The most that stacks which use the provider attach to its role, as statements."""
    function: Mapping[str, Any]
    """Properties of the function that the construct doesn't give it."""

    @property
    def stack(self) -> str:
        """The name of its stack, and what the names of the exports begin with."""
        return f"Rekognition{self.construct.__name__}"


KINDS = [
    Kind(
        name="provider",
        construct=ProjectPolicyProvider,
        manages="Rekognition project policies",
        for_users=[_allow(["rekognition:PutProjectPolicy"], f"rekognition:{HERE}:project/*")],
        function={},
    ),
    Kind(
        name="copy-provider",
        construct=ProjectVersionCopyProvider,
        manages="copies of Rekognition model versions",
        for_users=[
            _allow(["rekognition:CopyProjectVersion"], "rekognition:${AWS::Region}:*:project/*/version/*"),
            _allow(
                ["rekognition:CopyProjectVersion", "rekognition:CreateProjectVersion"],
                f"rekognition:{HERE}:project/*",
            ),
            _allow(["rekognition:TagResource", "rekognition:UntagResource"], f"rekognition:{HERE}:project/*/version/*"),
            _allow(["s3:GetBucketAcl", "s3:GetBucketLocation", "s3:PutObject"], "s3:::*"),
            _allow(["lambda:InvokeFunction"], f"lambda:{HERE}:function:{COPIER}"),
            _allow(["lambda:InvokeFunction"], f"lambda:{HERE}:function:{COPIER}:*"),
            _allow(
                ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"],
                "kms:${AWS::Region}:*:key/*",
                Condition=VIA_REKOGNITION,
            ),
            _allow(["kms:CreateGrant"], "kms:${AWS::Region}:*:key/*", Condition={**VIA_REKOGNITION, **FOR_AWS}),
        ],
        function={"FunctionName": {"Fn::Sub": [COPIER, UUID]}},
    ),
]


class ProviderStack(Stack):
    """A provider alone, in a VPC."""

    def __init__(self, app: App, kind: Kind) -> None:
        super().__init__(app, kind.stack, synthesizer=DefaultStackSynthesizer(generate_bootstrap_version_rule=False))
        vpc = ec2.Vpc.from_vpc_attributes(
            self, "Vpc", vpc_id="vpc-00000000", availability_zones=["any"], private_subnet_ids=["subnet-00000000"]
        )
        group = ec2.SecurityGroup.from_security_group_id(self, "Group", "sg-00000000")
        kind.construct(self, "Provider", vpc=vpc, security_groups=[group])

    def _allocate_logical_id(self, cfn_element: CfnElement) -> str:
        """Name a resource by its path, without a hash, because people read and deploy the template."""
        _, _, *path = cfn_element.node.path.split("/")
        return "".join(path).removesuffix("Resource")


def synthesize(kind: Kind, folder: Path) -> tuple[dict[str, Any], Path]:
    """Return a provider's template, and the folder with its function's code."""
    app = App(outdir=str(folder), analytics_reporting=False)
    stack = ProviderStack(app, kind)
    template: dict[str, Any] = app.synth().get_stack_by_name(stack.stack_name).template
    (code,) = (path for path in folder.iterdir() if path.name.startswith("asset.") and path.is_dir())
    return template, code


def with_parameters(kind: Kind, template: Mapping[str, Any]) -> dict[str, Any]:
    """Return a provider's template with parameters, the boundary and the exports."""
    resources = template["Resources"]
    logs, role, function = (resources[name]["Properties"] for name in ("Logs", "Role", "Function"))
    logs["RetentionInDays"] = {"Ref": "LogRetentionInDays"}
    logs["KmsKeyId"] = _if("HasLogKmsKeyArn", {"Ref": "LogKmsKeyArn"})

    # In the role itself, because nothing can depend on a resource that may be missing.
    network = resources.pop("NetworkPolicy")["Properties"]["PolicyDocument"]
    resources["Function"]["DependsOn"] = "Role"
    del resources["FunctionEventInvokeConfig"]["DependsOn"]
    role["Policies"] = _if("HasSubnets", [{"PolicyName": "network", "PolicyDocument": network}])
    groups_and_subnets = {"SubnetIds": {"Ref": "SubnetIds"}, "SecurityGroupIds": {"Ref": "SecurityGroupIds"}}
    function |= {"VpcConfig": _if("HasSubnets", groups_and_subnets), **kind.function}

    statements = resources["Policy"]["Properties"]["PolicyDocument"]["Statement"]
    bounded = [
        *(each for each in statements if each["Effect"] == "Allow" and each["Action"] != "lambda:InvokeFunction"),
        *kind.for_users,
        *(_if("HasSubnets", each) for each in network["Statement"]),
    ]
    statements[:] = [each if each["Effect"] == "Allow" else _if("HasSubnets", each) for each in statements]
    role["PermissionsBoundary"] = _if("HasDefaultBoundary", {"Ref": "Boundary"}, {"Ref": "PermissionsBoundaryArn"})
    resources["Boundary"] = {
        "Type": "AWS::IAM::ManagedPolicy",
        "Condition": "HasDefaultBoundary",
        "Properties": {
            "Description": f"The most that the provider of {kind.manages} may do",
            "PolicyDocument": {"Version": "2012-10-17", "Statement": bounded},
        },
    }
    prefix = {
        "Type": "String",
        "Default": kind.stack,
        "AllowedPattern": "[a-zA-Z0-9:-]+",
        "Description": "What the names of the exports begin with",
    }
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"Provider of {kind.manages}, {version('cdk-rekognition-project-policy')}",
        "Parameters": {**PARAMETERS, "ExportPrefix": prefix},
        "Conditions": {**CONDITIONS},
        "Resources": resources,
        "Outputs": {
            "ServiceToken": {
                "Description": "What custom resources give as their ServiceToken",
                "Value": {"Fn::GetAtt": ["Function", "Arn"]},
                "Export": {"Name": {"Fn::Sub": "${ExportPrefix}:ServiceToken"}},
            },
            "RoleName": {
                "Description": "The role that stacks with such resources attach permissions to",
                "Value": {"Ref": "Role"},
                "Export": {"Name": {"Fn::Sub": "${ExportPrefix}:RoleName"}},
            },
        },
    }


def write_templates(kind: Kind, template: dict[str, Any], dist: Path) -> None:
    """Write a provider's template in two forms: with its code beside it, and with its code in a bucket."""
    code = f"{kind.name}.zip"
    resource = template["Resources"]["Function"]
    function, quiet = resource["Properties"], resource["Metadata"]["cfn-lint"]["config"]["ignore_checks"]
    function["Code"] = code
    quiet.append("W3002")  # the code is a path, as it has to be before `package`
    target = dist / f"{kind.name}.yaml"
    package = f"aws cloudformation package --template-file {target.name} --s3-bucket BUCKET"
    about = {"upload": f"{package} \\\n#       --output-template-file packaged.yaml", "deploy": "packaged.yaml"}
    _write(target, kind, template, **about, parameters="")

    quiet.remove("W3002")
    function["Code"] = {
        "S3Bucket": {"Ref": "CodeBucket"},
        "S3Key": {"Ref": "CodeKey"},
        "S3ObjectVersion": _if("HasCodeObjectVersion", {"Ref": "CodeObjectVersion"}),
    }
    template["Parameters"] = FROM_S3 | {"CodeKey": FROM_S3["CodeKey"] | {"Default": code}} | template["Parameters"]
    template["Conditions"] |= {
        "HasCodeObjectVersion": {"Fn::Not": [{"Fn::Equals": [{"Ref": "CodeObjectVersion"}, ""]}]}
    }
    target = dist / f"{kind.name}-from-s3.yaml"
    about = {"upload": f"aws s3 cp {code} s3://BUCKET/{code}", "deploy": target.name}
    _write(target, kind, template, **about, parameters=" --parameter-overrides CodeBucket=BUCKET")


def _write(target: Path, kind: Kind, template: Mapping[str, Any], **about: str) -> None:
    without_aliases = json.loads(json.dumps(template))
    body = yaml.safe_dump(without_aliases, sort_keys=False, width=120)
    target.write_text(ABOUT.format(stack=kind.stack, manages=kind.manages, **about) + body)


def write_code(folder: Path, target: Path) -> None:
    """Write the function's code as a zip: the same bytes for the same files."""
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix())  # of 1980, whenever it is written
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)


def main() -> None:
    """Make dist/."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=ROOT / "dist", help="the folder to make (default: dist)")
    dist = parser.parse_args().output.resolve()
    dist.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, "-m", "build", "--no-isolation", "--outdir", dist, ROOT], check=True)
    for kind in KINDS:
        with tempfile.TemporaryDirectory() as folder:
            template, code = synthesize(kind, Path(folder))
            write_templates(kind, with_parameters(kind, template), dist)
            write_code(code, dist / f"{kind.name}.zip")
    for path in sorted(dist.iterdir()):
        print(f"{path.stat().st_size:>9,} bytes  {path}")


if __name__ == "__main__":
    main()
