"""Fixtures that several folders share: one local cloud for the whole session."""

from __future__ import annotations

from localcloud.pytest_plugin import local_cloud, rekognition

__all__ = ["local_cloud", "rekognition"]
