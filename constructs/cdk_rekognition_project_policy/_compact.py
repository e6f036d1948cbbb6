"""The function's sources without what only their readers need: three quarters of the bytes, and the same lines."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator


def compact(source: str) -> str:
    """Return Python source without comments and docstrings, indented by single spaces.

    Each line keeps its number, so that tracebacks stay true. Texts of several lines would lose their indentation; there
    are none, and a test would see one.
    """
    lines = source.splitlines()
    for first, last, column, instead in sorted(_cuts(source), reverse=True):
        lines[first] = lines[first][:column] + instead
        lines[first + 1 : last + 1] = [""] * (last - first)
    return "".join(f"{' ' * ((len(line) - len(line.lstrip())) // 4)}{line.strip()}\n" for line in lines)


def _cuts(source: str) -> Iterator[tuple[int, int, int, str]]:
    """Return what goes: first and last line, from which column of the first on, and what stands there instead."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            line, column = token.start
            yield line - 1, line - 1, column, ""
    for node in ast.walk(ast.parse(source)):
        body = getattr(node, "body", [])  # a lambda's is no list
        for statement in filter(_is_text, body if isinstance(body, list) else []):
            instead = "''" if len(body) == 1 else ""  # a body needs a statement
            yield statement.lineno - 1, (statement.end_lineno or 0) - 1, statement.col_offset, instead


def _is_text(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )
