"""The goals: what of a run's results each is about, and whether it is met."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.results import Results
from benchmarks.summary import ratio
from benchmarks.syntheses import FEW, MANY

ASSET_LIMIT = 43_500
CALLS = {"Create": 2, "Update": 2, "Delete": 2, "Update where nothing differs": 1}
TEMPLATE_QUOTA, RESOURCE_QUOTA = 1_000_000, 500
INLINE_QUOTA, MANAGED_QUOTA, ATTACHED_QUOTA = 10_240, 6_144, 10
WITHIN_LIMIT = 1.3

_COLD = (
    "botocore's import and one client take most of it. Node.js loads its SDK within the first event instead, which is "
    "the row above."
)
_CALLS = (
    "this project makes two calls where the peers make one. On a machine that is busy with something else, each call "
    "waits for its turn."
)


@dataclass(frozen=True)
class Row:
    """A goal, and what was measured of it."""

    what: str
    measured: str
    goal: str
    met: bool
    reason: str = ""
    """Why it is missed; said only then."""


def rows(results: Results) -> list[Row]:
    """Return a row for each goal about which something was measured."""
    return [*_speed(results), *_synthesis(results), *_crowds(results), *_scale(results), *_sequences(results)]


def _at_most(what: str, value: float, limit: float, of: str, reason: str = "", digits: int = 2) -> Row:
    return Row(what, f"{value:,.{digits}f} {of}".strip(), f"≤ {limit:,g} {of}".strip(), value <= limit, reason)


def _speed(results: Results) -> Iterator[Row]:
    if results.speed:
        ours = results.speed["ours"]
        simple, helper = results.speed["aws_custom_resource"], results.speed["helper"]
        node, python = "of `AwsCustomResource`'s", "of crhelper's README's"
        yield _at_most("first event, in the INVOKE phase", ratio(ours.invoke, simple.invoke), 0.2, node, _CALLS)
        yield _at_most("warm event", ratio(ours.warm, simple.warm), 1.0, node, _CALLS)
        yield _at_most("warm event", ratio(ours.warm, helper.warm), 0.7, python, _CALLS)
        yield _at_most("cold start, process start to answer", ratio(ours.cold, helper.cold), 0.85, python, _COLD)
        yield _at_most("cold start, process start to answer", ratio(ours.cold, simple.cold), 1.5, node, _COLD)
        yield _at_most(
            "peak memory", ratio(ours.memory, helper.memory), 0.9, python, "the SDK and one client take most of it."
        )
        wanted = ", ".join(f"{kind} {count}" for kind, count in CALLS.items())
        yield Row("calls of Rekognition", ours.said_calls, wanted, dict(ours.calls) == CALLS)
    yield _at_most("code, zipped", results.assets["ours"], ASSET_LIMIT, "bytes", "the rules take their room.", digits=0)


def _synthesis(results: Results) -> Iterator[Row]:
    if not results.syntheses:
        return
    median = {name: synthesis.seconds.median for name, synthesis in results.syntheses.items()}
    ours, bare, many = (median[name] - median["empty"] for name in ("ours", "bare", "ours_many"))
    (few, few_projects), (more, more_projects) = FEW, MANY
    first, further = median["ours_one"] - median["empty"], median["ours"] - median["ours_one"]
    yield _at_most(
        f"synthesis of {few} policies on {few_projects} projects, less the empty stack",
        ours / bare,
        1.2,
        "of a bare function's with bare custom resources",
        f"the first policy takes {first:.2f} s more than the empty stack, for the function's code is bundled and the "
        "modules of the CDK that describe it are imported; each further policy takes "
        f"{further / (few - 1) * 1000:.1f} ms, in calls that cross from Python to Node.js: for the construct, the "
        "custom resource in it, the document that grants add to, and the dependency on the permission. A bare "
        f"function with one bare custom resource takes {median['bare_one'] - median['empty']:.2f} s, each further one "
        f"{(median['bare'] - median['bare_one']) / (few - 1) * 1000:.1f} ms.",
    )
    yield _at_most("its resources", results.syntheses["ours"].resources, 106, "", digits=0)
    yield _at_most(
        f"its growth to {more} policies on {more_projects} projects",
        many / ours / (more / few),
        1.1,
        f"of {more / few:g} times",
        "a step of the synthesis grows faster than the number of policies.",
    )


def _crowds(results: Results) -> Iterator[Row]:
    for name in ("ours", "ours, 450"):
        for phase in results.crowds.get(name, ()):
            share = phase.seconds / phase.ideal
            yield Row(
                f"{phase.requests} policies at once: {phase.what}",
                f"{phase.succeeded} succeed, in {share:.2f} of what the limit allows",
                f"all, in ≤ {WITHIN_LIMIT}",
                phase.succeeded == phase.requests and share <= WITHIN_LIMIT,
                f"{phase.throttled} calls were throttled; the slowest request took {phase.longest:.0f} s.",
            )


def _scale(results: Results) -> Iterator[Row]:
    scale = results.scale
    if scale is None:
        return
    policies, projects = MANY
    within = (
        scale.template <= TEMPLATE_QUOTA
        and scale.resources <= RESOURCE_QUOTA
        and scale.inline <= INLINE_QUOTA
        and scale.largest_managed <= MANAGED_QUOTA
        and scale.attached <= ATTACHED_QUOTA
    )
    yield Row(f"{policies} policies on {projects} projects", "see below", "within every quota", within)
    yield Row(
        "the same, deployed on the local cloud and taken down",
        f"{scale.live} live, {scale.left} left",
        f"{policies}, 0",
        (scale.live, scale.left) == (policies, 0),
    )


def _sequences(results: Results) -> Iterator[Row]:
    if results.sequences:
        right = sum(by_function["ours"].right for by_function in results.sequences.values())
        count = len(results.sequences)
        yield Row("right end states", f"{right} of {count}", "all", right == count)
