"""Support: the values that data can take; Transform: raw values to model inputs and back."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from vaekit.data.file_reading import blocks
from vaekit.errors import ConfigError, DataError

KINDS_BY_PREFERENCE = {
    "binary": ("binary", "unit", "real"),
    "unit": ("unit", "real"),
    "integers": ("integers", "unit", "real"),
    "real": ("real",),
}
"""The kinds of support that data of each kind can be presented as to a model, best first: later
kinds contain the earlier ones once integers are scaled."""

MAX_REAL = 1.8e19
"""The largest number whose square, which losses compute, is finite in float32."""

VALUES = {"binary": "0 or 1", "unit": "numbers from 0 to 1", "real": "finite numbers"}


@dataclass(frozen=True)
class Transform:
    """A linear map from raw values to model inputs, for NumPy arrays and PyTorch tensors.

    Args:
        kind: The kind of support that the model inputs have.
        divisor: Raw values are divided by it.

    >>> import numpy as np
    >>> Support("integers", 256).transform(("unit",)).forward(np.array([0.0, 255.0]))
    array([0., 1.])
    """

    kind: str
    divisor: float = 1.0

    def forward(self, x: Any, dtype: Any = None) -> Any:
        """Raw values to model inputs.

        Args:
            x: Array or tensor of any shape.
            dtype: Type to cast to before the division; default the type of x.

        Returns:
            x / divisor; x itself if nothing changes.
        """
        if dtype is not None:
            x = x.to(dtype) if hasattr(x, "to") else x.astype(dtype, copy=False)
        return x if self.divisor == 1 else x / self.divisor

    def inverse(self, x: Any) -> Any:
        """Model inputs to raw values.

        Args:
            x: Array or tensor of any shape.

        Returns:
            x * divisor; x itself if the divisor is 1.
        """
        return x if self.divisor == 1 else x * self.divisor


def _are_within(x: np.ndarray, largest: int) -> bool:
    """Whether all values lie between 0 and a largest value."""
    return all(bool(((block >= 0) & (block <= largest)).all()) for _, block in blocks(x))


@dataclass(frozen=True)
class Support:
    """The values that data can take.

    Args:
        kind: `binary` (0 and 1), `unit` (the interval from 0 to 1), `integers` (0 to levels - 1)
            or `real` (any finite number).
        levels: The number of levels of `integers`, at least 2; 0 for other kinds.

    Raises:
        ConfigError: The kind is unknown, or the levels do not belong to it.

    >>> Support.parse("integers:17")
    Support(kind='integers', levels=17)
    >>> str(Support("integers", 17))
    'integers:17'
    """

    kind: Literal["binary", "unit", "integers", "real"]
    levels: int = 0

    def __post_init__(self):
        if self.kind not in KINDS_BY_PREFERENCE:
            raise ConfigError.unknown(
                "support", self.kind, KINDS_BY_PREFERENCE, parameter="support"
            )
        if self.kind == "integers" and self.levels < 2:
            raise ConfigError.for_value(
                "support",
                self.levels,
                "at least 2",
                problem="wrong number of levels of the support 'integers'",
                fix="Write it as in integers:256",
            )
        if self.kind != "integers" and self.levels:
            raise ConfigError(
                f"the support {self.kind!r} has no levels: got {self.levels}. "
                f"Write {self.kind}, or integers:{self.levels}.",
                parameter="support",
            )

    def __str__(self) -> str:
        return f"{self.kind}:{self.levels}" if self.levels else self.kind

    @classmethod
    def parse(cls, text: str) -> "Support":
        """Read a support from text.

        Args:
            text: `binary`, `unit`, `integers:L` or `real`.

        Returns:
            The support.

        Raises:
            ConfigError: Any other text.
        """
        kind, colon, levels = text.partition(":")
        if colon and not re.fullmatch("[0-9]{1,9}", levels):
            raise ConfigError.for_value(
                "support", text, "a number of levels after the colon, as in integers:256"
            )
        return cls(kind, int(levels or 0))  # type: ignore[arg-type]

    @classmethod
    def of(cls, x: np.ndarray) -> "Support":
        """The default support of an array.

        Args:
            x: Values of any shape.

        Returns:
            `binary` for bool, `integers:256` for uint8 and `integers:65536` for uint16. For images
            of other integers the smaller of these two that contains all values, else `real`; for
            vectors of other integers `real`: they are counts or codes as often as levels. `unit`
            for floats that all lie within [0, 1], else `real`.

        >>> Support.of(np.full((1, 1, 2, 2), 4095, np.int32)), Support.of(np.array([[4095]]))
        (Support(kind='integers', levels=65536), Support(kind='real', levels=0))
        """
        if x.dtype == bool:
            return cls("binary")
        if x.dtype in (np.uint8, np.uint16):
            return cls("integers", np.iinfo(x.dtype).max + 1)
        if x.dtype.kind == "f":
            return cls("unit" if _are_within(x, 1) else "real")
        if x.ndim > 2:
            for levels in (2**8, 2**16):
                if _are_within(x, levels - 1):
                    return cls("integers", levels)
        return cls("real")

    def check(self, x: np.ndarray, name: str, *, parameter: str | None = None) -> None:
        """Check that all values belong to the support.

        Args:
            x: Examples [N, ...].
            name: What the message calls them.
            parameter: The parameter that they were passed as.

        Raises:
            DataError: The first example with a value outside the support.
        """
        if self._contains_type(x.dtype):
            return
        for start, block in blocks(x):
            inside = self._contains(block)
            if not inside.all():
                at = np.unravel_index(np.argmin(inside), block.shape)
                message = self._outside(block[at])
                where = f"example {start + at[0]} of {name} ({value_position(at[1:])})"
                raise DataError(f"{where} {message}", parameter=parameter)

    def transform(self, accepts: tuple[str, ...]) -> Transform:
        """The transform from raw values of this support to inputs of a model.

        Integers are divided by levels - 1, so that nets see the unit interval. Values in the unit
        interval count as real only for a model that accepts real and not unit.

        Args:
            accepts: The kinds of support that the model accepts.

        Returns:
            The transform to the best kind.

        Raises:
            DataError: The model accepts none of the kinds that fit.
        """
        for kind in KINDS_BY_PREFERENCE[self.kind]:
            if kind in accepts:
                return Transform(kind, float(self.levels - 1) if self.kind == "integers" else 1.0)
        raise DataError(
            f"the data do not suit the likelihood: got the support {self}, "
            f"expected {' or '.join(accepts)}. "
            "Choose another likelihood, or rescale the data and declare their support.",
            parameter="support",
        )

    def _contains_type(self, dtype: np.dtype) -> bool:
        """Whether every value of a type belongs to the support, so that no value is checked."""
        if dtype.kind == "b" or self.kind == "real":
            return dtype.kind in "biu"
        return self.kind == "integers" and dtype.kind == "u" and np.iinfo(dtype).max < self.levels

    def _contains(self, x: np.ndarray) -> np.ndarray:
        if self.kind == "real":
            return _are_real(x)
        if self.kind == "binary":
            return (x == 0) | (x == 1)
        if self.kind == "unit":
            return (x >= 0) & (x <= 1)
        is_whole = True if x.dtype.kind in "iu" else x == np.floor(x)
        return (x >= 0) & (x < self.levels) & is_whole

    def _outside(self, value: np.generic) -> str:
        """The second half of the message about a value outside the support."""
        if not np.isfinite(value):
            return (
                f"is not finite: got {value}, expected finite numbers. "
                "Repair or remove such examples."
            )
        if self.kind == "real":
            return (
                f"is too large: got {value}, expected at most {MAX_REAL:.2g} in size, "
                "so that its square is finite in float32. Rescale the values."
            )
        expected = VALUES.get(self.kind, f"whole numbers from 0 to {self.levels - 1}")
        return (
            f"is outside the support {self}: got {value}, expected {expected}. "
            "Rescale the values, or declare another support."
        )


def _are_real(x: np.ndarray) -> np.ndarray:
    """Whether values are finite and not too large; half precision has no number that is."""
    if x.dtype.kind == "f" and x.dtype.itemsize < 4:
        return np.isfinite(x)
    return (x >= -MAX_REAL) & (x <= MAX_REAL)


def value_position(at: Sequence[Any]) -> str:
    """The position of a value within an example, from 0.

    >>> value_position([2]), value_position([0, 5, 7])
    ('column 2', 'channel 0, row 5, column 7')
    """
    names = ("channel", "row", "column")[-len(at) :]
    return ", ".join(f"{name} {index}" for name, index in zip(names, at, strict=True))
