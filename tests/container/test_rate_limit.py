"""The limit that the hundred policies meet: what it lets through on a clock of its own."""

from __future__ import annotations

from tests.container.rate_limit import RateLimit


def test_a_bucket_for_each_operation_is_filled_at_the_rate() -> None:
    """Five pass at once, then one every fifth of a second; a throttled call takes nothing from those after it."""
    now = 0.0
    limit = RateLimit(5, now=lambda: now)
    assert [limit("PutProjectPolicy", {}) is None for _ in range(7)] == [True] * 5 + [False] * 2
    assert limit("ListProjectPolicies", {}) is None
    passed = []
    for _ in range(4):
        now += 0.125
        passed.append(limit("PutProjectPolicy", {}) is None)
    assert passed == [False, True] * 2
    now = 60.0
    assert [limit("PutProjectPolicy", {}) is None for _ in range(6)] == [True] * 5 + [False]
    assert limit.passed == {"PutProjectPolicy": 12, "ListProjectPolicies": 1}
    assert limit.throttled == {"PutProjectPolicy": 5}
    rejected = limit("PutProjectPolicy", {})
    assert rejected is not None
    assert rejected.code == "ThrottlingException"
