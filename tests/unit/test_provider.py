"""The providers: one function a stack, or one for several, and roles with least privilege."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import aws_cdk
import pytest
from aws_cdk import App, Aws, CfnParameter, Environment, Fn, NestedStack, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_rekognition as rekognition
from aws_cdk.assertions import Template

from cdk_rekognition_project_policy import ProjectPolicy, ProjectPolicyProvider, ProjectVersionCopyProvider
from constructs import Construct
from tests.unit.conftest import (
    CDK_INIT,
    HERE,
    PROJECT_ARN,
    TRUSTED,
    TYPE,
    TYPE_OF_COPY,
    allowed,
    define,
    define_copy,
    document,
    identity_statements,
    properties,
    resources,
)

FUNCTION_ARN = "arn:aws:lambda:us-east-1:123456789012:function:provider"
ROLE_NAME = "provider-role"
WEAK = "Fn::GetStackOutput" if hasattr(aws_cdk, "CrossStackReferences") else "Fn::ImportValue"
"""How a new app refers to other stacks; older versions of the CDK export everything."""
PROJECTS = f"arn:{Aws.PARTITION}:rekognition:{Aws.REGION}:{Aws.ACCOUNT_ID}:project/*"


def share(stack: Stack, construct_id: str = "Policy", **given: Any) -> ProjectPolicy:
    """Define a policy that has a statement."""
    return define(stack, construct_id, **{"document": document(Resource="*"), **given})


class Kind(NamedTuple):
    """What differs between the providers."""

    provider: Any
    type: str
    use: Callable[..., Construct]
    """Defines one of its resources."""
    for_its_resources: str
    """An action that a stack with such a resource allows the role."""


POLICIES = Kind(ProjectPolicyProvider, TYPE, share, "rekognition:PutProjectPolicy")
COPIES = Kind(ProjectVersionCopyProvider, TYPE_OF_COPY, define_copy, "rekognition:CopyProjectVersion")


@pytest.fixture(params=[POLICIES, COPIES], ids=["policies", "copies"])
def kind(request: pytest.FixtureRequest) -> Kind:
    """Each kind of provider."""
    found: Kind = request.param
    return found


def imported(kind: Kind, stack: Stack, service_token: Any = FUNCTION_ARN, role_name: Any = ROLE_NAME) -> Any:
    """Import a provider into a stack."""
    return kind.provider.from_attributes(stack, "Provider", service_token=service_token, role_name=role_name)


def own_role(stack: Stack) -> iam.Role:
    """Return a role of the user's that Lambda may assume."""
    return iam.Role(stack, "Mine", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))


def role_elsewhere(stack: Stack) -> iam.IRole:
    """Return a role of another account."""
    return iam.Role.from_role_arn(stack, "Theirs", "arn:aws:iam::444455556666:role/provider")


def boundary(stack: Stack) -> iam.IManagedPolicy:
    """Return a permissions boundary."""
    return iam.ManagedPolicy.from_managed_policy_arn(stack, "Boundary", "arn:aws:iam::1:policy/x")


class TestOfAStack:
    """A stack's own provider."""

    def test_one_function_serves_a_stack(self, app: App, kind: Kind) -> None:
        """Many resources share one function, one role and one log group; stacks of one app share nothing."""
        stacks = [Stack(app, name) for name in ("One", "Two")]
        for each in stacks:
            for number in range(3):
                kind.use(each, f"Number{number}")
        for each in stacks:
            types = Counter(found["Type"] for found in Template.from_stack(each).to_json()["Resources"].values())
            assert types == {
                kind.type: 3,
                "AWS::IAM::Policy": 2,
                "AWS::Lambda::Function": 1,
                "AWS::IAM::Role": 1,
                "AWS::Logs::LogGroup": 1,
                "AWS::Lambda::EventInvokeConfig": 1,
            }
            assert not each.dependencies

    def test_each_kind_has_its_own(self, stack: Stack) -> None:
        """Whoever attaches policies can't delete models, and whoever copies can't share any."""
        for each in (POLICIES, COPIES):
            each.use(stack)
        assert len(resources(stack, "AWS::Lambda::Function")) == len(resources(stack, "AWS::IAM::Role")) == 2
        for policy in resources(stack, "AWS::IAM::Policy"):
            text = json.dumps(policy["Properties"]["PolicyDocument"]["Statement"])
            assert not ("ProjectPolic" in text and "Version" in text)

    def test_the_function(self, stack: Stack, kind: Kind) -> None:
        """It has the newest Python, a log group that is deleted with it, and timeouts that a response precedes."""
        kind.use(stack)
        function, retries = (properties(stack, f"AWS::Lambda::{each}") for each in ("Function", "EventInvokeConfig"))
        latest = max(int(name[len("PYTHON_3_") :]) for name in dir(lambda_.Runtime) if name.startswith("PYTHON_3_"))
        ((name, log_group),) = Template.from_stack(stack).find_resources("AWS::Logs::LogGroup").items()
        assert (function["Runtime"], function["LoggingConfig"]) == (f"python3.{latest}", {"LogGroup": {"Ref": name}})
        assert log_group["DeletionPolicy"] == "Delete"
        longest = retries["MaximumEventAgeInSeconds"] + function["Timeout"]
        assert longest < int(properties(stack, kind.type)["ServiceTimeout"])

    def test_what_the_role_is_always_allowed(self, stack: Stack, kind: Kind) -> None:
        """Its log, and what cleaning up takes on every project of the account; copies go on waiting in another run."""
        provider = kind.provider.get_or_create(stack)
        (log_group,) = Template.from_stack(stack).find_resources("AWS::Logs::LogGroup")
        expected: list[tuple[Any, Any]] = [
            (["logs:CreateLogStream", "logs:PutLogEvents"], {"Fn::GetAtt": [log_group, "Arn"]})
        ]
        if kind is POLICIES:
            expected += [(["rekognition:ListProjectPolicies", "rekognition:DeleteProjectPolicy"], PROJECTS)]
        else:
            on_versions = ("DeleteProjectVersion", "ListTagsForResource", "StopProjectVersion")
            expected += [
                ("rekognition:DescribeProjectVersions", PROJECTS),
                ([f"rekognition:{each}" for each in on_versions], f"{PROJECTS}/version/*"),
                ("lambda:InvokeFunction", [provider.service_token, f"{provider.service_token}:*"]),
            ]
        assert allowed(identity_statements(stack)) == allowed(
            {"Action": actions, "Resource": stack.resolve(resource)} for actions, resource in expected
        )
        assert properties(stack, "AWS::IAM::Role").keys() == {"AssumeRolePolicyDocument", "Description"}

    def test_the_role_may_put_policies_on_the_projects_in_use(self, stack: Stack) -> None:
        """Each project is allowed once."""
        project = rekognition.CfnProject(stack, "Project", project_name="logos").attr_arn
        for name, arn in (("One", project), ("Two", project), ("Three", PROJECT_ARN)):
            share(stack, name, project=arn)
        (put,) = (each for each in identity_statements(stack) if each["Action"] == "rekognition:PutProjectPolicy")
        assert allowed([put]) == allowed([{**put, "Resource": stack.resolve([project, PROJECT_ARN])}])
        assert len(put["Resource"]) == 2

    def test_a_resource_depends_on_what_its_requests_need(self, stack: Stack, kind: Kind) -> None:
        """Permissions, log group and retries are created before the first request, and deleted after the last."""
        kind.use(stack)
        template = Template.from_stack(stack).to_json()["Resources"]
        waited_for: set[str] = set()
        (new,) = (set(each["DependsOn"]) for each in resources(stack, kind.type))
        while new:
            waited_for |= new
            new = {name for each in new for name in template if f'"{name}"' in json.dumps(template[each])} - waited_for
        assert waited_for == {name for name, each in template.items() if each["Type"] != kind.type}

    @pytest.mark.parametrize("partition", ["aws", "aws-cn"])
    def test_no_partition_is_hard_coded(self, partition: str, stack: Stack) -> None:
        """Every ARN has the partition that it is deployed in, or that of the project's ARN."""
        define(stack, project=PROJECT_ARN.replace("arn:aws:", f"arn:{partition}:")).grant_copy(TRUSTED)
        text = str(Template.from_stack(stack).to_json())
        assert set(re.findall(r"arn:(aws[a-z-]*):", text)) == {partition}


class TestOptions:
    """What a provider takes, and what it rejects."""

    def test_each_is_in_the_template(self, stack: Stack) -> None:
        """Retention, removal policy, key, boundary and memory are used, and the log may use the key."""
        ProjectPolicyProvider(
            stack,
            "Provider",
            log_retention=logs.RetentionDays.TEN_YEARS,
            log_removal_policy=RemovalPolicy.RETAIN,
            log_encryption_key=kms.Key(stack, "Key"),
            permissions_boundary=boundary(stack),
            memory_size=512,
        )
        (key,) = Template.from_stack(stack).find_resources("AWS::KMS::Key")
        (log_group,) = resources(stack, "AWS::Logs::LogGroup")
        assert log_group["Properties"] == {"KmsKeyId": {"Fn::GetAtt": [key, "Arn"]}, "RetentionInDays": 3653}
        assert log_group["DeletionPolicy"] == "Retain"
        assert properties(stack, "AWS::IAM::Role")["PermissionsBoundary"] == "arn:aws:iam::1:policy/x"
        assert properties(stack, "AWS::Lambda::Function")["MemorySize"] == 512
        *_, statement = properties(stack, "AWS::KMS::Key")["KeyPolicy"]["Statement"]
        log_groups = f"arn:{Aws.PARTITION}:logs:{Aws.REGION}:{Aws.ACCOUNT_ID}:log-group:*"
        assert {**statement, "Action": {*statement["Action"]}} == {
            "Effect": "Allow",
            "Principal": {"Service": stack.resolve(f"logs.{Aws.REGION}.amazonaws.com")},
            "Action": {"kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"},
            "Resource": "*",
            "Condition": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": stack.resolve(log_groups)}},
        }

    def test_a_vpc(self, stack: Stack) -> None:
        """Lambda may manage network interfaces before the function is made and until it is gone; the code never may."""
        vpc = ec2.Vpc.from_vpc_attributes(
            stack, "Vpc", vpc_id="vpc-12345678", availability_zones=["a"], isolated_subnet_ids=["subnet-12345678"]
        )
        ProjectPolicyProvider(
            stack,
            "Provider",
            vpc=vpc,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
            security_groups=[ec2.SecurityGroup.from_security_group_id(stack, "Group", "sg-12345678")],
        )
        (name,) = Template.from_stack(stack).find_resources("AWS::Lambda::Function")
        (function,) = resources(stack, "AWS::Lambda::Function")
        assert function["Properties"]["VpcConfig"] == {
            "SubnetIds": ["subnet-12345678"],
            "SecurityGroupIds": ["sg-12345678"],
        }
        actions = [
            "ec2:AssignPrivateIpAddresses",
            "ec2:CreateNetworkInterface",
            "ec2:DeleteNetworkInterface",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSubnets",
            "ec2:UnassignPrivateIpAddresses",
        ]
        allow = {"Effect": "Allow", "Action": actions, "Resource": "*"}
        from_its_code = {"ArnEquals": {"lambda:SourceFunctionArn": {"Fn::GetAtt": [name, "Arn"]}}}
        policies = Template.from_stack(stack).find_resources("AWS::IAM::Policy")
        allowing = {
            name for name, each in policies.items() if allow in each["Properties"]["PolicyDocument"]["Statement"]
        }
        assert allowing
        assert allowing <= {*function["DependsOn"]}
        assert {**allow, "Effect": "Deny", "Condition": from_its_code} in identity_statements(stack)

    @pytest.mark.parametrize(
        ("given", "told"),
        [
            ({"role": ""}, "role is ''. Specify an iam.Role"),
            # The CDK would leave it out of the template.
            ({"permissions_boundary": iam.AccountRootPrincipal()}, "permissions_boundary is .* an iam.ManagedPolicy"),
            # A given role keeps its own boundary, so another one would be ignored.
            ({"role": own_role, "permissions_boundary": boundary}, "specify the permissions boundary on the role"),
            # The function could not assume it, and this account's role of that name would get its permissions.
            ({"role": role_elsewhere}, "role is in account 444455556666, but this stack is in 123456789012"),
        ],
    )
    def test_what_would_be_ignored_or_reach_another_role(
        self, placed_stack: Stack, given: dict[str, Any], told: str
    ) -> None:
        """What isn't a role or a boundary, both at once, and a role of another account."""
        made = {name: value(placed_stack) if callable(value) else value for name, value in given.items()}
        with pytest.raises(ValueError, match=f"^Sharing/Provider: {told}"):
            ProjectPolicyProvider(placed_stack, "Provider", **made)


class TestGivenRole:
    """A role of the user's in place of the provider's own."""

    def test_gets_the_permissions(self, stack: Stack, kind: Kind) -> None:
        """They are attached to the given role; the provider creates none."""
        role = own_role(stack)
        provider = kind.provider(stack, "Provider", role=role)
        assert provider.role is role
        kind.use(stack, provider=provider)
        assert "Description" not in properties(stack, "AWS::IAM::Role")
        attached_to = [each["Properties"]["Roles"] for each in resources(stack, "AWS::IAM::Policy")]
        assert attached_to == [[stack.resolve(role.role_name)]] * 2

    def test_of_another_stack_makes_no_cycle(self, app: App) -> None:
        """The provider's stack depends on the role's, and not the other way round."""
        roles, home = Stack(app, "Roles"), Stack(app, "Provider")
        share(home, provider=ProjectPolicyProvider(home, "Provider", role=own_role(roles)))
        app.synth()
        assert (home.dependencies, roles.dependencies) == ([roles], [])

    def test_of_an_account_that_may_be_the_stacks(self, stack: Stack, placed_stack: Stack) -> None:
        """It is accepted where only the deployment tells the role's account or the stack's."""
        token = CfnParameter(placed_stack, "Account").value_as_string
        of_a_parameter = iam.Role.from_role_arn(placed_stack, "Role", f"arn:aws:iam::{token}:role/provider")
        for where, role in ((placed_stack, of_a_parameter), (stack, role_elsewhere(stack))):
            assert ProjectPolicyProvider(where, "Provider", role=role).role is role


class TestShared:
    """One provider for several stacks: of the same app, or imported."""

    @pytest.mark.parametrize("context", [{}, CDK_INIT], ids=["no flags", "cdk init"])
    def test_stacks_of_one_app_share_a_function(self, context: dict[str, Any], kind: Kind) -> None:
        """The function is in one stack, which the others depend on; each brings the permission for its own projects."""
        app = App(analytics_reporting=False, context=context)
        home, *users = (Stack(app, name) for name in ("Home", "One", "Two"))
        provider = kind.provider(home, "Provider")
        for user in users:
            kind.use(user, provider=provider)
        app.synth()
        assert home.dependencies == []
        assert kind.for_its_resources not in json.dumps(identity_statements(home))
        for user in users:
            assert user.dependencies == [home]
            ((name, policy),) = Template.from_stack(user).find_resources("AWS::IAM::Policy").items()
            assert kind.for_its_resources in json.dumps(policy["Properties"]["PolicyDocument"])
            assert "Fn::ImportValue" in policy["Properties"]["Roles"][0]
            (resource,) = resources(user, kind.type)
            assert "Fn::ImportValue" in resource["Properties"]["ServiceToken"]
            assert resource["DependsOn"] == [name]
            assert len(Template.from_stack(user).to_json()["Resources"]) == 2

    def test_what_a_delete_needs_is_kept_for_it(self, app: App) -> None:
        """CloudFormation deletes no export in use: the function, nested or not, its role, and what it runs in.

        Anything else can be deleted first, as the app's flags have it: no Delete needs it.
        """
        network, home = Stack(app, "Network"), Stack(app, "Home")
        vpc = ec2.Vpc(network, "Vpc", max_azs=1)
        role = own_role(network)
        options: dict[str, Any] = {"vpc": vpc, "security_groups": [ec2.SecurityGroup(network, "Group", vpc=vpc)]}
        providers = [
            ProjectPolicyProvider(home, "Provider", role=role, **options),
            ProjectPolicyProvider(NestedStack(home, "Nested"), "Provider"),
        ]
        using = Stack(app, "Using")
        project = rekognition.CfnProject(network, "Project", project_name="logos")
        for number, provider in enumerate(providers):
            share(using, f"Policy{number}", policy_name=f"{number}", project=project, provider=provider)
        assert "Fn::GetStackOutput" not in json.dumps(Template.from_stack(home).to_json())
        for policy in resources(using, TYPE):
            assert "Fn::ImportValue" in policy["Properties"]["ServiceToken"]
            assert WEAK in policy["Properties"]["ProjectArn"]
        assert all("Fn::ImportValue" in each["Properties"]["Roles"][0] for each in resources(using, "AWS::IAM::Policy"))

    def test_stacks_of_one_name_do_not_overwrite_their_permissions(self, app: App) -> None:
        """Inline policies of one name overwrite one another on a role, so the name has the stack's own UUID."""
        stacks = [Stack(app, name, stack_name="same") for name in ("One", "Two")]
        for stack in stacks:
            share(stack, policy_name=stack.node.id, provider=imported(POLICIES, stack))
        for stack in stacks:
            *rest, last = properties(stack, "AWS::IAM::Policy")["PolicyName"]["Fn::Join"][1]
            assert last == {"Fn::Select": [2, {"Fn::Split": ["/", {"Ref": "AWS::StackId"}]}]}
            assert len("".join(rest)) + len("01234567-89ab-cdef-0123-456789abcdef") <= 128

    @pytest.mark.parametrize(
        ("token", "role"),
        [(f"{FUNCTION_ARN}:live", ROLE_NAME), (Fn.import_value("Token"), Fn.import_value("Role"))],
        ids=["known", "exports"],
    )
    def test_an_imported_provider(self, stack: Stack, kind: Kind, token: str, role: str) -> None:
        """Only the permission is created, attached to the role by its name; an alias is a service token as well."""
        provider = imported(kind, stack, token, role)
        kind.use(stack, provider=provider)
        assert stack.resolve([provider.service_token, provider.role.role_name]) == stack.resolve([token, role])
        assert len(Template.from_stack(stack).to_json()["Resources"]) == 2
        ((name, policy),) = Template.from_stack(stack).find_resources("AWS::IAM::Policy").items()
        assert policy["Properties"]["Roles"] == [stack.resolve(role)]
        (resource,) = resources(stack, kind.type)
        assert resource["Properties"]["ServiceToken"] == stack.resolve(token)
        assert resource["DependsOn"] == [name]

    def test_a_nested_stack_uses_its_parents_provider(self, app: App) -> None:
        """The permission is in the nested stack, which gets the service token as a parameter."""
        parent = Stack(app, "Parent")
        nested = NestedStack(parent, "Nested")
        share(nested, provider=ProjectPolicyProvider.get_or_create(parent))
        assert len(resources(nested, "AWS::IAM::Policy")) == 1
        assert resources(nested, "AWS::Lambda::Function") == []

    @pytest.mark.parametrize(
        ("account", "region", "told"),
        [
            ("210987654321", "us-east-1", "is in account 123456789012, but this stack is in 210987654321"),
            ("123456789012", "eu-west-1", "is in Region us-east-1, but this stack is in eu-west-1"),
        ],
    )
    def test_serves_its_own_account_and_region_only(self, app: App, account: str, region: str, told: str) -> None:
        """A function can't be invoked from another Region, nor manage another account's projects.

        A project's ARN has the account and Region of a stack whose own only the deployment will tell.
        """
        elsewhere = PROJECT_ARN.replace("us-east-1", region).replace("123456789012", account)
        home = Stack(app, "Home", env=HERE)
        known = Stack(app, "Known", env=Environment(account=account, region=region))
        unknown = Stack(app, "Unknown")
        for number, (user, provider, project_arn) in enumerate(
            [
                (known, ProjectPolicyProvider.get_or_create(home), elsewhere),
                (known, ProjectPolicyProvider.get_or_create(home), Fn.import_value("Project")),
                (known, imported(POLICIES, known), elsewhere),
                (unknown, imported(POLICIES, unknown), elsewhere),
            ]
        ):
            with pytest.raises(ValueError, match=f"/Policy{number}/Resource: provider {told}"):
                share(user, f"Policy{number}", project=project_arn, provider=provider)

    @pytest.mark.parametrize("is_imported", [False, True])
    def test_a_provider_of_the_other_kind(self, stack: Stack, kind: Kind, is_imported: bool) -> None:
        """Its function would reject every request."""
        other = COPIES if kind is POLICIES else POLICIES
        provider = imported(other, stack) if is_imported else other.provider.get_or_create(stack)
        with pytest.raises(
            ValueError, match=f"^Sharing/Used: provider is .*Specify a {kind.provider.__name__}, or what"
        ):
            kind.use(stack, "Used", provider=provider)
