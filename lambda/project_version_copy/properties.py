"""The properties of the resource: what a template gives, checked before anything is called."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

from custom_resource.errors import RejectedError, shorten
from custom_resource.properties import check_names, flag, matching
from rekognition.arns import VERSION_NAME, Environment, ModelVersion, Project

from .identity import TAG_PREFIX, CopyInputs

RESOURCE_TYPE = "Custom::RekognitionProjectVersionCopy"
"""The type that a template gives the resource."""

MAX_TAGS = 45
"""Tags that a template may give: a resource has at most 50 (AWS, 'Tag naming limits'); the function adds 5."""

_REQUIRED = ("SourceProjectArn", "SourceProjectVersionArn", "DestinationProjectArn", "OutputConfig")
_OPTIONAL = ("VersionName", "KmsKeyId", "Tags", "AdoptExisting", "StopRunning")

# CopyProjectVersion's own patterns.
_BUCKET = re.compile(r"[0-9A-Za-z.\-_]{3,255}")
MAX_KEY_PREFIX = 1024
_KEY_PREFIX = re.compile(rf"(?!s3://).{{0,{MAX_KEY_PREFIX}}}", re.DOTALL)
_KMS_KEY = re.compile(r"(arn:[a-z0-9-]+:kms:[a-z0-9-]+:[0-9]{12}:(key|alias)/)?[A-Za-z0-9][A-Za-z0-9_/+=,@.-]{0,2047}")
_MAX_TAG_KEY = 128
_MAX_TAG_VALUE = 256
_TAG_PUNCTUATION = "_.:/=+-@"


@dataclass(frozen=True)
class Properties:
    """The properties of one copy, checked: what the template wants to be live."""

    source_project: Project
    destination: Project
    inputs: CopyInputs
    version_name: str
    """The name that the template gives; empty if the function makes one."""
    tags: Mapping[str, str] = field(default_factory=dict)
    adopt_existing: bool = False
    stop_running: bool = False

    @classmethod
    def parse(cls, given: Mapping[str, object], environment: Environment) -> Properties:
        """Read and check ``ResourceProperties``; raises ``RejectedError`` for the first rule that they break."""
        check_names(given, RESOURCE_TYPE, required=_REQUIRED, optional=_OPTIONAL)
        try:
            source_project = Project.parse(given["SourceProjectArn"], "SourceProjectArn")
            source = ModelVersion.parse(given["SourceProjectVersionArn"], "SourceProjectVersionArn")
            destination = Project.parse(given["DestinationProjectArn"], "DestinationProjectArn")
        except ValueError as error:
            raise RejectedError(str(error)) from None
        _check_places(source_project, source, destination, environment)
        bucket, key_prefix = read_output(given["OutputConfig"])
        version_name, adopt_existing = read_version_name(given), flag(given, "AdoptExisting")
        if adopt_existing and not version_name:
            raise RejectedError(
                "AdoptExisting takes over the model version that VersionName names. Specify its name as VersionName, "
                "or leave out AdoptExisting."
            )
        return cls(
            source_project,
            destination,
            CopyInputs(source.arn, destination.arn, bucket, key_prefix, _kms_key(given, destination)),
            version_name,
            read_tags(given.get("Tags", {})),
            adopt_existing,
            flag(given, "StopRunning"),
        )

    def name(self, stack_id: str, logical_id: str) -> str:
        """Return the copy's name: the template's, or else one made for this resource."""
        return self.version_name or self.inputs.default_name(stack_id, logical_id)


def about(version_name: str, project_name: str, sentence: str) -> str:
    """Return a message about a copy: ``Model version "V" of project "N"`` and what ``sentence`` says of it."""
    return f'Model version "{version_name}" of project "{project_name}"{sentence}'


def _check_places(source_project: Project, source: ModelVersion, destination: Project, own: Environment) -> None:
    """Check that the model version is one of the source project, and that the function may copy to the destination."""
    if not source.is_of(source_project):
        raise RejectedError(
            f'SourceProjectVersionArn names a model version of project "{source.project}" in {source.environment}, but '
            f'SourceProjectArn is project "{source_project.name}" in {source_project.environment}. Specify the project '
            "that the model version belongs to."
        )
    if destination.environment != own:
        raise RejectedError(
            f'DestinationProjectArn names project "{destination.name}" in {destination.environment}, but this stack is '
            f"in {own}. Deploy the stack where the copy is to be."
        )
    if (source.partition, source.region) != (destination.partition, destination.region):
        raise RejectedError(
            f"SourceProjectVersionArn is in {source.environment}, but DestinationProjectArn is in "
            f"{destination.environment}. A model version can be copied within one Region only."
        )


def read_output(given: object) -> tuple[str, str]:
    """Return the bucket and the key prefix of OutputConfig; raises ``RejectedError`` for what breaks a rule."""
    if not isinstance(given, Mapping) or not {*given} <= {"S3Bucket", "S3KeyPrefix"}:
        raise RejectedError("Property OutputConfig must be an object with S3Bucket and, optionally, S3KeyPrefix.")
    return (
        matching(
            "S3Bucket of OutputConfig",
            given.get("S3Bucket"),
            _BUCKET,
            "Specify the bucket's name: 3 to 255 letters, digits, hyphens, underscores or periods.",
        ),
        matching(
            "S3KeyPrefix of OutputConfig",
            given.get("S3KeyPrefix", ""),
            _KEY_PREFIX,
            f"Specify what follows the bucket's name: at most {MAX_KEY_PREFIX} characters.",
        ),
    )


def read_version_name(given: Mapping[str, object]) -> str:
    """Return VersionName, empty if there is none; raises ``RejectedError`` for one that isn't valid."""
    if "VersionName" not in given:
        return ""
    advice = (
        "Use 1 to 255 letters, digits, hyphens, underscores or periods; or leave it out, and the function makes a name."
    )
    return matching("VersionName", given["VersionName"], VERSION_NAME, advice)


def _kms_key(given: Mapping[str, object], destination: Project) -> str:
    if "KmsKeyId" not in given:
        return ""
    advice = "Specify a key's ID or ARN, or an alias's name or ARN."
    key = matching("KmsKeyId", given["KmsKeyId"], _KMS_KEY, advice)
    arn = key.split(":")
    if len(arn) > 1 and (arn[1], arn[3]) != (destination.partition, destination.region):
        raise RejectedError(
            f"KmsKeyId is a key in Region {arn[3]}, partition {arn[1]}, but the copy is in Region "
            f"{destination.region}, partition {destination.partition}. Specify a key in the copy's Region."
        )
    return key


def read_tags(given: object) -> Mapping[str, str]:
    """Return the tags; raises ``RejectedError`` for the first one that breaks a rule, and for too many."""
    if not isinstance(given, Mapping):
        raise RejectedError("Property Tags must be an object of keys and values, not a list.")
    if len(given) > MAX_TAGS:
        raise RejectedError(
            f"Property Tags has {len(given)} tags. Specify at most {MAX_TAGS}: a model version has at most 50, and the "
            "function adds 5."
        )
    for key, value in given.items():
        shown = shorten(str(key))
        if not _is_tag_text(key, _MAX_TAG_KEY) or not key:
            raise RejectedError(f'Tags has the key "{shown}", which is not valid. Use {_tag_text(1, _MAX_TAG_KEY)}.')
        if key.lower().startswith(("aws:", TAG_PREFIX)):
            reserved = "AWS" if key.lower().startswith("aws:") else "the function"
            raise RejectedError(f'Tags has the key "{shown}", whose prefix is reserved for {reserved}. Rename the key.')
        if not _is_tag_text(value, _MAX_TAG_VALUE):
            raise RejectedError(
                f'Tags has a value that is not valid for the key "{shown}". Use {_tag_text(0, _MAX_TAG_VALUE)}.'
            )
    return dict(given)


def _is_tag_text(text: object, longest: int) -> bool:
    """Return whether ``text`` has at most so many letters, numbers, spaces and the punctuation that a tag may have."""
    return (
        isinstance(text, str)
        and len(text) <= longest
        and all(each in _TAG_PUNCTUATION or unicodedata.category(each)[0] in "LZN" for each in text)
    )


def _tag_text(shortest: int, longest: int) -> str:
    return f"{shortest} to {longest} letters, digits, spaces or {' '.join(_TAG_PUNCTUATION)}"
