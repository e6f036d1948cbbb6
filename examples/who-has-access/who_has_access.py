"""List who may copy the models of an account and Region, and mark what is public, orphaned or outdated.

It only reads: the live project policies from Rekognition, and from CloudFormation which stacks own them.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

NOTHING_MARKED, SOMETHING_MARKED, FAILED = 0, 1, 2
"""The exit codes."""

RESOURCE_TYPE = "Custom::RekognitionProjectPolicy"
HEADINGS = ("PROJECT", "POLICY", "STACK", "MARKED", "WHO MAY COPY WHAT")

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
        projects = projects_of(session)
    except ClientError as rejected:
        error = rejected.response["Error"]
        sys.stderr.write(f"{rejected.operation_name} was rejected ({error['Code']}): {error['Message']}\n")
        return FAILED
    except BotoCoreError as failed:
        sys.stderr.write(f"{failed}\n")
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
    parser.add_argument("--json", action="store_true", help="write JSON instead of a table")
    return parser.parse_args()


def projects_of(session: boto3.Session) -> list[dict[str, Any]]:
    """Return every project with its policies, each with the stack that owns it and its marks."""
    config = Config(retries={"mode": "standard", "total_max_attempts": 10})
    rekognition = session.client("rekognition", config=config)
    cloudformation = session.client("cloudformation", config=config)
    # Policies first: a policy that a stack attaches meanwhile is then found with its stack, or not at all.
    policies = {
        arn: list(pages(rekognition, "list_project_policies", "ProjectPolicies", ProjectArn=arn))
        for arn in (each["ProjectArn"] for each in pages(rekognition, "describe_projects", "ProjectDescriptions"))
    }
    owners = owners_of(cloudformation)
    return [
        {
            "ProjectArn": arn,
            "Policies": [described(policy, owners.get((arn, policy["PolicyName"]))) for policy in found],
        }
        for arn, found in sorted(policies.items())
    ]


def owners_of(cloudformation: Any) -> dict[tuple[str, str], dict[str, Any]]:  # noqa: ANN401 - boto3 has no static types
    """Return the stack of each policy that has one, by the project's ARN and the policy's name."""
    owners = {}
    for stack in pages(cloudformation, "list_stacks", "StackSummaries"):
        if stack["StackStatus"] == "DELETE_COMPLETE":
            continue  # listed for 90 days
        for resource in pages(
            cloudformation, "list_stack_resources", "StackResourceSummaries", StackName=stack["StackId"]
        ):
            gone = resource["ResourceStatus"] in ("DELETE_COMPLETE", "DELETE_SKIPPED")
            # PROJECT_ARN|POLICY_NAME, and |adopted for a policy that the stack took over and doesn't delete.
            project_arn, *rest = resource.get("PhysicalResourceId", "").split("|")
            if resource["ResourceType"] == RESOURCE_TYPE and rest and not gone:
                owner = {"Name": stack["StackName"], "Arn": stack["StackId"], "Adopted": rest[1:] == ["adopted"]}
                owners[project_arn, rest[0]] = owner
    return owners


def pages(client: Any, operation: str, key: str, **parameters: str) -> Iterator[dict[str, Any]]:  # noqa: ANN401
    """Return what all pages of a list hold."""
    for page in client.get_paginator(operation).paginate(**parameters):
        yield from page[key]


def described(policy: dict[str, Any], owner: dict[str, Any] | None) -> dict[str, Any]:
    """Return a policy with its statements, its stack and its marks."""
    marks = [] if owner else ["orphaned"]
    text = policy["PolicyDocument"]
    try:
        document = json.loads(unquote(text) if text.startswith("%") else text)
        statements = [read(statement) for statement in listed(document["Statement"])]
    except (AttributeError, KeyError, TypeError, ValueError):
        statements = []
        marks.append("unreadable")
    if any(is_public(statement) for statement in statements):
        marks.append("public")
    principals = sorted({principal for statement in statements for principal in statement["Principals"]})
    marks += [f"deleted principal {each}" for each in principals if DELETED_PRINCIPAL.fullmatch(each)]
    return {
        "PolicyName": policy["PolicyName"],
        "PolicyRevisionId": policy["PolicyRevisionId"],
        "Stack": owner,
        "Marks": marks,
        "Statements": statements,
    }


def read(statement: dict[str, Any]) -> dict[str, Any]:
    """Return a statement's elements, each of them always there and always of one type."""
    principal = statement["Principal"]
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
    # Of these keys, only aws:PrincipalOrgPaths has several values in a request.
    of_any_value = operator.startswith("foranyvalue:")
    return (
        key in LIMITING_KEYS
        and operator.removeprefix("foranyvalue:") in LIMITING_OPERATORS
        and of_any_value == (key == "aws:principalorgpaths")
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
    """Return who may or may not copy which model versions under which conditions, in words and in one line."""
    who = " or ".join(map(name_of, statement["Principals"]))
    may = {"Allow": "may", "Deny": "may not"}.get(statement["Effect"], "(unknown Effect)")
    versions = ", ".join(each.rpartition("/version/")[2] for each in statement["Resources"])
    what = "every model version" if versions == "*" else f"model version {versions}"
    conditions = [
        f"{operator} {key} {' or '.join(json.dumps(value) for value in values)}"
        for operator, tests in statement["Condition"].items()
        for key, values in tests.items()
    ]
    sentence = f"{who} {may} copy {what}{' if ' * bool(conditions)}{' and '.join(conditions)}"
    # Line feeds and the like could forge or hide a line.
    return re.sub(r"[^ -~]", lambda found: f"\\u{ord(found[0]):04x}", sentence)


def name_of(principal: str) -> str:
    """Return how the table shows a principal; an account is either its ID or its root ARN."""
    account = re.fullmatch(r"(?:arn:[^:]+:iam::)?([0-9]{12})(?::root)?", principal)
    return f"account {account[1]}" if account else "everyone (*)" if principal == "*" else principal


if __name__ == "__main__":
    sys.exit(main())
