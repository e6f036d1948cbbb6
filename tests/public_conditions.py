"""Conditions of an Allow for `Principal: "*"`: those that leave it public, and those that limit it.

Handler and construct are tested against the same lists. A condition limits where one of its tests compares a key of an
allow-list with fixed values only (Amazon S3 user guide, 'The meaning of "public"', has the same notion).
"""

from __future__ import annotations

from typing import Any

ORGANIZATION, PATH = "o-a1b2c3d4e5", "o-a1b2c3d4e5/r-ab12/ou-ab12-11111111"
ACCOUNT, ROLE = "111122223333", "arn:aws:iam::111122223333:role/copier"
OWNER = "123456789012"

PUBLIC: dict[str, dict[str, Any]] = {
    "no test": {},
    # Everybody meets these, or can.
    "transport": {"Bool": {"aws:SecureTransport": "true"}},
    "every address": {"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}},
    "date": {"DateGreaterThan": {"aws:CurrentTime": "1970-01-01T00:00:00Z"}},
    "epoch": {"NumericGreaterThan": {"aws:EpochTime": "0"}},
    "token's date": {"DateGreaterThan": {"aws:TokenIssueTime": "1970-01-01T00:00:00Z"}},
    "the owner's account": {"StringEquals": {"aws:ResourceAccount": OWNER}},
    "Region": {"StringEquals": {"aws:RequestedRegion": "us-east-1"}},
    "tag": {"StringEquals": {"aws:PrincipalTag/team": "vision"}},
    "user agent": {"StringLike": {"aws:UserAgent": "aws-cli/2"}},
    "multi-factor": {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
    "type": {"StringEquals": {"aws:PrincipalType": "AssumedRole"}},
    "via a service": {"Bool": {"aws:ViaAWSService": "false"}},
    "source account": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
    "unknown key": {"StringEquals": {"aws:PrincipalOrg": ORGANIZATION}},
    # Values that aren't fixed.
    "any ARN": {"StringLike": {"aws:PrincipalArn": "arn:*"}},
    "anything": {"StringLike": {"aws:PrincipalArn": "*"}},
    "any two characters": {"ArnLike": {"aws:PrincipalArn": "?*"}},
    "an ARN of any account": {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/x"}},
    "an account cut short": {"StringLike": {"aws:PrincipalArn": "arn:aws:iam::1*"}},
    "an account with a wildcard": {"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::11112222333?:role/x"}},
    "an account in another field": {"StringLike": {"aws:PrincipalArn": f"arn:aws:iam:{ACCOUNT}:*:role/x"}},
    "any first digit": {"StringLike": {"aws:PrincipalAccount": [f"{digit}*" for digit in range(10)]}},
    "any organization": {"StringLike": {"aws:PrincipalOrgID": "o-*"}},
    "any organization's path": {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-*/*"}},
    "an organization cut short": {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-a1b2*"}},
    "any path": {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "*/r-ab12/*"}},
    "any endpoint": {"StringLike": {"aws:SourceVpce": "vpce-*"}},
    "any network": {"StringLike": {"aws:SourceVpc": "vpc-????????"}},
    "the caller's own account": {"StringEquals": {"aws:PrincipalAccount": "${aws:PrincipalAccount}"}},
    "the caller's own organization": {"StringEquals": {"aws:PrincipalOrgID": "${aws:PrincipalOrgID}"}},
    "a variable in an ARN": {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::111122223333:role/${aws:username}"}},
    "an empty value": {"StringEquals": {"aws:SourceVpc": ""}},
    "one value that limits and one that doesn't": {"StringLike": {"aws:PrincipalArn": [ROLE, "*"]}},
    "one spelling that limits and one that doesn't": {
        "StringLike": {"aws:PrincipalOrgID": ORGANIZATION, "AWS:principalorgid": "o-*"}
    },
    "one spelling of the operator that limits and one that doesn't": {
        "StringLike": {"aws:PrincipalOrgID": ORGANIZATION},
        "stringlike": {"aws:PrincipalOrgID": "o-*"},
    },
    # Operators that everybody but a few meets, or whose request lacks the key.
    "negated": {"StringNotEquals": {"aws:PrincipalAccount": ACCOUNT}},
    "negated, in lower case": {"stringnotequals": {"aws:PrincipalAccount": ACCOUNT}},
    "negated ARN": {"ArnNotLike": {"aws:PrincipalArn": ROLE}},
    "for all values": {"ForAllValues:StringEquals": {"aws:PrincipalOrgPaths": PATH}},
    "for all values, in capitals": {"FORALLVALUES:STRINGLIKE": {"aws:PrincipalOrgPaths": PATH}},
    "if it exists": {"StringEqualsIfExists": {"aws:PrincipalOrgID": ORGANIZATION}},
    "any value, if it exists": {"ForAnyValue:StringEqualsIfExists": {"aws:PrincipalOrgPaths": PATH}},
    "present": {"Null": {"aws:PrincipalOrgID": "false"}},
    "paths without a set operator": {"StringLike": {"aws:PrincipalOrgPaths": f"{PATH}/*"}},
    "another type": {"NumericEquals": {"aws:PrincipalAccount": ACCOUNT}},
}
"""Well-formed conditions that leave `Principal: "*"` public."""

MALFORMED: dict[str, dict[str, Any]] = {
    "an unknown operator": {"StringEqual": {"aws:PrincipalOrgID": ORGANIZATION}},
    "an operator with a look-alike letter": {"\u017ftringEquals": {"aws:PrincipalOrgID": ORGANIZATION}},
    "an unknown set operator": {"ForSomeValues:StringEquals": {"aws:PrincipalOrgPaths": PATH}},
    "an operator without a key": {"StringEquals": {}},
    "an operator with a value": {"StringEquals": "x"},
    "a list of keys": {"StringEquals": [{"aws:PrincipalOrgID": ORGANIZATION}]},
    "a key without a value": {"StringEquals": {"aws:PrincipalOrgID": []}},
    "an object": {"StringEquals": {"aws:PrincipalOrgID": {"id": ORGANIZATION}}},
    "null": {"StringEquals": {"aws:PrincipalOrgID": None}},
    "a list in a list": {"StringEquals": {"aws:PrincipalOrgID": [[ORGANIZATION]]}},
    "null beside a value": {"StringEquals": {"aws:PrincipalOrgID": [ORGANIZATION, None]}},
}
"""Conditions that no statement can have, whatever its principal."""

LIMITING: dict[str, dict[str, Any]] = {
    "organization": {"StringEquals": {"aws:PrincipalOrgID": ORGANIZATION}},
    "organizations": {"StringEqualsIgnoreCase": {"aws:PrincipalOrgID": [ORGANIZATION, "o-b2c3d4e5f6"]}},
    "another spelling": {"stringequals": {"AWS:principalorgid": ORGANIZATION}},
    "any value of a key that has one": {"ForAnyValue:StringEquals": {"aws:PrincipalOrgID": ORGANIZATION}},
    "unit": {"ForAnyValue:StringEquals": {"aws:PrincipalOrgPaths": f"{PATH}/"}},
    "unit and those below": {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": [f"{PATH}/*"]}},
    "an organization's accounts": {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": f"{ORGANIZATION}/*"}},
    "account": {"StringEquals": {"aws:PrincipalAccount": [ACCOUNT, "444455556666"]}},
    "account compared by StringLike": {"StringLike": {"aws:PrincipalAccount": ACCOUNT}},
    "role": {"ArnEquals": {"aws:PrincipalArn": ROLE}},
    "roles of an account": {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/*"}},
    "principals of an account": {"StringLike": {"aws:PrincipalArn": f"arn:aws-us-gov:sts::{ACCOUNT}:*"}},
    "network": {"StringEquals": {"aws:SourceVpc": "vpc-0a1b2c3d"}},
    "endpoint": {"StringEquals": {"aws:SourceVpce": "vpce-0a1b2c3d"}},
    "beside a test that everybody meets": {
        "ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/*", "aws:SourceArn": "*"},
        "Null": {"aws:TokenIssueTime": "true"},
    },
}
"""Conditions that limit `Principal: "*"` to accounts that the document names."""
