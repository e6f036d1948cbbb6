"""The policies of one app beside one another: two of one name on one project, and more than a project takes."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from typing import ClassVar
from weakref import WeakKeyDictionary

from aws_cdk import Annotations, Stack

from constructs import Construct, IConstruct

QUOTA = 5
"""Policies a project takes, unless its quota is raised (Custom Labels quotas)."""


class Siblings:
    """Every policy of an app, by its project and its name."""

    _of_apps: ClassVar[WeakKeyDictionary[IConstruct, Siblings]] = WeakKeyDictionary()

    def __init__(self) -> None:
        self._places: dict[Construct, tuple[str, str]] = {}
        self._at: defaultdict[tuple[str, str], list[Construct]] = defaultdict(list)
        self._count: Counter[str] = Counter()

    @classmethod
    def of(cls, scope: Construct) -> Siblings:
        """Return the policies of the app that ``scope`` is in."""
        return cls._of_apps.setdefault(scope.node.root, cls())

    def add(self, policy: Construct, project_arn: str, policy_name: str) -> None:
        """Note a policy; the sixth one of a project is warned of, since it needs a raised quota."""
        project, name = self._place(policy, project_arn), json.dumps(Stack.of(policy).resolve(policy_name))
        self._places[policy] = (project, name)
        self._at[project, name].append(policy)
        self._count[project] += 1
        count = self._count[project]
        if count > QUOTA:
            Annotations.of(policy).add_warning_v2(
                "cdk-rekognition-project-policy:quota",
                f"This is policy number {count} of its project, which takes {QUOTA} unless its quota is raised. Raise "
                "the quota in Service Quotas before you deploy, or put the statements into fewer policies.",
            )

    def clashes_of(self, policy: Construct) -> list[str]:
        """Return, as sentences, which other policies have the same project and name.

        No state of the service tells two such policies apart: each would be edited and deleted for the other.
        """
        return [
            f"{other.node.path} has the same policy name on the same project. Give each policy a name of its own, or "
            "put all statements into one."
            for other in self._at[self._places[policy]]
            if other is not policy
        ]

    @staticmethod
    def _place(policy: Construct, project_arn: str) -> str:
        """Return a text that two projects share where they are surely the same."""
        stack = Stack.of(policy)
        resolved = stack.resolve(project_arn)
        # What is not known by its text is a token of its stack: the same in another one is another project.
        return json.dumps(resolved if isinstance(resolved, str) else [stack.node.path, resolved], sort_keys=True)
