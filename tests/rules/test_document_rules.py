"""The rules of a document, and when two are equivalent."""

from __future__ import annotations

import copy
import json
import re
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_resource.errors import RejectedError
from project_policy.document import are_equivalent, minify, parse
from project_policy.document_rules import size_violations, violations
from tests.documents import MINE, OTHER, document
from tests.public_conditions import LIMITING, MALFORMED, PUBLIC
from tests.rules.support import PROJECT, says

VERSION_ARN = "arn:aws:rekognition:us-east-1:123456789012:project/logos/version/v1/1690474772900"


KEYS = "aws:PrincipalOrgPaths, aws:PrincipalAccount, aws:PrincipalArn, aws:SourceVpc and aws:SourceVpce"


def statement(**elements: Any) -> dict[str, Any]:
    """Return a document of one statement with these elements changed; None removes one."""
    changed = {**MINE["Statement"][0], **elements}
    return {"Version": "2012-10-17", "Statement": [{key: value for key, value in changed.items() if value is not None}]}


OPERATORS = (  # noqa: SIM905 - easier to compare with the page
    "StringEquals StringNotEquals StringEqualsIgnoreCase StringNotEqualsIgnoreCase StringLike StringNotLike "
    "NumericEquals NumericNotEquals NumericLessThan NumericLessThanEquals NumericGreaterThan NumericGreaterThanEquals "
    "DateEquals DateNotEquals DateLessThan DateLessThanEquals DateGreaterThan DateGreaterThanEquals "
    "Bool BinaryEquals IpAddress NotIpAddress ArnEquals ArnLike ArnNotEquals ArnNotLike Null"
).split()
"""Those of the IAM user guide, 'IAM JSON policy elements: Condition operators'."""


class TestRules:
    """What the service would reject is rejected here, with the rule and what to do."""

    @pytest.mark.parametrize(
        ("broken", "rule"),
        [
            (statement(Effect=None), "missing Effect; each statement needs Effect, Principal, Action and Resource."),
            (statement(Principal=None, Action=None), "missing Principal and Action"),
            (statement(Resource=None), "missing Resource"),
            (statement(NotAction="x"), 'unknown element "NotAction"; allowed: Effect, Principal, Action'),
            (statement(NotResource="x"), 'unknown element "NotResource"'),
            (statement(NotPrincipal={"AWS": "111122223333"}), 'unknown element "NotPrincipal"'),
            (statement(Effects="Allow"), 'unknown element "Effects"; allowed: Effect, Principal, Action'),
            (statement(Effect="allow"), 'Effect "allow" is not valid; use "Allow" or "Deny".'),
            (statement(Action="rekognition:*"), 'not allowed; the only one is "rekognition:CopyProjectVersion".'),
            (statement(Action=["rekognition:CopyProjectVersion", "s3:GetObject"]), 'Action "s3:GetObject"'),
            (statement(Action=[]), "Action is empty; it needs at least one value."),
            (statement(Resource=[]), "Resource is empty"),
            (statement(Resource="arn:aws:s3:::bucket"), "isn't a model version of this project"),
            (statement(Resource=PROJECT.arn), "isn't a model version of this project"),
            (
                statement(Resource="arn:aws:rekognition:us-east-1:123456789012:project/other/version/*"),
                "isn't a model version of this project",
            ),
            (statement(Principal={"AWS": "1234"}), "isn't a 12-digit account ID"),
            (statement(Principal={"AWS": "arn:aws:iam::111122223333:role/*"}), "without wildcards"),
            (statement(Principal={"aws": "111122223333"}), 'unknown element "aws" in Principal; allowed: AWS.'),
            (statement(Principal={}), 'is empty; use {"AWS": "ACCOUNT"} or an ARN in place of the account.'),
            (statement(Principal={"AWS": []}), "Principal is empty"),
            (statement(Principal="111122223333"), 'is not valid; use {"AWS": "111122223333"}'),
            (statement(Principal=["111122223333"]), 'Principal is not valid; use {"AWS": "ACCOUNT"} or an ARN in'),
            (statement(Principal="*"), f"; name accounts, test one of aws:PrincipalOrgID, {KEYS} for fixed, quoted v"),
            (statement(Condition="x"), 'use {"OPERATOR": {"KEY": "VALUE"}}, with strings, numbers or'),
            ({"Version": "2012-10-17", "Statement": []}, "no Statement, so it shares nothing; add one, or leave the"),
            ({"Version": "2012-10-17"}, "no Statement"),
            ({"Version": "2012-10-17", "Statement": ["x"]}, "is not an object"),
            ({**MINE, "Version": "2012-10-18"}, 'Version "2012-10-18" is not valid; use "2012-10-17".'),
            ({**MINE, "Statements": []}, 'unknown element "Statements" in the document; allowed: Version, Id and'),
            *((statement(Principal="*", Condition=each), "shares the model with every") for each in MALFORMED.values()),
            (statement(Principal={"AWS": "arn:aws:iam::111122223333:group/x"}), "or the ARN of an account"),
            (statement(Principal={"AWS": "arn:aws:iam::111122223333:policy/x"}), "or the ARN of an account"),
            (statement(Principal={"AWS": "arn:aws:iam::111122223333:role/"}), "or the ARN of an account"),
            (statement(Principal={"AWS": "arn:aws:iam::111122223333:role/x y"}), "or the ARN of an account"),
            (statement(Principal={"AWS": "arn:aws-cn:iam::111122223333:role/x"}), '"aws"; specify a principal'),
            (statement(Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1"}}), 'organization\'s ID; specify "o-"'),
            (statement(Condition={"StringEquals": {"aws:ResourceOrgID": "O-A1B2C3D4E5"}}), "lower-case letters"),
            (statement(Condition={"StringLike": {"aws:PrincipalOrgID": "o-a1b2c3d4e5/r-ab12"}}), "isn't an organiza"),
            (statement(Condition={"StringLike": {"aws:principalorgpaths": ["a1b2c3d4e5/*"]}}), "isn't an organization"),
            *(
                (
                    statement(Condition={operator: {"aws:PrincipalArn": "arn:aws:iam::111122223333:role/*"}}),
                    "use StringLike",
                )
                for operator in ("StringEquals", "ForAnyValue:StringNotEqualsIgnoreCase")
            ),
            (
                statement(Condition={"StringEquals": {"aws:PrincipalOrgPaths": "o-a1b2c3d4e5/*"}}),
                "use ForAnyValue:StringL",
            ),
            (statement(Condition={"StringEquals": {"aws:PrincipalAccount": ["1111-2222-3333"]}}), "specify all 12"),
            (statement(Condition={"StringLike": {"aws:PrincipalAccount": 11122223333}}), "tests an account"),
            *(
                (statement(Effect="Deny", Condition={"StringNotEquals": {f"aws:{key}": "1234"}}), "tests an account")
                for key in ("ResourceAccount", "SourceAccount", "VpceAccount")
            ),
            (
                statement(Principal={"AWS": "*"}, Condition={"StringEquals": {"aws:PrincipalAccount": 111122223333}}),
                "quoted",
            ),
        ],
    )
    def test_a_broken_rule_is_named(self, broken: dict[str, Any], rule: str) -> None:
        """Each broken rule is named in a sentence or two."""
        found = violations(broken, project=PROJECT)
        assert any(says(each, rule) for each in found), found
        assert all(len(each) <= 300 for each in found)

    def test_what_is_missing_is_named_once(self) -> None:
        """Nothing else is said of its value."""
        (found,) = violations({"Statement": [{}]}, project=PROJECT)
        assert "missing Effect, Principal, Action and Resource" in found

    @pytest.mark.parametrize(
        ("resource", "told"),
        [
            ("arn:aws:s3:::bucket", ["it isn't an ARN of Rekognition"]),
            ("arn:aws:rekognition", ["it isn't an ARN of Rekognition"]),
            (VERSION_ARN.replace("arn:", "urn:"), ["it isn't an ARN of Rekognition"]),
            (PROJECT.arn, ["it is the ARN of a project"]),
            (
                "arn:aws:rekognition:us-east-1:123456789012:dataset/logos/version/*",
                ["it doesn't name a model version and its number"],
            ),
            (VERSION_ARN.rpartition("/")[0], ["it doesn't name a model version and its number"]),
            (VERSION_ARN.replace("/v1/", "/v1/v2/"), ["it doesn't name a model version and its number"]),
            (VERSION_ARN.replace("/version/", "/versions/"), ["it doesn't name a model version and its number"]),
            (
                VERSION_ARN.replace("123456789012", "999988887777"),
                ['its account is "999988887777", not "123456789012"'],
            ),
            (VERSION_ARN.replace("us-east-1", "us-*-2"), ['its Region is "us-*-2", not "us-east-1"']),
            (VERSION_ARN.replace("us-east-1", "us-east-[12]"), ['its Region is "us-east-[12]", not "us-east-1"']),
            (
                VERSION_ARN.replace("logos", "signs").replace("arn:aws:", "arn:aws-cn:"),
                ['its partition is "aws-cn", not "aws"', 'its project is "signs", not "logos"'],
            ),
        ],
    )
    def test_a_resource_elsewhere_says_what_differs(self, resource: str, told: list[str]) -> None:
        """Beside what was given is what the project's own model versions are called; nothing of either is cut out."""
        (found,) = violations(statement(Resource=resource), project=PROJECT)
        assert f'Resource "{resource}" isn\'t a model version of this project: {" and ".join(told)}; use' in found
        assert f'"{PROJECT.arn.rpartition("/")[0]}/version/*"' in found

    @pytest.mark.parametrize(
        ("account", "told"),
        [
            (111122223333, "Principal 111122223333 is a number; quote the account ID, because a number loses"),
            (1402433619, "Principal 1402433619 is a number; quote the account ID"),
            (
                "12345678901",
                'Principal "12345678901" isn\'t a 12-digit account ID .*, without wildcards; quote an account',
            ),
            *(
                (account, f'Principal "{account}" isn\'t a 12-digit account ID')
                for account in ("1.11122223333E11", "arn:aws:iam::12345678901:root", "1111-2222-3333", True)
            ),
        ],
    )
    def test_an_account_that_was_a_number(self, account: object, told: str) -> None:
        """What JSON, YAML or Python made of an account's ID without quotation marks may be another account's."""
        given = [{"AWS": [account]}, {"AWS": account}, account]
        for principal in given if not isinstance(account, str) else given[:-1]:
            (found,) = violations(statement(Principal=principal), project=PROJECT)
            assert re.search(told, found)

    @pytest.mark.parametrize(
        "good",
        [
            MINE,
            document("111122223333", effect="Deny"),
            {**MINE, "Version": "2008-10-17", "Id": "sharing"},
            {"Statement": MINE["Statement"][0]},
            statement(Sid="One", Condition={"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}}),
            statement(Principal="*", Condition={"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}}),
            statement(Principal="*", Effect="Deny"),
            statement(Principal={"AWS": ["111122223333", "arn:aws:iam::111122223333:role/copier"]}),
            statement(Principal={"AWS": "AROAEXAMPLEEXAMPLE123"}),
            statement(Resource="*"),
            statement(Resource=[VERSION_ARN, "arn:aws:rekognition:us-east-1:123456789012:project/logos/version/v2/*"]),
            statement(Resource="arn:aws:rekognition:*:123456789012:project/log*/version/*"),
            statement(Action=["rekognition:CopyProjectVersion"]),
            *(
                statement(Resource=f"arn:aws:rekognition:us-east-1:123456789012:project/logos/version/{version}")
                for version in ("v*", "v?/*", "v1/16904747729??", "*/1690474772900")
            ),
            *(
                statement(Condition={operator: {"aws:PrincipalOrgID": organization}})
                for operator, organization in (
                    ("StringEqualsIgnoreCase", "O-A1B2C3D4E5"),
                    ("StringLike", "o-a1b2*"),
                    ("StringLike", "${aws:PrincipalOrgID}"),
                )
            ),
            statement(Condition={"Null": {"aws:PrincipalOrgID": "false"}}),
            *(
                statement(Condition={operator: {key: value}})
                for operator, key, value in (
                    ("ArnEquals", "aws:PrincipalArn", "arn:aws:iam::111122223333:role/*"),
                    ("StringEquals", "aws:PrincipalTag/team", "*"),
                    ("StringEquals", "aws:PrincipalAccount", "${*}"),
                    ("StringLike", "aws:PrincipalAccount", "1111*"),
                )
            ),
        ],
    )
    def test_what_the_service_takes_passes(self, good: dict[str, Any]) -> None:
        """No rule rejects what AWS documents."""
        assert violations(good, project=PROJECT) == []

    @pytest.mark.parametrize("operator", OPERATORS)
    def test_every_operator_of_iam_passes(self, operator: str) -> None:
        """With a set operator, with IfExists, and in any case: IAM takes each."""
        spelled = [operator, operator.lower()]
        if operator != "Null":
            spelled += [f"ForAnyValue:{operator}", f"ForAllValues:{operator}IfExists", f"{operator}IfExists"]
        for each in spelled:
            assert violations(statement(Condition={each: {"aws:a": "b"}}), project=PROJECT) == []

    @pytest.mark.parametrize(
        "operator",
        [
            *("", "IfExists", "StringEqual", "StringEquals ", "StringNotNotEquals", "DateLike", "NotBool"),
            *("NumericEqualsIgnoreCase", "NullIfExists", "ForAnyValue:Null", "ForAnyValue:"),
            *("ForAnyValue:ForAllValues:Bool", "StringEqualsIfExistsIfExists"),
        ],
    )
    def test_another_operator_is_named(self, operator: str) -> None:
        """The service would reject the document; the function says so before it calls."""
        (found,) = violations(statement(Condition={operator: {"aws:a": "b"}}), project=PROJECT)
        assert f'unknown condition operator "{operator}"; use one of IAM\'s, such as "StringEquals".' in found

    def test_what_is_not_known_breaks_no_rule(self) -> None:
        """A value that only CloudFormation knows is not judged, all others are."""
        unknown = {"Fn::GetAtt": ["Project", "Arn"]}
        wanted = statement(Resource=[unknown, VERSION_ARN, "v1"], Principal={"AWS": unknown}, Action="s3:GetObject")
        found = violations(wanted, project=None, is_unknown=lambda value: value == unknown)
        assert len(found) == 2
        assert "s3:GetObject" in found[0]
        assert 'use ".../project/NAME/version/*", a full ARN, or "*".' in found[1]
        for passes in (
            {"Version": unknown, "Statement": unknown},
            {"Statement": [unknown]},
            statement(Effect=unknown, Principal=unknown, Action=unknown, Resource=unknown, Condition=unknown),
            statement(Principal="*", Condition=unknown),
            statement(Principal="*", Condition={"StringEquals": unknown}),
            statement(Principal="*", Condition={"StringEquals": {"aws:PrincipalOrgID": unknown}}),
        ):
            assert (
                violations(passes, project=None, is_unknown=lambda value: value == unknown, beginning=lambda _: "")
                == []
            )

    def test_size_is_measured_minified(self) -> None:
        """2000 characters pass, one more is rejected with the excess; white space does not count."""
        room = 2000 - len(minify(statement(Sid="")))
        fits = statement(Sid="s" * room)
        assert size_violations(parse(json.dumps(fits, indent=8))) == []
        assert "2001 characters without white space, 1 more" in size_violations(statement(Sid="s" * (room + 1)))[0]

    def test_characters_beyond_latin_1_count_escaped(self) -> None:
        """What the service's pattern does not take is sent escaped, and counts as it is sent."""
        assert minify({"Sid": "é€😀"}) == '{"Sid":"é\\u20ac\\ud83d\\ude00"}'
        assert json.loads(minify({"Sid": "é€😀"})) == {"Sid": "é€😀"}


def found(*, block_public_policy: bool = True, **elements: Any) -> list[str]:
    """Return which rules a document of one statement breaks."""
    return violations(statement(**elements), project=PROJECT, block_public_policy=block_public_policy)


class TestBlockPublicPolicy:
    """An Allow for everybody is rejected unless a condition limits it to accounts that the document names."""

    @pytest.mark.parametrize("name", PUBLIC)
    def test_a_condition_that_leaves_it_public(self, name: str) -> None:
        """It concerns an Allow for everybody, not a Deny, nor a named account, nor if it is turned off."""
        for principal in ("*", {"AWS": "*"}, {"AWS": ["111122223333", "*"]}):
            (says,) = found(Principal=principal, Condition=PUBLIC[name])
            assert 'Principal "*" shares the model with every AWS account' in says
            assert "BlockPublicPolicy" in says
        assert found(Principal="*", Effect="Deny", Condition=PUBLIC[name]) == []
        assert found(Principal={"AWS": "111122223333"}, Condition=PUBLIC[name]) == []
        assert found(Principal="*", Condition=PUBLIC[name], block_public_policy=False) == []

    @pytest.mark.parametrize("name", MALFORMED)
    def test_a_malformed_condition(self, name: str) -> None:
        """It is rejected with a reason of its own, whomever the statement names and whatever BlockPublicPolicy is."""
        for principal in ("*", {"AWS": "111122223333"}):
            assert "ondition" in found(Principal=principal, Condition=MALFORMED[name], block_public_policy=False)[0]

    @pytest.mark.parametrize("name", LIMITING)
    def test_a_condition_that_limits(self, name: str) -> None:
        """One limiting test is enough."""
        assert found(Principal="*", Condition=LIMITING[name]) == []


class TestParse:
    """Text and object are read alike."""

    @pytest.mark.parametrize(
        ("text", "rule"),
        [
            ("", "PolicyDocument is not JSON: Expecting value.*. Correct it."),
            ("{", "is not JSON"),
            ("[]", 'PolicyDocument is JSON but not an object. Specify {"Version": ..., "Statement"'),
            ('"text"', "not an object"),
            ("{'Version': '2012-10-17'}", "is not JSON"),
            ('{"Effect": "Deny", "Effect": "Allow"}', "duplicate key"),
            (f'{{"{"k" * 40}": 1, "{"k" * 40}": 2}}', rf'duplicate key "{"k" * 14}\.\.\.{"k" * 13}"'),
            ("[" * 100_000, "PolicyDocument is nested too deeply to be a policy. Write it flat."),
            (7, "must be an object or a JSON string"),
            (None, 'PolicyDocument must be an object or a JSON string. Specify {"Version": ..., "Statement": '),
        ],
    )
    def test_what_is_not_a_document_is_rejected(self, text: object, rule: str) -> None:
        """A string that isn't a JSON object is rejected with the reason."""
        with pytest.raises(RejectedError, match=rule):
            parse(text)

    def test_text_and_object_are_the_same(self) -> None:
        """An object and its text in any layout are one document."""
        assert parse(json.dumps(MINE, indent=3)) == parse(MINE) == MINE
        assert parse('{"Version": 1.5}') == {"Version": 1.5}


accounts = st.integers(10**11, 10**12 - 1).map(str)
principals = st.one_of(accounts, accounts.map(lambda account: f"arn:aws:iam::{account}:role/copier"))
statements = st.fixed_dictionaries(
    {
        "Effect": st.sampled_from(["Allow", "Deny"]),
        "Principal": st.fixed_dictionaries({"AWS": st.lists(principals, min_size=1, max_size=3)}),
        "Action": st.just("rekognition:CopyProjectVersion"),
        "Resource": st.lists(st.sampled_from(["*", VERSION_ARN]), min_size=1, max_size=2),
    },
    optional={
        "Sid": st.text("abc", min_size=1, max_size=3),
        "Condition": st.fixed_dictionaries(
            {"StringEquals": st.dictionaries(st.sampled_from(["aws:PrincipalOrgID", "aws:a"]), accounts, min_size=1)}
        ),
    },
)
documents = st.fixed_dictionaries(
    {"Version": st.just("2012-10-17"), "Statement": st.lists(statements, min_size=1, max_size=3)}
)


PARTITIONS = st.sampled_from(["aws", "aws-cn", "aws-us-gov"])


def another_form(wanted: dict[str, Any], draw: st.DataObject) -> dict[str, Any]:
    """Return the same policy as AWS might write it: other order, root ARNs, scalars, repeated values."""
    other = copy.deepcopy(wanted)
    other["Statement"] = draw.draw(st.permutations(other["Statement"]))
    for each in other["Statement"]:
        aws = draw.draw(st.permutations(each["Principal"]["AWS"]))
        aws = [
            f"arn:{draw.draw(PARTITIONS)}:iam::{value}:root"
            if value.isdecimal() and draw.draw(st.booleans())
            else value
            for value in aws
        ]
        each["Principal"]["AWS"] = aws[0] if len(aws) == 1 and draw.draw(st.booleans()) else aws + aws[:1]
        resources = draw.draw(st.permutations(each["Resource"]))
        each["Resource"] = resources[0] if len(resources) == 1 else resources
        each["Action"] = draw.draw(st.sampled_from([each["Action"], [each["Action"]]]))
        if "Condition" in each:
            each["Condition"] = {
                operator: {key.upper(): [value] for key, value in tests.items()}
                for operator, tests in each["Condition"].items()
            }
    if len(other["Statement"]) == 1 and draw.draw(st.booleans()):
        other["Statement"] = other["Statement"][0]
    return other


class TestEquivalence:
    """Documents are compared by what they allow and deny."""

    @given(documents, st.data())
    def test_another_form_is_equivalent(self, wanted: dict[str, Any], data: st.DataObject) -> None:
        """However the service writes a document, it is recognized."""
        assert are_equivalent(json.dumps(another_form(wanted, data), indent=1), wanted)

    @pytest.mark.parametrize(
        ("one", "two", "same"),
        [
            ({"aws:a": "1", "AWS:A": "2"}, {"aws:A": ["2", "1"]}, True),
            ({"AWS:A": "2", "aws:a": "1"}, {"aws:a": "1", "AWS:A": "2"}, True),
            ({"aws:a": "1", "AWS:A": "2"}, {"aws:a": "1"}, False),
            ({"aws:a": "1", "AWS:A": "2"}, {"aws:a": "2"}, False),
            ({"aws:a": "1"}, {"aws:b": "1"}, False),
        ],
    )
    def test_spellings_of_one_key_are_one_test(self, one: dict[str, Any], two: dict[str, Any], same: bool) -> None:
        """IAM compares keys without case, so each spelling's values count."""
        documents = [statement(Condition={"StringEquals": each}) for each in (one, two)]
        assert are_equivalent(minify(documents[0]), documents[1]) == same
        assert are_equivalent(minify(documents[1]), documents[0]) == same

    @pytest.mark.parametrize(
        "other",
        [
            statement(Effect="Deny"),
            statement(Principal={"AWS": "arn:aws:iam::444455556666:root"}),
            statement(Principal={"AWS": "arn:aws:iam::111122223333:role/copier"}),
            statement(Principal={"AWS": "AROAEXAMPLEEXAMPLE123"}),
            statement(Principal="*"),
            statement(Resource=VERSION_ARN),
            statement(Condition={"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}}),
            statement(Sid="One"),
            {**MINE, "Version": "2008-10-17"},
            document("111122223333", "444455556666"),
        ],
    )
    def test_a_difference_is_seen(self, other: dict[str, Any]) -> None:
        """Any difference in who may do what is a difference, in both directions."""
        assert not are_equivalent(minify(other), MINE)
        assert not are_equivalent(minify(MINE), other)

    def test_a_percent_encoded_document_is_read(self) -> None:
        """IAM returns documents percent-encoded (RFC 3986), a space as %20; what they say is compared all the same."""
        assert are_equivalent(quote(json.dumps(MINE), safe=""), MINE)
        assert not are_equivalent(quote(json.dumps(OTHER), safe=""), MINE)

    @pytest.mark.parametrize(
        ("one", "two"), [({"Principal": {"AWS": ["*"]}}, {"Principal": "*"}), ({"Condition": {}}, {"Condition": None})]
    )
    def test_what_is_written_in_two_ways(self, one: dict[str, Any], two: dict[str, Any]) -> None:
        """A star and a star of AWS accounts are the same principal; a condition without a test is none."""
        assert are_equivalent(minify(statement(**one)), statement(**two))

    @pytest.mark.parametrize("live", ["", "not JSON", "[]", "{}", '{"Statement": 7}'])
    def test_a_live_string_that_is_not_a_document_is_not_equivalent(self, live: str) -> None:
        """What cannot be read is never equivalent to what is wanted."""
        assert not are_equivalent(live, MINE)
