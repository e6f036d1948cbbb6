"""What the properties of any custom resource have in common: which names they have, and how flags are delivered.

Dependency-free, because the construct loads the resources' own modules, which use this one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from .errors import RejectedError, shorten

MAX_LENGTH = 50_000
"""Characters of one property as JSON: no valid value has half as many, and reading a much longer one takes too long."""

OF_CLOUDFORMATION = ("ServiceToken", "ServiceTimeout")
"""The properties that every custom resource may have, and that concern CloudFormation alone."""


def check_names(
    given: Mapping[str, object], resource_type: str, *, required: Sequence[str], optional: Sequence[str]
) -> None:
    """Raise ``RejectedError`` for a property that the resource type doesn't have, that is missing, or too long."""
    for name, value in given.items():
        if name not in (*required, *optional, *OF_CLOUDFORMATION):
            raise RejectedError(
                f'Property "{shorten(str(name))}" is not one of {resource_type}. '
                f"Remove it; the properties are {', '.join((*required, *optional))}."
            )
        _check_length(name, value)
    for name in required:
        if not given.get(name):
            raise RejectedError(f"Property {name} is missing or empty. Specify a value.")


def _check_length(name: str, value: object) -> None:
    try:
        length = len(json.dumps(value, ensure_ascii=False))
    except RecursionError:
        raise RejectedError(f"Property {name} is nested too deeply. Write it flat.") from None
    if length > MAX_LENGTH:
        raise RejectedError(
            f"Property {name} has {length:,} characters, more than {MAX_LENGTH:,}. Specify a shorter value."
        )


def matching(what: str, value: object, pattern: re.Pattern[str], advice: str) -> str:
    """Return a value that has to be a string of a pattern; raises ``RejectedError`` with the advice if it isn't."""
    if isinstance(value, str) and pattern.fullmatch(value):
        return value
    raise RejectedError(f'{what} "{shorten(str(value))}" is not valid. {advice}')


def flag(given: Mapping[str, object], name: str, *, default: bool = False) -> bool:
    """Return a boolean property, which CloudFormation delivers as the string ``true`` or ``false``."""
    value = given.get(name, default)
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return value == "true"
    raise RejectedError(f'Property {name} is "{shorten(str(value))}". Specify true or false.')
