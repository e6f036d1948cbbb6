"""The one kind of error this package raises for people, and how names are cut to fit into it."""

REASON_LIMIT = 256
"""Characters of a Reason. crhelper 2.0.12 keeps only the last 240 of a longer one, which would lose the cause."""

_SHORT = 36
_SHORTEST = 28


class Refused(Exception):
    """A request that is refused; its text is one or two sentences that say what, why, and what to do next."""


def shorten(name: str, limit: int = _SHORT) -> str:
    """Return ``name``, its middle left out where it is longer than ``limit``, so that a message keeps its end."""
    if len(name) <= limit:
        return name
    tail = (limit - 3) // 2
    return f"{name[: limit - 3 - tail]}...{name[-tail:]}"


def about(policy_name: str, project_name: str, sentence: str) -> str:
    """Return a message about a policy: ``Policy "P" of project "N"`` and what ``sentence`` says of it.

    It fits into a Reason: names are cut in the middle where there is no room for the whole.
    """
    room = REASON_LIMIT - len('Policy "" of project ""') - len(sentence)
    if len(policy_name) + len(project_name) > room:
        policy_name, project_name = (shorten(name, max(room // 2, _SHORTEST)) for name in (policy_name, project_name))
    return f'Policy "{policy_name}" of project "{project_name}"{sentence}'
