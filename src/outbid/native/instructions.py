"""Operations as LLVM instructions on vectors of rows: arithmetic by the processor, exponentials by polynomials.

The exponential and logarithm follow Cody and Waite (1980) and fdlibm (Sun Microsystems, 1993), to about one unit in the
last place; what is seldom needed is called number by number from SciPy or the C library.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence

# NaN and infinities keep their meaning; products may be fused with sums.
_FLAGS = "contract"
_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
_SHIFT = 6755399441055744.0  # 1.5 * 2**52: adding it leaves a whole number in the last bits
_LOG = (
    *(1.479819860511658591e-01, 1.531383769920937332e-01, 1.818357216161805012e-01, 2.222219843214978396e-01),
    *(2.857142874366239149e-01, 3.999999999940941908e-01, 6.666666666666735130e-01),
)
_COMPARE = {"lt": "olt", "le": "ole", "gt": "ogt", "ge": "oge", "eq": "oeq", "ne": "une"}
_PLAIN = {"add": "fadd", "sub": "fsub", "mul": "fmul", "div": "fdiv"}
_VECTOR = {"sqrt": "sqrt", "abs": "fabs", "floor": "floor", "ceil": "ceil", "trunc": "trunc", "round": "rint"}
_LARGER = {"max": "maximum", "min": "minimum"}
# Called number by number, by the name under which the machine finds them.
CALLS = {
    **{name: name for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "asin", "acos", "atan", "asinh")},
    **{name: name for name in ("acosh", "atanh", "atan2", "cbrt", "pow", "erf", "erfc", "exp2", "lgamma")},
    **{
        "rem": "fmod",
        "digamma": "psi",
        "igamma": "gammainc",
        "igammac": "gammaincc",
        "ndtri": "ndtri",
        "erf_inv": "erfinv",
    },
}
# Functions of vectors that are written once and called.
SHARED = ("exp", "expm1", "log", "log1p")


class Writer:
    """Writes the instructions of one function on vectors of `lanes` numbers."""

    def __init__(self, lanes: int, inline: bool = False) -> None:
        self.lanes, self.inline = lanes, inline
        self.vector, self.truth, self.whole = f"<{lanes} x double>", f"<{lanes} x i1>", f"<{lanes} x i64>"
        self.lines: list[str] = []
        self.called: set[str] = set()
        self._number = 0

    def line(self, text: str) -> str:
        """Add an instruction; return the name of its result."""
        self._number += 1
        self.lines.append(f"  %v{self._number} = {text}")
        return f"%v{self._number}"

    def constant(self, value: float | bool) -> str:
        """Return a vector of one number or truth value."""
        if isinstance(value, bool):
            return f"splat (i1 {'true' if value else 'false'})"
        return f"splat (double 0x{struct.unpack('<Q', struct.pack('<d', value))[0]:016X})"

    def apply(self, operation: str, arguments: Sequence[str]) -> str:
        """Add an operation of the graph."""
        first = arguments[0]
        if operation in _PLAIN:
            return self._binary(_PLAIN[operation], *arguments)
        if operation in _COMPARE:
            return self._compare(_COMPARE[operation], *arguments)
        if operation in _VECTOR:
            return self._intrinsic(_VECTOR[operation], first)
        if operation in _LARGER:
            return self._intrinsic(_LARGER[operation], *arguments)
        if operation in SHARED and self.inline:
            return self.body(operation, first)
        if operation in SHARED:
            self.called.add(operation)
            return self.line(f"call {self.vector} @{operation}.v({self.vector} {first})")
        if operation in CALLS:
            return self._one_by_one(CALLS[operation], arguments)
        match operation:
            case "neg":
                return self.line(f"fneg {self.vector} {first}")
            case "not":
                return self.line(f"xor {self.truth} {first}, splat (i1 true)")
            case "and" | "or":
                return self.line(f"{operation} {self.truth} {first}, {arguments[1]}")
            case "logistic":
                down = self.apply("exp", [self.line(f"fneg {self.vector} {first}")])
                return self._binary(
                    "fdiv", self.constant(1.0), self._binary("fadd", self.constant(1.0), down)
                )
            case "sign":
                one = self._copysign(self.constant(1.0), first)
                return self.select(self._compare("one", first, self.constant(0.0)), one, first)
        raise AssertionError(operation)

    def select(self, which: str, yes: str, no: str, truths: bool = False) -> str:
        """Add a choice."""
        kind = self.truth if truths else self.vector
        return self.line(f"select {self.truth} {which}, {kind} {yes}, {kind} {no}")

    def body(self, operation: str, x: str) -> str:
        """Write one of the shared functions; return its result."""
        match operation:
            case "exp":
                return self._exp(x)
            case "expm1":
                return self._expm1(x)
            case "log":
                return self._log(x)
            case _:
                return self._log1p(x)

    def _binary(self, operation: str, one: str, two: str, flags: str = _FLAGS) -> str:
        return self.line(f"{operation} {flags} {self.vector} {one}, {two}")

    def _compare(self, how: str, one: str, two: str) -> str:
        return self.line(f"fcmp {how} {self.vector} {one}, {two}")

    def _intrinsic(self, name: str, *arguments: str) -> str:
        self.called.add(f"llvm.{name}/{len(arguments)}")
        given = ", ".join(f"{self.vector} {each}" for each in arguments)
        return self.line(f"call {self.vector} @llvm.{name}.v{self.lanes}f64({given})")

    def _copysign(self, size: str, sign: str) -> str:
        return self._intrinsic("copysign", size, sign)

    def _fused(self, one: str, two: str, three: str) -> str:
        return self._intrinsic("fma", one, two, three)

    def _one_by_one(self, name: str, arguments: Sequence[str]) -> str:
        self.called.add(f"{name}/{len(arguments)}")
        found = "undef"
        for lane in range(self.lanes):
            own = [self.line(f"extractelement {self.vector} {each}, i32 {lane}") for each in arguments]
            value = self.line(f"call double @{name}({', '.join(f'double {each}' for each in own)})")
            found = self.line(f"insertelement {self.vector} {found}, double {value}, i32 {lane}")
        return found

    def _polynomial(self, x: str, coefficients: Sequence[float]) -> str:
        found = self.constant(coefficients[0])
        for each in coefficients[1:]:
            found = self._fused(found, x, self.constant(each))
        return found

    def _reduced(self, x: str) -> tuple[str, str]:
        """Return 2**n and expm1(r) of x = n log 2 + r, x held to where 2**n is a normal number."""
        held = self._intrinsic("minnum", x, self.constant(709.0))
        held = self._intrinsic("maxnum", held, self.constant(-708.0))
        n = self._intrinsic("rint", self._binary("fmul", held, self.constant(1.0 / math.log(2.0))))
        r = self._fused(n, self.constant(-_LN2_HIGH), held)
        r = self._fused(n, self.constant(-_LN2_LOW), r)
        rest = self._polynomial(r, [1.0 / math.factorial(k) for k in range(13, 1, -1)])
        small = self._fused(self._binary("fmul", r, r), rest, r)
        bits = self.line(
            f"bitcast {self.vector} {self._binary('fadd', n, self.constant(_SHIFT + 1023.0), '')} to {self.whole}"
        )
        power = self.line(
            f"bitcast {self.whole} {self.line(f'shl {self.whole} {bits}, splat (i64 52)')} to {self.vector}"
        )
        return power, small

    def _beyond(self, x: str, found: str, low: float) -> str:
        """Return what an exponential is, where x may be no number, or too large or small for one."""
        found = self.select(self._compare("ogt", x, self.constant(709.0)), self.constant(math.inf), found)
        found = self.select(self._compare("olt", x, self.constant(-708.0)), self.constant(low), found)
        return self.select(self._compare("uno", x, x), x, found)

    def _exp(self, x: str) -> str:
        power, small = self._reduced(x)
        return self._beyond(x, self._fused(power, small, power), 0.0)

    def _expm1(self, x: str) -> str:
        power, small = self._reduced(x)
        found = self._fused(power, small, self._binary("fsub", power, self.constant(1.0)))
        tiny = self._compare("olt", self._intrinsic("fabs", x), self.constant(1e-300))
        return self.select(tiny, x, self._beyond(x, found, -1.0))

    def _log(self, x: str) -> str:
        # numbers too small to be normal are first made larger
        small = self._compare("olt", x, self.constant(2.2250738585072014e-308))
        scaled = self.select(small, self._binary("fmul", x, self.constant(2.0**54), ""), x)
        bits = self.line(f"bitcast {self.vector} {scaled} to {self.whole}")
        shifted = self.line(f"sub {self.whole} {bits}, splat (i64 {0x3FE6A09E00000000})")
        exponent = self.line(f"ashr {self.whole} {shifted}, splat (i64 52)")
        away = self.line(f"shl {self.whole} {exponent}, splat (i64 52)")
        rest = self.line(
            f"bitcast {self.whole} {self.line(f'sub {self.whole} {bits}, {away}')} to {self.vector}"
        )
        number = self.line(f"add {self.whole} {exponent}, splat (i64 {0x4338000000000000})")
        e = self._binary(
            "fsub", self.line(f"bitcast {self.whole} {number} to {self.vector}"), self.constant(_SHIFT), ""
        )
        e = self._binary("fsub", e, self.select(small, self.constant(54.0), self.constant(0.0)), "")
        f = self._binary("fsub", rest, self.constant(1.0), "")
        s = self._binary("fdiv", f, self._binary("fadd", f, self.constant(2.0), ""), "")
        z = self._binary("fmul", s, s, "")
        tail = self._binary("fmul", z, self._polynomial(z, _LOG), "")
        half = self._binary("fmul", self.constant(0.5), self._binary("fmul", f, f, ""), "")
        inner = self._binary("fmul", s, self._binary("fadd", half, tail, ""), "")
        inner = self._fused(e, self.constant(_LN2_LOW), inner)
        found = self._binary("fsub", f, self._binary("fsub", half, inner, ""), "")
        found = self._fused(e, self.constant(_LN2_HIGH), found)
        found = self.select(self._compare("oeq", x, self.constant(math.inf)), x, found)
        found = self.select(self._compare("oeq", x, self.constant(0.0)), self.constant(-math.inf), found)
        return self.select(self._compare("ult", x, self.constant(0.0)), self.constant(math.nan), found)

    def _log1p(self, x: str) -> str:
        # what rounding took from 1 + x is put back to first order
        whole = self._binary("fadd", self.constant(1.0), x, "")
        lost = self._binary("fsub", x, self._binary("fsub", whole, self.constant(1.0), ""), "")
        more = self._binary("fdiv", lost, whole, "")
        more = self.select(self._compare("ord", more, more), more, self.constant(0.0))
        found = self._binary("fadd", self._log(whole), more, "")
        return self.select(self._compare("olt", self._intrinsic("fabs", x), self.constant(1e-17)), x, found)
