"""Small faults to plant in a module: other comparisons, operators, constants, conditions and results."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

_COMPARISONS: dict[type, tuple[type, ...]] = {
    ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.LtE), ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,), ast.NotIn: (ast.In,),
}  # fmt: skip
_OPERATORS: dict[type, type] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv, ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
    ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip
_NOT_CODE = {"annotation", "returns", "decorator_list", "bases", "type_params"}


@dataclass(frozen=True)
class Mutant:
    """A module with one fault."""

    function: str
    line: int
    mutation: str
    source: str


@dataclass(frozen=True)
class _Site:
    """A place in the tree, and what may stand there instead."""

    function: str
    holder: ast.AST
    field: str
    index: int | None
    node: ast.AST
    other: ast.AST

    def put(self, node: ast.AST) -> None:
        if self.index is None:
            setattr(self.holder, self.field, node)
        else:
            getattr(self.holder, self.field)[self.index] = node


def mutants(source: str) -> list[Mutant]:
    """Every fault that can be planted in a module; messages, annotations and declarations are left alone."""
    tree, found = ast.parse(source), []
    for site in _sites(tree, ""):
        before = ast.unparse(site.node)
        site.put(site.other)
        text = f"{_short(before)} → {_short(ast.unparse(site.other))}"
        found.append(Mutant(site.function, site.node.lineno, text, ast.unparse(tree)))  # type: ignore[attr-defined]
        site.put(site.node)
    return found


def sample(source: str, name: str, count: int) -> list[Mutant]:
    """At most ``count`` of the mutants, by line: a choice by hash, which an edit elsewhere in the file leaves alone."""
    ranked, seen = [], dict[tuple[str, str], int]()
    for mutant in mutants(source):
        key = (mutant.function, mutant.mutation)
        seen[key] = seen.get(key, 0) + 1
        digest = hashlib.sha256(repr((name, *key, seen[key])).encode()).hexdigest()
        ranked.append((digest, mutant))
    return sorted((mutant for _, mutant in sorted(ranked, key=lambda entry: entry[0])[:count]), key=lambda m: m.line)


def _short(code: str, most: int = 70) -> str:
    line = " ".join(code.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def _sites(node: ast.AST, function: str) -> Iterator[_Site]:
    if isinstance(node, ast.Raise) or _is_log(node) or _is_protocol(node):
        return
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        function = f"{function}.{node.name}".lstrip(".")
    for field, value in ast.iter_fields(node):
        if field in _NOT_CODE:
            continue
        children = enumerate(value) if isinstance(value, list) else [(None, value)]
        for index, child in children:
            if isinstance(child, ast.AST):
                for other in _others(child, field):
                    yield _Site(function, node, field, index, child, other)
                yield from _sites(child, function)


def _is_log(node: ast.AST) -> bool:
    called = node.func if isinstance(node, ast.Call) else None
    return isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name) and called.value.id == "logger"


def _is_protocol(node: ast.AST) -> bool:
    return isinstance(node, ast.ClassDef) and any(isinstance(b, ast.Name) and b.id == "Protocol" for b in node.bases)


def _others(node: ast.AST, field: str) -> Iterator[ast.AST]:
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        for other in _COMPARISONS[type(node.ops[0])]:
            yield ast.Compare(node.left, [other()], node.comparators)
    elif isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        yield ast.BinOp(node.left, _OPERATORS[type(node.op)](), node.right)
    elif isinstance(node, ast.AugAssign) and type(node.op) in _OPERATORS:
        yield ast.AugAssign(node.target, _OPERATORS[type(node.op)](), node.value)
    elif isinstance(node, ast.BoolOp):
        yield ast.BoolOp(_OPERATORS[type(node.op)](), node.values)
    elif isinstance(node, ast.UnaryOp) and not isinstance(node.op, ast.UAdd):
        yield node.operand
    elif isinstance(node, ast.Constant) and isinstance(node.value, (bool, int, float)):
        yield ast.Constant(_another(node.value))
    elif isinstance(node, ast.Return) and node.value is not None:
        yield ast.Return(ast.Constant(None))
    if field == "test" and isinstance(node, (ast.Name, ast.Call, ast.Attribute, ast.BoolOp)):
        yield ast.UnaryOp(ast.Not(), node)


def _another(value: bool | float) -> bool | float:
    return not value if isinstance(value, bool) else value + 1
