"""Rules at places: in the branches of a choice, in loops and beyond assumptions more is known than the graph says.

Comes in: rules; goes out: the same rules, which also fire where only that licenses them.

    where(x > 0, f(x), y)      in f(x), and only there, x is positive: elements that are not taken are thrown away
    a loop or a branch         what its inner graph is given has the ranges of the operands, from step to step
    log(assume(x > 0))         an assumption hides no form: rules look at log(x) too
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence, Set as AbstractSet
from typing import Any

from graphc.interpret.ranges import Branch, Place, beyond, places_inside, questions
from graphc.ir.knowledge import knowing, present
from graphc.ir.node import Node, everywhere, make
from graphc.ir.rewrite import Firing, current_trace
from graphc.ir.rule import Rewrite, Rewriter, RuleSet
from graphc.ir.source import at
from graphc.ops.assume import Assume
from graphc.ops.logic import Where

MOST_IN_BRANCH = 32  # nodes of a branch that are looked at
MOST_BRANCHES = 64, 0.1  # that are looked into in one run, and how many more for each node: it stays linear
MOST_NESTED = 4  # choices in each other
MOST_REMOTE = 2000
MOST_BEYOND = 24  # as far as the form of a rule may reach


class RulesAtPlaces(RuleSet):
    """Rules that know what holds at the place where they may fire."""

    def begin(self, roots: Iterable[Node]) -> RuleSet:
        return _Run(self, roots)


class _Run(RuleSet):
    """Rules for one run: they note where more knowledge would help."""

    def __init__(self, rules: RuleSet, roots: Iterable[Node]) -> None:
        super().__init__(rules.name, rules)
        self._by_op = rules._by_op  # which rules are for which op is found out once
        self.open: dict[Node, Sequence[Node]] = {}  # where rules asked for ranges and did not fire, and of which nodes
        self.settled: set[tuple[Any, int]] = set()  # conditions, and nodes of which no rule makes anything there, by id
        nodes = list(everywhere(roots))
        self.assumes = any(isinstance(node.op, Assume) for node in nodes)
        few, each = MOST_BRANCHES
        self.branches_left = few + int(each * len(nodes))

    def fire(self, node: Node) -> tuple[Rewrite, Node] | None:
        with questions() as asked:
            fired = super().fire(node)
        if fired is not None:
            return fired
        if asked:
            self.open[node] = asked
        if isinstance(node.op, Where):
            found = self._in_branches(node)
            return None if found is None else (IN_BRANCH, found)
        return self._beyond_assumptions(node) if self.assumes else None

    def known_inside(self, node: Node) -> tuple[Any, ...]:
        return places_inside(node)

    def _in_branches(
        self, node: Node, around: tuple[Branch, ...] = (), among: AbstractSet[Node] | None = None
    ) -> Node | None:
        """A choice with a branch in which a rule fired; around it are the branches of others."""
        condition, *branches = node.args
        for number, root in enumerate(branches):
            holds = (*(branch.key for branch in around), (id(condition), number == 0))
            near = [v for v in _below(root, MOST_IN_BRANCH) if v in self.open and (among is None or v in among)]
            waiting = [v for v in near if (holds, id(v)) not in self.settled]
            if not waiting:
                continue
            inside = (*around, Branch(condition, number == 0, place_of(around, each=True)))
            new = self._in_branch(root, waiting, inside)
            if new is None:
                self.settled.update((holds, id(v)) for v in waiting)
            else:
                branches[number] = new
                with at(node.source):
                    return make(node.op, condition, *branches)
        return None

    def _in_branch(self, root: Node, waiting: Sequence[Node], inside: tuple[Branch, ...]) -> Node | None:
        """A branch after a rule fired in it, by what is known of all elements, of each alone, or in choices in it."""
        if self.branches_left == 0:
            return None
        self.branches_left -= 1
        hopeful: set[Node] = set()
        for each, reach in ((False, _any), (True, _elementwise)):
            if not inside[-1].knows(each=each):
                continue
            place = place_of(inside, each=each)
            helped = {v for v in waiting if any(map(place.knows_more, self.open[v]))}
            hopeful |= helped
            for node in reversed(_below(root, MOST_IN_BRANCH, reach)) if helped else ():
                new = self._fire_in_branch(inside, node, each=each) if node in helped else None
                if new is not None:
                    return _replaced(root, {node: new}, reach)
        if hopeful and len(inside) < MOST_NESTED:
            for node in _below(root, MOST_IN_BRANCH, _up_to_choices):
                new = self._in_branches(node, inside, hopeful) if isinstance(node.op, Where) else None
                if new is not None:
                    return _replaced(root, {node: new}, _elementwise)
        return None

    def _fire_in_branch(self, inside: tuple[Branch, ...], node: Node, *, each: bool) -> Node | None:
        """What a rule makes of a node in branches."""
        place = place_of(inside, each=each)
        with knowing(place), at(node.source), questions():
            if super().fire(node) is None:
                return None
        if each:  # what the rule looked at may be met in other ways, too
            remote = _remote(node)
            if remote is None:
                return None
            place = place_of(inside, each=True, remote=remote)
        return self._fire_at(place, node)

    def _beyond_assumptions(self, node: Node) -> tuple[Rewrite, Node] | None:
        """What rules make of a node whose operands are assumptions of something that has a form."""
        found = [x for x in _below(node, MOST_BEYOND) if isinstance(x.op, Assume) and x.args[1].args and x is not node]
        if not found:
            return None
        bare = _replaced(node, {x: x.args[1] for x in found})
        new = self._fire_at(beyond(found, present()), bare)
        return None if new is None else (BEYOND_ASSUMPTION, new)

    def _fire_at(self, place: Place, node: Node) -> Node | None:
        trace = current_trace()
        with knowing(place), at(node.source), questions():
            fired = super().fire(node)
            if fired is None or not trace.spend():
                return None
            rule, new = fired
            trace.firings.append(Firing(rule, node, new, trace.stage))
        return new


def place_of(inside: Sequence[Branch], *, each: bool, remote: AbstractSet[Node] = frozenset()) -> Any:
    """The place inside of branches, each in the one before."""
    place = present()
    for branch in inside:
        place = branch.of_all(place)
        place = branch.of_each(place, remote) if each else place
    return place


def _any(node: Node) -> bool:
    return True


def _elementwise(node: Node) -> bool:
    return node.op.elementwise


def _up_to_choices(node: Node) -> bool:
    return node.op.elementwise and not isinstance(node.op, Where)


def _below(root: Node, most: int, reach: Callable[[Node], bool] = _any) -> list[Node]:
    """The nodes that a walk meets first, the root before its operands; only operands of nodes within reach."""
    found = {root: None}
    for node in (order := [root]):  # grows
        if len(order) < most and reach(node):
            new = [arg for arg in node.args if arg not in found]
            found.update(dict.fromkeys(new))
            order.extend(dict.fromkeys(new))
    return order


def _remote(node: Node) -> frozenset[Node] | None:
    """What is met below a node by other ways than element by element; None if that is too much."""
    near = _below(node, MOST_REMOTE, _elementwise)
    others = {arg: None for x in near if not x.op.elementwise for arg in x.args}
    order = list(others)
    for x in order:  # grows
        new = dict.fromkeys(arg for arg in x.args if arg not in others)
        others.update(new)
        order.extend(new)
        if len(order) > MOST_REMOTE:
            return None
    return frozenset(order) if len(near) < MOST_REMOTE else None


def _replaced(root: Node, others: dict[Node, Node], reach: Callable[[Node], bool] = _any) -> Node:
    """The root with nodes replaced that are near below it."""
    new = dict(others)
    stack = [root]
    near = set(_below(root, MOST_IN_BRANCH, reach))
    while stack:
        node = stack[-1]
        if node in new:
            stack.pop()
        elif pending := [arg for arg in node.args if arg in near and arg not in new] if reach(node) else []:
            stack.extend(pending)
        else:
            args = tuple(new.get(arg, arg) for arg in node.args) if reach(node) else node.args
            same = all(a is b for a, b in zip(args, node.args, strict=True))
            with at(node.source):
                new[node] = node if same else make(node.op, *args)
    return new[root]


def _never(node: Node) -> Node | None:
    return None


def _event(name: str, reason: str) -> Rewriter:
    return Rewriter(name, "exact", "", reason, "tested: it is another rule that fires", ("op",), _never)


IN_BRANCH = _event("in_branch", "Elements that are not taken are thrown away, so the condition holds in a branch.")
BEYOND_ASSUMPTION = _event("beyond_assumption", "An assumption is its operand.")
