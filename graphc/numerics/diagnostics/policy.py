"""What a compilation does about diagnostics: the option `diagnostics=` goes in, warnings and errors come out.

"warn"                                     warn of all that remains
"all"                                      and of what was repaired
"error"                                    fail for what remains
{"overflow": "error", "hack": "warn"}      for these kinds alone
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping

from graphc.errors import GraphError, NumericalError, NumericalWarning
from graphc.numerics.diagnostics.diagnose import Diagnostic
from graphc.numerics.diagnostics.finding import KINDS

ACTIONS = ("ignore", "warn", "all", "error")
Policy = Mapping[str, str]
"""What is done about each kind; nothing about those that are missing."""


def parse_policy(option: str | Mapping[str, str] | None) -> Policy:
    """What the option asks for. Raises GraphError for an action or a kind that does not exist."""
    if option is None:
        return {}
    actions = dict.fromkeys(KINDS, option) if isinstance(option, str) else option
    if not isinstance(actions, Mapping):
        raise GraphError(f"diagnostics={option!r:.80} says nothing", help=_HELP)
    for kind, action in actions.items():
        if kind not in KINDS:
            raise GraphError(f"there is no kind of diagnostics {kind!r:.80}", help=f"one of {', '.join(KINDS)}")
        if action not in ACTIONS:
            raise GraphError(f"there is no action {action!r:.80} for diagnostics", help=_HELP)
    return {kind: action for kind, action in actions.items() if action != "ignore"}


_HELP = f"one of {', '.join(map(repr, ACTIONS))}, None, or a dict from kinds to these"


def act(policy: Policy, diagnostics: Iterable[Diagnostic]) -> None:
    """Warn at the user's lines; then raise NumericalError if that is asked for anything that remains."""
    errors = []
    for each in diagnostics:
        action = policy.get(each.kind)
        if action == "error" and each.remains:
            errors.append(each)
        elif action == "all" or (action == "warn" and each.remains):
            source = each.source
            file, line = (source.file, source.line) if source is not None else ("<graph>", 0)
            warnings.warn_explicit(each.message, NumericalWarning, file, line)
    if errors:
        first = errors[0]
        others = [f"{each.kind}: {each.text}   {each.place}".rstrip() for each in errors[1:]]
        raise NumericalError(
            f"{first.kind}: {first.text}",
            details=[*first.details, *(f"and {other}" for other in others)],
            help=first.remedy or None,
        )
