"""Every message that a user can meet, read from the code itself, so that a new one needs no entry by hand.

A message is a sentence in the code: a text with a full stop that is no docstring; and what is logged as a warning or an
error. What is put into it when it is shown is a NAME in capitals here; constants stand as they are. Its
first sentence says what is wrong, the rest what to do.
"""

from __future__ import annotations

import ast
import importlib
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]
_CONSTRUCTS = ROOT / "constructs"
_HANDLER = ROOT / "lambda"

_WARNING = "add_warning_v2"
_FOR_PROGRAMMERS = frozenset({"AssertionError", "TypeError"})
_LOGGED = frozenset({"error", "warning"})
_IN_THE_LOG = frozenset({*_LOGGED, "AnswerLost", "ValueError", "_announce"})
"""What the handler raises or logs in these is seen in its log only: nobody is answered by it."""

_RULES = "_Rules"
_OF_THE_DOCUMENT = "of_document"
_NAME = re.compile("\ue000([^\ue001]*)\ue001")
"""How a NAME is marked in a text until it is shown."""
_NUMBER = "n"
_SENTENCE = re.compile(r" .*\.( |$)", re.DOTALL)


@dataclass(frozen=True)
class Message:
    """One message: where it is met, its text with marked NAMES, and what it is found by."""

    group: str
    marked: str
    codes: tuple[str, ...] = field(default=(), compare=False)
    """The error codes that it explains, or a warning's id."""

    @property
    def text(self) -> str:
        """The message, with NAMES in capitals."""
        return _NAME.sub(r"\1", self.marked)

    @property
    def parts(self) -> tuple[str, str]:
        """What is wrong and what to do, with marked NAMES."""
        separators = [r"\. (?=[A-Z])"] if self.group == "log" else [r"\. (?=[A-Z])", "; "]
        for separator in separators:
            for found in re.finditer(separator, self.marked):
                before, after = self.marked[: found.start()], self.marked[found.end() :]
                if before.count('"') % 2 == 0:  # not within quotation marks
                    return f"{before}.", after[:1].upper() + after[1:]
        return self.marked, ""

    @property
    def anchors(self) -> tuple[str, ...]:
        """What links to the message end with: its codes, or its own words."""
        if self.codes:
            return tuple(code.rpartition(":")[2].replace(" ", "-").lower() for code in self.codes)
        words = re.findall(r"[a-z0-9]+", _NAME.sub(" ", self.marked.removeprefix(_ABOUT)).lower())
        return ("-".join([self.group, *words[:12]]),)

    @property
    def pattern(self) -> re.Pattern[str]:
        """What a message of this kind matches as it is shown, whatever stands in front and behind."""
        parts = _NAME.split(self.marked)
        return re.compile(".*?".join(re.escape(part) for part in parts[::2]), re.DOTALL)


@cache
def collect() -> tuple[Message, ...]:
    """Return all messages, in the order in which their groups and the code have them."""
    found = [
        *(
            each
            for path in sorted((_CONSTRUCTS / "cdk_rekognition_project_policy").glob("*.py"))
            for each in of_module(path)
        ),
        *(each for path in sorted((_HANDLER / "project_policy").glob("*.py")) for each in of_module(path)),
        *of_module(_HANDLER / "custom_resource.py"),
        *_reasons(),
    ]
    return tuple(dict.fromkeys(found))


def _reasons() -> Iterator[Message]:
    """Return the sentences for Rekognition's error codes; codes of one sentence stand together."""
    reasons = _import(_HANDLER / "project_policy" / "reasons.py")
    codes: dict[str, list[str]] = {}
    for code, sentence in {**reasons.REASONS, "any other": reasons._UNKNOWN}.items():
        codes.setdefault(sentence, []).append(code)
    for sentence, those in codes.items():
        marked = re.sub(r"\{(\w+)\}", lambda name: _mark(name[1]), sentence)
        yield Message("service", marked, tuple(those))


def of_module(path: Path) -> Iterator[Message]:
    """Return the messages of one module."""
    if path.name == "reasons.py":
        return
    module = _Module(path)
    for node, context in module.sentences():
        if not context.names & _FOR_PROGRAMMERS:
            text = module.text(node, context)
            for caught in module.with_what_is_caught(text, context):
                for whole in module.with_what_is_given(caught, context):
                    yield Message(_group(path, context), _prefixed(whole, context), context.codes)


def _group(path: Path, context: _Context) -> str:
    if _WARNING in context.names:
        return "warnings"
    if path.is_relative_to(_CONSTRUCTS):
        return "synthesis"
    if path.stem in ("document", "identity"):
        return path.stem
    if (context.names | context.inside) & _IN_THE_LOG:
        return "log"
    return {"request": "request", "decision": "unexpected", "lifecycle": "unexpected"}.get(path.stem, "function")


def _prefixed(text: str, context: _Context) -> str:
    """Return the text with what stands in front of it, but for the construct's path and the policy's name."""
    text = re.sub(rf"^(?:{_NAME.pattern}/?)*: ", "", text)
    if _RULES in context.inside and _OF_THE_DOCUMENT not in context.inside:
        return f"statement {_mark('number')}: {text}"
    return _ABOUT + text if "Refuse" in context.names else text


def _mark(name: str) -> str:
    return f"\ue000{name.strip('_').upper()}\ue001"


_ABOUT = f'Policy "{_mark("policy")}" of project "{_mark("project")}" '


def _import(path: Path) -> ModuleType:
    """Import a module by its file, from one of the two source roots."""
    root = _CONSTRUCTS if path.is_relative_to(_CONSTRUCTS) else _HANDLER
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    name = ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
    return importlib.import_module(name)


@dataclass(frozen=True)
class _Context:
    """What is around a text in the code."""

    around: tuple[ast.AST, ...]

    @property
    def names(self) -> frozenset[str]:
        """The names of what is raised or called with the text."""
        calls = [node for node in self.around if isinstance(node, ast.Call)]
        return frozenset(_last_name(call.func) for call in calls)

    @property
    def codes(self) -> tuple[str, ...]:
        """The id of a warning."""
        for node in self.around:
            if isinstance(node, ast.Call) and _last_name(node.func) == _WARNING:
                return (str(ast.literal_eval(node.args[0])),)
        return ()

    @property
    def inside(self) -> frozenset[str]:
        """The names of the classes and functions that the text is in."""
        return frozenset(node.name for node in self.around if isinstance(node, (ast.ClassDef, ast.FunctionDef)))

    @property
    def bound(self) -> frozenset[str]:
        """The names that are bound in the functions that the text is in, so that they are no constants."""
        functions = [node for node in self.around if isinstance(node, (ast.FunctionDef, ast.Lambda))]
        inner = [node for function in functions for node in ast.walk(function)]
        return frozenset(
            {node.id for node in inner if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
            | {node.arg for node in inner if isinstance(node, ast.arg)}
            | {node.name for node in inner if isinstance(node, ast.ExceptHandler) and node.name}
        )

    @property
    def function(self) -> ast.FunctionDef | None:
        """The innermost function that the text is in."""
        return next((node for node in self.around if isinstance(node, ast.FunctionDef)), None)

    @property
    def caught(self) -> ast.ExceptHandler | None:
        """The handler of ``ValueError`` that the text is raised in, where there is one."""
        for node in self.around:
            if isinstance(node, ast.ExceptHandler) and node.type and "ValueError" in ast.unparse(node.type):
                return node
        return None


class _Module:
    """The texts of one module."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._tree = ast.parse(path.read_text())
        self._module = _import(path)

    def sentences(self) -> Iterator[tuple[ast.expr, _Context]]:
        """Return each text that is a message, and what is around it."""
        for node, context in self._texts():
            text = self.text(node, context)
            if _SENTENCE.search(text) or (" " in text and context.names & _LOGGED):
                yield node, context

    def _texts(self) -> Iterator[tuple[ast.expr, _Context]]:
        waiting: list[tuple[ast.AST, tuple[ast.AST, ...]]] = [(self._tree, ())]
        while waiting:
            node, around = waiting.pop()
            if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str)):
                if not isinstance(around[0], ast.Expr):
                    yield node, _Context(around)
            else:
                waiting += [(child, (node, *around)) for child in reversed(list(ast.iter_child_nodes(node)))]

    def text(self, node: ast.expr, context: _Context) -> str:
        """Return a text with its NAMES marked."""
        if isinstance(node, ast.JoinedStr):
            return "".join(self.text(part, context) for part in node.values)
        if isinstance(node, ast.FormattedValue):
            constant = self._constant(node.value, context)
            return _mark(_name_of(node.value)) if constant is None else constant
        text = str(node.value) if isinstance(node, ast.Constant) else ""
        for call in context.around[:1]:
            if isinstance(call, ast.Call) and _last_name(call.func) in _LOGGED:
                for argument in call.args[1:]:
                    text = re.sub("%[ds]", _mark(_name_of(argument)), text, count=1)
        return text

    def _constant(self, value: ast.expr, context: _Context) -> str | None:
        """Return what an expression says that depends on nothing but the module's own names."""
        names = {node.id for node in ast.walk(value) if isinstance(node, ast.Name)}
        if names & context.bound or not names <= {*vars(self._module)}:
            return None
        said = eval(ast.unparse(value), vars(self._module))  # noqa: S307 - the project's own code
        return str(said) if isinstance(said, (str, int)) else None

    def with_what_is_caught(self, text: str, context: _Context) -> Iterator[str]:
        """Return the text; and, where it passes on what was caught, the text with each of what the module raises."""
        yield text
        caught = context.caught
        if caught is None or caught.name is None or _mark(caught.name) not in text:
            return
        for node, inner in self._texts():
            if "ValueError" in inner.names:
                yield text.replace(_mark(caught.name), self.text(node, inner))

    def with_what_is_given(self, text: str, context: _Context) -> Iterator[str]:
        """Return the text; or, where a function is told what its remedy is, the text for each call of that function."""
        function = context.function
        remedy = text[text.find(". ") :]
        told = function and any(_mark(parameter.arg) in remedy for parameter in function.args.args)
        given = list(_calls(self._path.parent, function)) if function and told else []
        for literals in given or [{}]:
            whole = text
            for parameter, literal in literals.items():
                whole = whole.replace(_mark(parameter), literal)
            yield whole


def _calls(folder: Path, function: ast.FunctionDef, seen: tuple[str, ...] = ()) -> Iterator[dict[str, str]]:
    """Return, for each call of a function in a folder's modules, the texts that it is given, by its parameters.

    What a caller only passes on is what that caller is given.
    """
    seen = (*seen, function.name)
    parameters = [parameter.arg for parameter in function.args.args]
    for caller, call in _all_calls(folder):
        if _last_name(call.func) != function.name or (caller and caller.name in seen):
            continue
        given = dict(zip(parameters, call.args, strict=False))
        given |= {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
        constants = [(name, each.value) for name, each in given.items() if isinstance(each, ast.Constant)]
        literals = {name: text for name, text in constants if isinstance(text, str)}
        own = {parameter.arg for parameter in caller.args.args} if caller else set()
        passed = {name: each.id for name, each in given.items() if isinstance(each, ast.Name) and each.id in own}
        further = list(_calls(folder, caller, seen)) if caller and passed else []
        for outer in further or [{}]:
            yield literals | {name: outer[outer_name] for name, outer_name in passed.items() if outer_name in outer}


@cache
def _all_calls(folder: Path) -> tuple[tuple[ast.FunctionDef | None, ast.Call], ...]:
    """Return every call in a folder's modules, and the function that it is in."""
    found: list[tuple[ast.FunctionDef | None, ast.Call]] = []
    waiting: list[tuple[ast.AST, ast.FunctionDef | None]] = [
        (ast.parse(path.read_text()), None) for path in sorted(folder.glob("*.py"), reverse=True)
    ]
    while waiting:
        node, function = waiting.pop()
        if isinstance(node, ast.Call):
            found.append((function, node))
        function = node if isinstance(node, ast.FunctionDef) else function
        waiting += [(child, function) for child in reversed(list(ast.iter_child_nodes(node)))]
    return tuple(found)


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _name_of(value: ast.expr) -> str:
    """Return what to call a value: the name that the code has for it."""
    if isinstance(value, ast.Name):
        return value.id
    if isinstance(value, ast.Attribute):
        return _name_of_attribute(value)
    if isinstance(value, ast.Call):
        # What a function shows is called after what it is given: shorten(str(name)), ", ".join(names), repr(value).
        named = _last_name(value.func)
        if named == "removeprefix" and isinstance(value.func, ast.Attribute):
            return f"{_name_of(value.func.value)}_without_{ast.literal_eval(value.args[0])}"
        if named == "len":
            return _NUMBER
        known = named in ("shorten", "str", "repr", "join", "_listed", "type")
        return _name_of(value.args[0]) if known else named
    if isinstance(value, ast.BinOp):
        return _NUMBER
    return "value"


def _name_of_attribute(value: ast.Attribute) -> str:
    owner = _name_of(value.value)
    if value.attr in ("node", "path", "__name__"):
        return "path" if owner == "self" else owner
    return value.attr if owner in ("self", "stack") else f"{owner}_{value.attr}"


def by_group() -> Mapping[str, tuple[Message, ...]]:
    """Return the messages of each group."""
    groups: dict[str, list[Message]] = {}
    for message in collect():
        groups.setdefault(message.group, []).append(message)
    return {group: tuple(those) for group, those in groups.items()}
