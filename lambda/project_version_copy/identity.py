"""What identifies a copy: its ARN as the physical ID, and tags that say which request made it, and from what."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from custom_resource.request import Request
from rekognition.arns import Environment, ModelVersion, Project

TAG_PREFIX = "rekognition-version-copy:"
"""Before the keys of the tags that the function sets besides the template's."""

INPUTS_TAG = f"{TAG_PREFIX}inputs"
"""The key of the tag that has the digest of what a copy was made from."""

RESPONDED_TAG = f"{TAG_PREFIX}responded"
"""The key of the tag that a finished copy gets just before its request is responded to.

Its value is ``REQUESTED-RESPONDED``, when its request was made and the time, in epoch seconds. A copy of a stack's
resource without it was never reported as complete. Some seconds later, one with it is changed and deleted by its ARN
only.
"""

_ADOPTED = "|adopted"
_ALIAS = "alias/"
_MAX_SOURCE_NAME_LENGTH = 200  # leaves room for a hyphen and the hash in a name of at most 255 characters
_DIGITS = 12


@dataclass(frozen=True)
class PhysicalId:
    """The physical resource ID of a copy: the model version's ARN, and whether the stack only adopted it.

    The number at the end of the ARN is different each time a copy is made, so a Delete can never hit another of the
    same name. With ``|adopted`` it names a model version that existed before, which no Delete touches.
    """

    version: ModelVersion
    adopted: bool = False

    def __str__(self) -> str:
        """Return the ID as CloudFormation keeps it."""
        return self.version.arn + _ADOPTED * self.adopted

    @classmethod
    def parse(cls, text: str) -> PhysicalId | None:
        """Return the ID that ``text`` is, or None if it is another's (a marker, one made up by CloudFormation)."""
        arn = text.removesuffix(_ADOPTED)
        try:
            return cls(ModelVersion.parse(arn), adopted=arn != text)
        except ValueError:
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
        """Return whose a model version is, or None if no request of this function made it."""
        if f"{TAG_PREFIX}stack" not in tags:
            return None
        return cls(*(tags.get(TAG_PREFIX + name, "") for name in ("stack", "resource", "request")))

    @property
    def tags(self) -> dict[str, str]:
        """The tags that say so."""
        return {TAG_PREFIX + name: value for name, value in vars(self).items()}

    def is_same_resource(self, other: Owner | None) -> bool:
        """Return whether both are requests for the same resource of the same stack."""
        return other is not None and (self.stack, self.resource) == (other.stack, other.resource)


@dataclass(frozen=True)
class CopyInputs:
    """What a copy is made from: all that CopyProjectVersion fixes when it makes the model version, but for the name."""

    source_version_arn: str
    destination_project_arn: str
    bucket: str
    key_prefix: str
    kms_key: str
    """A key's ID or ARN, an alias's name or ARN; empty for none."""

    @property
    def digest(self) -> str:
        """The value of a copy's INPUTS_TAG: it isn't known in which form Describe shows a bucket's prefix or a key."""
        return _sha256(list(vars(self).values()))

    def default_name(self, stack_id: str, logical_id: str) -> str:
        """Return the name of a copy whose template gives none.

        It follows from the resource and the inputs, so repeated deliveries and the Delete of a canceled Create find the
        copy again, a replacement never has the name of what it replaces, and nothing else has this name by accident.
        """
        digest = _sha256([stack_id, logical_id, *vars(self).values()])[:_DIGITS]
        return f"{ModelVersion.parse(self.source_version_arn).name[:_MAX_SOURCE_NAME_LENGTH]}-{digest}"

    def have_the_source_of(self, live: CopyInputs) -> bool:
        """Return whether a live model version is a copy of the same model version, in the same project."""
        return (self.source_version_arn, self.destination_project_arn) == (
            live.source_version_arn,
            live.destination_project_arn,
        )

    def match(self, live: CopyInputs) -> bool:
        """Return whether a live model version was made from the same, as far as Describe shows that."""
        return (
            self.have_the_source_of(live)
            and (self.bucket, self.key_prefix) == (live.bucket, live.key_prefix)
            and self._may_have_key_of(live)
        )

    def are_contradicted_by(self, live: CopyInputs) -> bool:
        """Return whether Describe shows a bucket, prefix or key that can't be the same, in whatever form it shows them.

        A prefix may be shown longer than it was given. What isn't shown contradicts nothing.
        """
        return bool(
            (live.bucket and live.bucket != self.bucket)
            or not live.key_prefix.startswith(self.key_prefix if live.key_prefix else "")
            or (live.kms_key and not self._may_have_key_of(live))
        )

    def _may_have_key_of(self, live: CopyInputs) -> bool:
        """Return whether both have the same KMS key, as far as an alias can be compared with a key's ID."""
        if not (self.kms_key and live.kms_key):
            return self.kms_key == live.kms_key
        here = Project.parse(self.destination_project_arn).environment
        (its_place, its_name), (place, name) = (_key(each, here) for each in (self.kms_key, live.kms_key))
        return its_place == place and (its_name == name or its_name.startswith(_ALIAS) != name.startswith(_ALIAS))


def _sha256(values: list[str]) -> str:
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()


def _key(given: str, here: Environment) -> tuple[str, str]:
    """Return where a KMS key or an alias is, and its ID or name; one without an ARN is in this environment."""
    place, _, name = given.rpartition(":")
    return place or f"arn:{here.partition}:kms:{here.region}:{here.account}", name.removeprefix("key/")
