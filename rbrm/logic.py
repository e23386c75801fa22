"""The formulas of a rubric: proposition names joined by `and`, `or`, `not` and parentheses.

A formula is parsed once with Python's own grammar and only those four forms are accepted, so a
rubric file can't run code.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass


class FormulaError(ValueError):
    """The formula is not one."""


@dataclass(frozen=True, slots=True)
class Formula:
    """A parsed formula."""

    source: str
    tree: ast.expr

    @classmethod
    def parse(cls, source: str) -> Formula:
        """Parse a formula.

        Raises:
            FormulaError: it holds something else than names, and, or, not, parentheses.
        """
        try:
            tree = ast.parse(source.strip(), mode="eval").body
        except SyntaxError as error:
            raise FormulaError(
                f"{source!r} is not a formula of and, or, not: {error.msg}"
            ) from error
        for node in ast.walk(tree):
            allowed = (ast.BoolOp, ast.UnaryOp, ast.Name, ast.And, ast.Or, ast.Not, ast.Load)
            if not isinstance(node, allowed):
                raise FormulaError(f"{source!r} may only hold names, and, or, not, parentheses")
        return cls(source, tree)

    @property
    def names(self) -> set[str]:
        """The propositions that it speaks of."""
        return {node.id for node in ast.walk(self.tree) if isinstance(node, ast.Name)}

    def holds(self, values: Mapping[str, bool]) -> bool:
        """Is it true of these propositions?"""
        return self._probability(self.tree, {name: float(v) for name, v in values.items()}) > 0.5

    def probability(self, values: Mapping[str, float]) -> float:
        """Its probability if the propositions were independent: `and` is a product."""
        return self._probability(self.tree, values)

    def _probability(self, node: ast.expr, values: Mapping[str, float]) -> float:
        if isinstance(node, ast.Name):
            return values[node.id]
        if isinstance(node, ast.UnaryOp):
            return 1 - self._probability(node.operand, values)
        assert isinstance(node, ast.BoolOp)
        product = 1.0
        is_and = isinstance(node.op, ast.And)
        for part in node.values:
            p = self._probability(part, values)
            product *= p if is_and else 1 - p
        return product if is_and else 1 - product
