"""Condition keys of AWS: no request has a misspelled one, so its condition doesn't limit as it seems to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from aws_cdk import Annotations

from constructs import IConstruct

from ._handler import document as documents
from ._tokens import is_unknown

_GLOBAL_KEYS = """
    PrincipalArn PrincipalAccount PrincipalOrgPaths PrincipalOrgID PrincipalIsAWSService PrincipalServiceName
    PrincipalServiceNamesList PrincipalType userid username
    AssumedRoot FederatedProvider TokenIssueTime SignInSessionArn MultiFactorAuthAge MultiFactorAuthPresent
    ChatbotSourceArn Ec2InstanceSourceVpc Ec2InstanceSourcePrivateIPv4 SourceIdentity
    SourceIp SourceVpc SourceVpcArn SourceVpce VpceAccount VpceOrgID VpceOrgPaths VpcSourceIp
    ResourceAccount ResourceOrgID ResourceOrgPaths
    CalledVia CalledViaFirst CalledViaLast CalledViaAWSMCP ViaAWSService ViaAWSMCPService CurrentTime EpochTime referer
    RequestedRegion TagKeys SecureTransport SourceAccount SourceArn SourceOrgID SourceOrgPaths UserAgent
    IsMcpServiceAction
"""
"""The table of the IAM user guide, 'AWS global condition context keys', column by column, without ``aws:`` and tags."""

_KNOWN = {f"aws:{name}".lower() for name in _GLOBAL_KEYS.split()}
_TAGS = ("aws:principaltag/", "aws:requesttag/", "aws:resourcetag/")


def warn_of_keys(policy: IConstruct, document: object) -> None:
    """Warn of each global condition key in a resolved document that isn't known; AWS may have added it.

    A key without a prefix was meant as one: every key of AWS has the prefix of a service or of an identity provider.
    Rekognition has no condition keys of its own (Service Authorization Reference).
    """
    for key in _keys(document):
        name = key.lower()
        can_be_known = name.startswith(("aws:", "rekognition:")) or ":" not in name
        if can_be_known and name not in _KNOWN and not name.startswith(_TAGS):
            Annotations.of(policy).add_warning_v2(
                "cdk-rekognition-project-policy:condition-key",
                f"{key} is not known as a condition key of AWS, and no request has a key that AWS lacks: the condition "
                "does not limit as it seems to. Correct its name, unless AWS has added it.",
            )


def _keys(document: object) -> Iterator[str]:
    statements = document.get("Statement", []) if isinstance(document, Mapping) else []
    for statement in documents.as_list(statements):
        condition = statement.get("Condition", {}) if isinstance(statement, Mapping) else {}
        for tests in condition.values() if isinstance(condition, Mapping) and not is_unknown(condition) else ():
            yield from tests if isinstance(tests, Mapping) and not is_unknown(tests) else ()
