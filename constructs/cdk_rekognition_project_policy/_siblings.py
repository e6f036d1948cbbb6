"""The policies of one app beside one another: two of one name on one project, and more than a project takes."""

from __future__ import annotations

import json
from collections import Counter
from functools import cache
from typing import ClassVar

from aws_cdk import Annotations, Stack

from constructs import Construct, IConstruct

from ._synthesis import referenced, resolve

QUOTA = 5
"""Policies a project takes, unless its quota is raised (Custom Labels quotas)."""


class Siblings:
    """Every policy of an app, by its project and its name."""

    _of_apps: ClassVar[dict[IConstruct, Siblings]] = {}

    def __init__(self) -> None:
        self._by_name: dict[tuple[str, str], Construct] = {}
        self._count: Counter[str] = Counter()

    @staticmethod
    @cache
    def of(stack: Stack) -> Siblings:
        """Return the policies of the app that a stack is in."""
        return Siblings._of_apps.setdefault(stack.node.root, Siblings())

    def add(self, policy: Construct, project_arn: str, policy_name: str, stack: Stack) -> None:
        """Note a policy; the sixth one of a project is warned of, since it needs a raised quota.

        Raises ``ValueError`` for a second policy of one name on one project: no state of the service tells two such
        policies apart, so each would be edited and deleted for the other.
        """
        project, name = _place(stack, project_arn), json.dumps(resolve(stack, policy_name))
        other = self._by_name.setdefault((project, name), policy)
        if other is not policy:
            raise ValueError(
                f"{policy.node.path}: {other.node.path} has the same policy name on the same project. Give each policy "
                "a name of its own, or put all statements into one."
            )
        self._count[project] += 1
        count = self._count[project]
        if count > QUOTA:
            Annotations.of(policy).add_warning_v2(
                "cdk-rekognition-project-policy:quota",
                f"This is policy number {count} of its project, which takes {QUOTA} unless its quota is raised. Raise "
                "the quota in Service Quotas before you deploy, or put the statements into fewer policies.",
            )


def _place(stack: Stack, project_arn: str) -> str:
    """Return a text that two projects share where they are surely the same."""
    resolved = resolve(stack, project_arn)
    if isinstance(resolved, str):
        return json.dumps(resolved)
    reference = referenced(project_arn)
    if reference:
        construct, attribute = reference
        return json.dumps([construct.node.path, attribute])
    # Any other token is one of its stack: the same in another stack is another project.
    return json.dumps([stack.node.path, resolved], sort_keys=True)
