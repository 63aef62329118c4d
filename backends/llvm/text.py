"""Text of LLVM IR: instructions go in one by one, in order; modules and functions come out as strings.

    module = Module(machine)
    function = Function(module)
    total = function.register("add i64 %a, %b")
    module.define("f", "void @f(i64 %a, i64 %b)", function)

Text is several times quicker to make than objects for instructions, and it is what a reader wants to see.
"""

from collections.abc import Callable, Sequence

from graphc.backends.llvm.machine import Machine


class Module:
    """Declarations, constants and functions, each once, in order of first use."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._declarations: dict[str, None] = {}
        self._definitions: dict[str, str] = {}

    def declare(self, signature: str) -> None:
        """Say that a function exists elsewhere: `float @llvm.fabs.f32(float)`."""
        self._declarations[f"declare {signature}"] = None

    def has(self, name: str) -> bool:
        return name in self._definitions

    def define_constant(self, name: str, value: str) -> None:
        """A constant of the module: `[2 x i64] [i64 1, i64 2]`."""
        self._definitions[name] = f"@{name} = private unnamed_addr constant {value}\n"

    def define(self, name: str, signature: str, body: "Function", attributes: str = "") -> None:
        """A function, `internal void @f(ptr %p)`, from its finished body."""
        width = 8 * self.machine.vector_bytes
        wide = f'"prefer-vector-width"="{width}" "min-legal-vector-width"="{width}"'
        attributes = " ".join(filter(None, (attributes, "nounwind", wide)))
        self._definitions[name] = f"define {signature} {attributes} {{\n{body}\n}}\n"

    def __str__(self) -> str:
        return "\n".join([*self._declarations, "", *self._definitions.values()])


class Function:
    """The body of one function while it is written: a cursor that is always at the end of an open block.

    Names that it makes begin with a dot, so that they differ from those of parameters.
    """

    def __init__(self, module: Module) -> None:
        self.module = module
        self._block = ".entry"
        self._lines = [".entry:"]
        self._allocations: list[str] = []
        self._count = 0

    def line(self, instruction: str) -> None:
        self._lines.append(f"  {instruction}")

    def register(self, instruction: str) -> str:
        """Write an instruction that has a result; its register comes back."""
        name = self._fresh("%.")
        self.line(f"{name} = {instruction}")
        return name

    def allocate(self, type_text: str, initial: str) -> str:
        """Memory of this call, set once when it begins."""
        name = self._fresh("%.cell")
        self._allocations += [f"  {name} = alloca {type_text}", f"  store {type_text} {initial}, ptr {name}"]
        return name

    def when(self, condition: str, then: Callable[[], Sequence[str]], otherwise: Sequence[str],
             types: Sequence[str]) -> list[str]:  # fmt: skip
        """Run `then` if the condition (an i1) holds; the results are its values, or `otherwise`."""
        before, inside, after = self._block, self._fresh(".then"), self._fresh(".after")
        self.line(f"br i1 {condition}, label %{inside}, label %{after}")
        self._open(inside)
        values = then()
        end = self._block
        self._close(f"br label %{after}", after)
        return [
            self.register(f"phi {type_} [ {value}, %{end} ], [ {other}, %{before} ]")
            for type_, value, other in zip(types, values, otherwise)
        ]

    def return_if(self, condition: str, value: str) -> None:
        """Leave the function if the condition (an i1) holds."""
        inside, after = self._fresh(".leave"), self._fresh(".after")
        self.line(f"br i1 {condition}, label %{inside}, label %{after}")
        self._open(inside)
        self._close(f"ret {value}", after)

    def loop(
        self,
        start: str,
        end: str,
        step: int,
        carried: Sequence[tuple[str, str]],
        body: Callable[[str, list[str]], Sequence[str]],
    ) -> list[str]:
        """`for i in range(start, end, step)` over i64.

        `carried` gives (type, initial value) of what goes from one iteration to the next: `body` takes `i`
        and these values and returns the new ones. The values after the last iteration come back.
        """
        before, head, inside, after = self._block, *map(self._fresh, (".head", ".body", ".done"))
        self._close(f"br label %{head}", head)
        counter, following = self._fresh("%.i"), self._fresh("%.next")
        phis = [self._fresh("%.") for _ in carried]
        place = len(self._lines)
        more = self._fresh("%.")
        self.line(f"{more} = icmp slt i64 {counter}, {end}")
        self.line(f"br i1 {more}, label %{inside}, label %{after}")
        self._open(inside)
        values = body(counter, phis)
        self.line(f"{following} = add nsw i64 {counter}, {step}")
        last = self._block
        self._close(f"br label %{head}", after)
        self._lines[place:place] = [
            f"  {phi} = phi {type_} [ {initial}, %{before} ], [ {value}, %{last} ]"
            for phi, (type_, initial), value in zip([counter, *phis], [("i64", start), *carried], [following, *values])
        ]
        return phis

    def repeat(self, end: str, body: Callable[[str, str], None]) -> None:
        """`for i in range(end)` over i64: `body` takes `i` and the label that a jump leaves the loop by."""
        before, head, inside, after = self._block, *map(self._fresh, (".head", ".body", ".done"))
        self._close(f"br label %{head}", head)
        counter, following, more = self._fresh("%.i"), self._fresh("%.next"), self._fresh("%.")
        place = len(self._lines)
        self.line(f"{more} = icmp slt i64 {counter}, {end}")
        self.line(f"br i1 {more}, label %{inside}, label %{after}")
        self._open(inside)
        body(counter, after)
        self.line(f"{following} = add nsw i64 {counter}, 1")
        phi = f"  {counter} = phi i64 [ 0, %{before} ], [ {following}, %{self._block} ]"
        self._close(f"br label %{head}", after)
        self._lines.insert(place, phi)

    def jump_if(self, condition: str, label: str) -> None:
        """Go to a label if the condition (an i1) holds."""
        after = self._fresh(".after")
        self.line(f"br i1 {condition}, label %{label}, label %{after}")
        self._open(after)

    def __str__(self) -> str:
        return "\n".join([self._lines[0], *self._allocations, *self._lines[1:]])

    def _fresh(self, prefix: str) -> str:
        self._count += 1
        return f"{prefix}{self._count}"

    def _open(self, label: str) -> None:
        self._block = label
        self._lines.append(f"{label}:")

    def _close(self, branch: str, label: str) -> None:
        self.line(branch)
        self._open(label)
