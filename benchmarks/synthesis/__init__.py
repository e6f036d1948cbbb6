"""Apps whose synthesis is measured."""

STACK = "Sharing"
"""The name of their stack."""
