"""Writes filters as people would: parsing the text again gives the same filter."""

from __future__ import annotations

from tidemill.board.filters.models import (
    And,
    Comparison,
    Filter,
    Node,
    Not,
    Or,
    Order,
    Span,
    Text,
    Word,
)


def printed(wanted: Filter) -> str:
    """Return the text of a filter; the empty one is empty."""
    parts = [_node(wanted.condition)] if wanted.condition is not None else []
    if wanted.order is not None:
        # The order belongs to the whole, not to the last of its alternatives.
        if isinstance(wanted.condition, Or):
            parts = [f"({parts[0]})"]
        parts.append(f"sort:{_order(wanted.order)}")
    return " ".join(parts)


def _node(node: Node) -> str:
    match node:
        case Or():
            return " OR ".join(_inside(term, Or) for term in node.terms)
        case And():
            return " ".join(_inside(term, And, Or) for term in node.terms)
        case Not():
            return f"-{_inside(node.term, And, Or, Not)}"
        case Text():
            return _word(node.word)
        case Comparison():
            return f"{node.field.text}{node.operator}{','.join(map(_value, node.values))}"


def _inside(node: Node, *needs_parentheses: type) -> str:
    text = _node(node)
    return f"({text})" if isinstance(node, needs_parentheses) else text


def _value(value: Word | Span) -> str:
    if isinstance(value, Word):
        return _word(value)
    low = value.low.text if value.low else ""
    high = value.high.text if value.high else ""
    return f"{low}..{high}"


def _word(word: Word) -> str:
    if not word.is_quoted:
        return word.text
    escaped = word.text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _order(order: Order) -> str:
    return f"-{order.name.text}" if order.is_descending else order.name.text
