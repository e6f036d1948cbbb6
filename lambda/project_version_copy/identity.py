"""What identifies a copy: its ARN as the physical ID, and tags that say which request made it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from custom_resource.request import Request
from rekognition.arns import ModelVersion
from rekognition.errors import InvalidArnError

TAG_PREFIX = "rekognition-version-copy:"
"""Before the keys of the tags that CopyProjectVersion is given besides the template's."""

_ADOPTED = "|adopted"
_KEY_TAG = f"{TAG_PREFIX}kms-key"
_ALIAS = "alias/"
_LONGEST_TAG_VALUE = 256
_LONGEST_NAME_OF_SOURCE = 200  # leaves room for a hyphen and the hash in a name of at most 255 characters
_DIGITS = 12


@dataclass(frozen=True)
class PhysicalId:
    """The physical resource ID of a copy: the model version's ARN, and whether the stack only adopted it.

    The number at the end of the ARN is that of one making, so a Delete can never hit another of the same name. With
    ``|adopted`` it names a model version that existed before, which no Delete touches.
    """

    version: ModelVersion
    adopted: bool = False

    def __str__(self) -> str:
        """Return the ID as CloudFormation keeps it."""
        return self.version.arn + _ADOPTED * self.adopted

    @classmethod
    def parse(cls, text: str) -> PhysicalId | None:
        """Return the ID that ``text`` is, or None where it is another's (a marker, one made up by CloudFormation)."""
        arn = text.removesuffix(_ADOPTED)
        try:
            return cls(ModelVersion.parse(arn), adopted=arn != text)
        except InvalidArnError:
            return None


@dataclass(frozen=True)
class Owner:
    """The request that made a copy. Time alone couldn't tell: a deleted model can't be restored."""

    stack: str
    resource: str
    request: str

    @classmethod
    def of_request(cls, request: Request) -> Owner:
        """Return what a copy made for this request is tagged with."""
        return cls(request.stack_id, request.logical_id, request.request_id)

    @classmethod
    def of_tags(cls, tags: Mapping[str, str]) -> Owner | None:
        """Return whose a model version is, or None where no request of this function made it."""
        if f"{TAG_PREFIX}stack" not in tags:
            return None
        return cls(*(tags.get(TAG_PREFIX + name, "") for name in ("stack", "resource", "request")))

    def is_same_resource(self, other: Owner | None) -> bool:
        """Return whether both are requests for the same resource of the same stack."""
        return other is not None and (self.stack, self.resource) == (other.stack, other.resource)


@dataclass(frozen=True)
class Facts:
    """What a copy is: all that CopyProjectVersion fixes when it makes the model version, but for the name."""

    source_version_arn: str
    destination_project_arn: str
    bucket: str
    key_prefix: str
    kms_key: str
    """A key's ID or ARN, an alias's name or ARN; empty for none."""

    def default_name(self, stack_id: str, logical_id: str) -> str:
        """Return the name of a copy whose template gives none.

        It follows from the resource and the facts, so repeated deliveries and the Delete of a canceled Create find the
        copy again, and a replacement never has the name of what it replaces.
        """
        resource = json.dumps([stack_id, logical_id, *vars(self).values()])
        digest = hashlib.sha256(resource.encode()).hexdigest()[:_DIGITS]
        return f"{ModelVersion.parse(self.source_version_arn).name[:_LONGEST_NAME_OF_SOURCE]}-{digest}"

    def are_those_of(self, live: Facts, tags: Mapping[str, str]) -> bool:
        """Return whether a live model version is a copy of the same, as far as that can be seen."""
        others = (self.source_version_arn, self.destination_project_arn, self.bucket, self.key_prefix)
        live_others = (live.source_version_arn, live.destination_project_arn, live.bucket, live.key_prefix)
        return others == live_others and _is_same_key(self.kms_key, live.kms_key, tags.get(_KEY_TAG, ""))


def tags_of(owner: Owner, facts: Facts) -> dict[str, str]:
    """Return the tags that a copy is made with, besides the template's."""
    tags = {TAG_PREFIX + name: value for name, value in vars(owner).items()}
    return {**tags, _KEY_TAG: facts.kms_key[:_LONGEST_TAG_VALUE]} if facts.kms_key else tags


def _is_same_key(wanted: str, live: str, tagged: str) -> bool:
    """Return whether a copy has the wanted KMS key: the live one, or the one that it was made with, as its tag says.

    It isn't known in which form Describe returns a key that was given as an alias, hence the tag. An alias can't be
    compared with a key's ID, so without the tag (an adopted model version) the two are taken for the same.
    """
    if wanted and wanted[:_LONGEST_TAG_VALUE] == tagged:
        return True
    if not (wanted and live):
        return wanted == live
    wanted, live = (key.rpartition(":")[2].removeprefix("key/") for key in (wanted, live))
    if wanted.startswith(_ALIAS) != live.startswith(_ALIAS):
        return not tagged
    return wanted == live
