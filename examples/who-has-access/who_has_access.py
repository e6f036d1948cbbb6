"""List who may copy the models of an account and Region, and mark what no stack's template gives.

It only reads: the live project policies from Rekognition, and from CloudFormation the stacks that own them.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from functools import partial
from typing import Any
from urllib.parse import unquote

try:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    from templates import Template, UnknownError
except ModuleNotFoundError as missing:
    sys.stderr.write(f"{missing}. Run: pip install -r requirements.txt\n")
    sys.exit(2)

NOTHING_MARKED, SOMETHING_MARKED, FAILED = 0, 1, 2
"""The exit codes."""

RESOURCE_TYPE = "Custom::RekognitionProjectPolicy"
PROVIDER = "Puts, updates and deletes Rekognition project policies for CloudFormation"
"""The description of a provider's function."""
HEADINGS = ("PROJECT", "POLICY", "STACK", "MARKED", "WHO MAY COPY WHAT")

ELEMENTS = {"Sid", "Effect", "Principal", "Action", "Resource", "Condition"}
UNREADABLE = (AttributeError, KeyError, TypeError, ValueError)
"""What reading a document that isn't a project policy's raises."""

Grant = tuple[str, str, frozenset[str], frozenset[tuple[str, str, frozenset[str]]]]
"""Effect, principal, resources and conditions."""

DELETED_PRINCIPAL = re.compile(r"(AIDA|AROA)[A-Z0-9]{12,}")
"""The unique ID that AWS shows in place of the ARN of a user or role that was deleted."""

# What limits `Principal: "*"` ('What counts as public' in docs/security.md).
LIMITING_KEYS = {
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:principalaccount",
    "aws:principalarn",
    "aws:sourcevpc",
    "aws:sourcevpce",
}
LIMITING_OPERATORS = {"stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike"}
BEFORE_A_WILDCARD = {
    "aws:principalorgpaths": re.compile(r"o-[^/]+/"),
    "aws:principalarn": re.compile(r"arn:[^:]+:[^:]+:[^:]*:[0-9]{12}:"),
}


def main() -> int:
    """List the policies of the account and Region, and return the exit code."""
    options = parse_options()
    try:
        session = boto3.Session(profile_name=options.profile, region_name=options.region)
        projects = projects_of(session, set(options.expect), set(options.provider))
    except ClientError as rejected:
        error = rejected.response["Error"]
        sys.stderr.write(f"{rejected.operation_name} was rejected ({error['Code']}): {error['Message']}\n")
        return FAILED
    except BotoCoreError as failed:
        sys.stderr.write(f"{failed}\n")
        return FAILED
    except ModuleNotFoundError as missing:
        sys.stderr.write(f"A stack's template is YAML ({missing}). Run: pip install -r requirements.txt\n")
        return FAILED
    sys.stdout.write(json.dumps({"Projects": projects}, indent=2) + "\n" if options.json else table(projects))
    marked = any(policy["Marks"] for project in projects for policy in project["Policies"])
    return SOMETHING_MARKED if marked else NOTHING_MARKED


def parse_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        epilog="Exit code: 0 if nothing is marked, 1 if something is, 2 if the list could not be read.",
    )
    parser.add_argument("--profile", help="the AWS profile (default: as for the AWS CLI)")
    parser.add_argument("--region", help="the Region (default: as for the AWS CLI)")
    parser.add_argument(
        "--expect",
        nargs="+",
        default=[],
        metavar="ACCOUNT",
        help="accounts to accept where no template can be compared",
    )
    parser.add_argument(
        "--provider",
        nargs="+",
        default=[],
        metavar="ARN",
        help="the functions that may own policies (default: those with the description of a provider)",
    )
    parser.add_argument("--json", action="store_true", help="write JSON instead of a table")
    return parser.parse_args()


def projects_of(session: boto3.Session, expected: set[str], providers: set[str]) -> list[dict[str, Any]]:
    """Return every project with its policies, each with the stack that owns it and its marks."""
    config = Config(retries={"mode": "standard", "total_max_attempts": 10})
    rekognition = session.client("rekognition", config=config)
    # Policies first: a policy that a stack attaches meanwhile is then found with its stack, or not at all.
    policies = {
        arn: list(pages(rekognition, "list_project_policies", "ProjectPolicies", ProjectArn=arn))
        for arn in (each["ProjectArn"] for each in pages(rekognition, "describe_projects", "ProjectDescriptions"))
    }
    owners = Stacks(session, config, list(policies), providers).owners()
    return [
        {
            "ProjectArn": arn,
            "Policies": [described(policy, owners.get((arn, policy["PolicyName"]), []), expected) for policy in found],
        }
        for arn, found in sorted(policies.items())
    ]


class Stacks:
    """The stacks of an account and Region, and what their templates give."""

    def __init__(self, session: boto3.Session, config: Config, projects: list[str], providers: set[str]) -> None:
        self._cloudformation = session.client("cloudformation", config=config)
        self._iam = session.client("iam", config=config)
        self._lambda = session.client("lambda", config=config)
        self._projects = {arn.split("/")[1]: arn for arn in projects}
        self._providers = dict.fromkeys(providers, True)
        self._only_named = bool(providers)
        self._exports: dict[str, str] | None = None

    def owners(self) -> dict[tuple[str, str], list[dict[str, Any]]]:
        """Return what claims each policy, by the project's ARN and the policy's name: stack, provider and document."""
        owners: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for stack in pages(self._cloudformation, "list_stacks", "StackSummaries"):
            if stack["StackStatus"] == "DELETE_COMPLETE":
                continue  # listed for 90 days
            resources = list(
                pages(
                    self._cloudformation, "list_stack_resources", "StackResourceSummaries", StackName=stack["StackId"]
                )
            )
            template = None
            for resource in resources:
                gone = resource["ResourceStatus"] in ("DELETE_COMPLETE", "DELETE_SKIPPED")
                # PROJECT_ARN|POLICY_NAME, and |adopted for a policy that the stack took over and doesn't delete.
                project_arn, *rest = resource.get("PhysicalResourceId", "").split("|")
                if resource["ResourceType"] == RESOURCE_TYPE and rest and not gone:
                    template = template or self._template(stack["StackId"], resources)
                    owner = self._owner(template, resource["LogicalResourceId"])
                    owner |= {"Name": stack["StackName"], "Arn": stack["StackId"], "Adopted": rest[1:] == ["adopted"]}
                    owners.setdefault((project_arn, rest[0]), []).append(owner)
        return owners

    def _template(self, stack_id: str, resources: list[dict[str, Any]]) -> Template:
        body = self._cloudformation.get_template(StackName=stack_id, TemplateStage="Processed")["TemplateBody"]
        (stack,) = self._cloudformation.describe_stacks(StackName=stack_id)["Stacks"]
        parameters = {
            each["ParameterKey"]: each.get("ResolvedValue", each.get("ParameterValue", ""))
            for each in stack.get("Parameters", [])
        }
        ids = {each["LogicalResourceId"]: each.get("PhysicalResourceId", "") for each in resources}
        return Template(body, stack_id, parameters, ids, partial(self._attribute, stack_id), self._exported)

    def _owner(self, template: Template, logical_id: str) -> dict[str, Any]:
        owner: dict[str, Any] = {"ServiceToken": None, "Document": None}
        try:
            owner["ServiceToken"] = str(template.property(logical_id, "ServiceToken"))
            owner["Document"] = grants_of(template.property(logical_id, "PolicyDocument"))
        except (UnknownError, *UNREADABLE) as unknown:
            owner["Unknown"] = str(unknown)
        owner["IsProvider"] = owner["ServiceToken"] is not None and self._is_provider(owner["ServiceToken"])
        return owner

    def _is_provider(self, service_token: str) -> bool:
        if service_token not in self._providers and not self._only_named:
            try:
                function = self._lambda.get_function_configuration(FunctionName=service_token)
            except ClientError as rejected:
                if rejected.response["Error"]["Code"] not in ("ResourceNotFoundException", "ValidationException"):
                    raise
                function = {}
            self._providers[service_token] = function.get("Description") == PROVIDER
        return self._providers.get(service_token, False)

    def _attribute(self, stack_id: str, kind: str, physical_id: str, name: str) -> str:
        _, partition, _, region, account, _ = stack_id.split(":", 5)
        if kind == "AWS::CloudFormation::Stack" and name.startswith("Outputs."):
            (stack,) = self._cloudformation.describe_stacks(StackName=physical_id)["Stacks"]
            return {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}[name.removeprefix("Outputs.")]
        if (kind, name) == ("AWS::Rekognition::Project", "Arn"):
            return self._projects[physical_id]
        if (kind, name) == ("AWS::Lambda::Function", "Arn"):
            return f"arn:{partition}:lambda:{region}:{account}:function:{physical_id}"
        if (kind, name) == ("AWS::IAM::Role", "Arn"):
            try:
                return str(self._iam.get_role(RoleName=physical_id)["Role"]["Arn"])
            except self._iam.exceptions.NoSuchEntityException as gone:
                raise UnknownError(str(gone)) from gone
        raise UnknownError(f"Fn::GetAtt {kind}.{name}")

    def _exported(self, name: str) -> str:
        if self._exports is None:
            self._exports = {
                each["Name"]: each["Value"] for each in pages(self._cloudformation, "list_exports", "Exports")
            }
        return self._exports[name]


def pages(client: Any, operation: str, key: str, **parameters: str) -> Iterator[dict[str, Any]]:  # noqa: ANN401
    """Return what all pages of a list hold."""
    for page in client.get_paginator(operation).paginate(**parameters):
        yield from page[key]


def described(policy: dict[str, Any], claims: list[dict[str, Any]], expected: set[str]) -> dict[str, Any]:
    """Return a policy with its statements, its stack and its marks."""
    owner = next((claim for claim in claims if claim["IsProvider"]), None)
    marks = [f"claimed by {claim['Name']} with {claim['ServiceToken']}" for claim in claims if claim is not owner]
    try:
        statements = statements_of(policy["PolicyDocument"])
        live = grants_of(policy["PolicyDocument"])
    except UNREADABLE:
        statements, live = [], set()
        marks.append("unreadable")
    given = owner["Document"] if owner else None
    if given is not None:
        marks += [f"not in the template: {name}" for name in names_in(live - given)]
        marks += [f"missing: {name}" for name in names_in(given - live)]
    elif not live or not all(effect == "Allow" and principal in expected for effect, principal, *_ in live):
        marks.append("not compared" if owner else "orphaned")
    if any(is_public(statement) for statement in statements):
        marks.append("public")
    principals = sorted({principal for statement in statements for principal in statement["Principals"]})
    marks += [f"deleted principal {each}" for each in principals if DELETED_PRINCIPAL.fullmatch(each)]
    shown = ("Name", "Arn", "Adopted", "ServiceToken")
    return {
        "PolicyName": policy["PolicyName"],
        "PolicyRevisionId": policy["PolicyRevisionId"],
        "Stack": owner and {name: owner[name] for name in shown},
        "Marks": [printable(mark) for mark in marks],
        "Statements": statements,
    }


def statements_of(document: str | dict[str, Any]) -> list[dict[str, Any]]:
    """Return a document's statements, each as ``read`` does."""
    if isinstance(document, str):
        text = unquote(document) if document.startswith("%") else document
        document = json.loads(text, object_pairs_hook=without_duplicates)
    return [read(statement) for statement in listed(document["Statement"])]


def without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object; raises ``ValueError`` if a key is duplicated, because one of the two would be hidden."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("duplicate key")
    return found


def grants_of(document: str | dict[str, Any]) -> set[Grant]:
    """Return what a document says of each principal, the same for equivalent documents."""
    return {
        (
            statement["Effect"],
            account_of(principal) or principal,
            frozenset(statement["Resources"]),
            frozenset(
                (operator.lower(), key.lower(), frozenset(map(text_of, values)))
                for operator, tests in statement["Condition"].items()
                for key, values in tests.items()
            ),
        )
        for statement in statements_of(document)
        for principal in statement["Principals"]
    }


def names_in(grants: set[Grant]) -> list[str]:
    """Return whom grants are about, each once, and with what is denied marked as such."""
    return sorted({("deny of " if effect == "Deny" else "") + name_of(principal) for effect, principal, *_ in grants})


def text_of(value: object) -> str:
    """Return a condition's value as CloudFormation sends it to a custom resource: everything is a string."""
    return value if isinstance(value, str) else json.dumps(value)


def read(statement: dict[str, Any]) -> dict[str, Any]:
    """Return a statement's elements, each of them always there and always of one type.

    Raises ``ValueError`` for an element that may allow somebody whom the others don't name.
    """
    principal = statement["Principal"]
    if not {*statement} <= ELEMENTS or (isinstance(principal, dict) and {*principal} != {"AWS"}):
        raise ValueError("unknown element")
    return {
        "Effect": statement["Effect"],
        "Principals": [str(each) for each in listed(principal["AWS"] if isinstance(principal, dict) else principal)],
        "Resources": [str(each) for each in listed(statement["Resource"])],
        "Condition": {
            operator: {key: listed(values) for key, values in tests.items()}
            for operator, tests in statement.get("Condition", {}).items()
        },
    }


def listed(value: object) -> list[Any]:
    """Return the values of an element that may have one or several."""
    return value if isinstance(value, list) else [value]


def is_public(statement: dict[str, Any]) -> bool:
    """Return whether a statement allows every AWS account, because no condition limits it.

    Tests are joined by AND, so one that limits is enough; a test's values are joined by OR, so each must limit.
    Spellings of one operator or key count as one test, since the service may do the same.
    """
    if statement["Effect"] != "Allow" or "*" not in statement["Principals"]:
        return False
    tests: dict[tuple[str, str], list[object]] = {}
    for operator, keys in statement["Condition"].items():
        for key, values in keys.items():
            tests.setdefault((operator.lower(), key.lower()), []).extend(values)
    return not any(limits(operator, key, values) for (operator, key), values in tests.items())


def limits(operator: str, key: str, values: list[object]) -> bool:
    """Return whether one test of a condition limits who may copy."""
    of_any_value = operator.startswith("foranyvalue:")
    return (
        key in LIMITING_KEYS
        and operator.removeprefix("foranyvalue:") in LIMITING_OPERATORS
        and (of_any_value or key != "aws:principalorgpaths")  # the only one that has several values in a request
        and bool(values)
        and all(is_fixed(key, value) for value in values)
    )


def is_fixed(key: str, value: object) -> bool:
    """Return whether a value has no variable, and no wildcard unless a fixed organization or account precedes it."""
    if not isinstance(value, str) or not value or "${" in value:
        return False
    before, *wildcard = re.split("[*?]", value, maxsplit=1)
    return not wildcard or (key in BEFORE_A_WILDCARD and bool(BEFORE_A_WILDCARD[key].match(before)))


def table(projects: list[dict[str, Any]]) -> str:
    """Return a line for each statement, in columns, and a last line with the totals."""
    rows = [HEADINGS, *(row for project in projects for row in rows_of(project))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS) - 1)]
    lines = ["  ".join([*map(str.ljust, row, widths), row[-1]]) for row in rows]
    policies = [policy for project in projects for policy in project["Policies"]]
    marked = sum(bool(policy["Marks"]) for policy in policies)
    return "\n".join([*lines, f"Projects: {len(projects)}, policies: {len(policies)}, marked: {marked}", ""])


def rows_of(project: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """Return a project's rows; a project without a policy has one as well."""
    name = project["ProjectArn"].split("/")[1]
    if not project["Policies"]:
        yield name, "-", "-", "-", "no other account"
    for policy in project["Policies"]:
        stack = policy["Stack"]
        owner = "-" if stack is None else stack["Name"] + " (adopted)" * stack["Adopted"]
        marks = ", ".join(policy["Marks"]) or "-"
        for sentence in [sentence_of(each) for each in policy["Statements"]] or ["unknown"]:
            yield name, policy["PolicyName"], owner, marks, sentence


def sentence_of(statement: dict[str, Any]) -> str:
    """Return who may or may not copy which model versions under which conditions, as `cdk diff` says it."""
    who = ", ".join(map(name_of, statement["Principals"]))
    may, every = {"Allow": ("may", "every"), "Deny": ("may not", "any")}.get(statement["Effect"], ("(unknown)", "any"))
    versions = ", ".join(versions_of(each, every) for each in statement["Resources"])
    conditions = [
        f"{operator} {shown_key(key)} {' or '.join(json.dumps(value) for value in values)}"
        for operator, tests in statement["Condition"].items()
        for key, values in tests.items()
    ]
    return printable(f"{who} {may} copy {versions}{' if ' * bool(conditions)}{' and '.join(conditions)}")


def shown_key(key: str) -> str:
    """Return how the table shows a condition's key: quoted if it could pass for something else."""
    return key if re.fullmatch("[A-Za-z0-9:/_-]+", key) else json.dumps(key)


def versions_of(resource: str, every: str) -> str:
    """Return how the table shows a resource; a pattern is shown as what it is."""
    _, found, name = resource.rpartition("/version/")
    if resource == "*" or (found and name in ("*", "*/*")):
        return f"{every} model version"
    if not found:
        return f"model versions that match {resource}"
    name = name.removesuffix("/*")
    return f"model version{'s that match' if '*' in name or '?' in name else ''} {name}"


def printable(text: str) -> str:
    """Return a string without line feeds and the like, which could forge or hide a line."""
    return re.sub(r"[^ -~]", lambda found: f"\\u{ord(found[0]):04x}", text)


def name_of(principal: str) -> str:
    """Return how the table shows a principal."""
    account = account_of(principal)
    return f"account {account}" if account else "everyone (*)" if principal == "*" else principal


def account_of(principal: str) -> str | None:
    """Return the account that a principal is, by its ID or its root ARN; None for another principal."""
    account = re.fullmatch(r"(?:arn:[^:]+:iam::)?([0-9]{12})(?::root)?", principal)
    return account[1] if account else None


if __name__ == "__main__":
    sys.exit(main())
