"""Support: what values data can take; Transform: raw values to the floats that a model takes, and back."""

import re
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from vaekit.data.file_reading import blocks
from vaekit.errors import ConfigError, DataError, suggest

# What data of each kind may be shown as, best first: later kinds contain the earlier ones, once integers are scaled.
_SHOWN_AS = {
    "binary": ("binary", "unit", "real"),
    "unit": ("unit", "real"),
    "integers": ("integers", "unit", "real"),
    "real": ("real",),
}


@dataclass(frozen=True)
class Transform:
    """Raw values to the floats that the model takes, and back.

    `kind` is the support that the model sees, `divisor` what raw values are divided by. Works on numpy arrays
    and torch tensors alike.

    >>> Support("integers", 256).transform(("unit",)).forward(np.array([0.0, 255.0]))
    array([0., 1.])
    """

    kind: str
    divisor: float = 1.0

    def forward(self, x: Any, dtype: Any = None) -> Any:
        """x / divisor, cast to `dtype` first where one is given; x itself where there is nothing to do."""
        if dtype is not None:
            x = x.to(dtype) if hasattr(x, "to") else x.astype(dtype, copy=False)
        return x if self.divisor == 1 else x / self.divisor

    def inverse(self, x: Any) -> Any:
        """x * divisor; x itself where the divisor is 1."""
        return x if self.divisor == 1 else x * self.divisor


@dataclass(frozen=True)
class Support:
    """What values the data can take: 0 and 1, the unit interval, whole numbers 0..levels-1, or any finite number.

    Raises `ConfigError` for an unknown kind, or for levels that do not belong to the kind.

    >>> str(Support.parse("integers:17"))
    'integers:17'
    """

    kind: Literal["binary", "unit", "integers", "real"]
    levels: int = 0

    def __post_init__(self):
        if self.kind not in _SHOWN_AS:
            raise ConfigError(
                f"unknown support {self.kind!r}: {suggest(str(self.kind), _SHOWN_AS)}"
            )
        if self.kind == "integers" and self.levels < 2:
            raise ConfigError(
                "support 'integers' needs its number of levels, 2 or more: write integers:256"
            )
        if self.kind != "integers" and self.levels:
            raise ConfigError(
                f"support {self.kind!r} has no levels: write {self.kind}, or integers:{self.levels}"
            )

    def __str__(self) -> str:
        return f"{self.kind}:{self.levels}" if self.levels else self.kind

    @classmethod
    def parse(cls, text: str) -> "Support":
        """The support written as `binary`, `unit`, `integers:L` or `real`; anything else is a `ConfigError`."""
        kind, colon, levels = text.partition(":")
        if colon and not re.fullmatch("[0-9]{1,9}", levels):
            raise ConfigError(
                f"support {text!r}: what follows the colon is the number of levels, as in integers:256"
            )
        return cls(kind, int(levels or 0))  # type: ignore[arg-type]

    @classmethod
    def of(cls, x: np.ndarray) -> "Support":
        """The support that values have unless said otherwise.

        bool is binary, uint8 is integers:256, floats that all lie within [0, 1] are unit, everything else is real.
        """
        if x.dtype == bool:
            return cls("binary")
        if x.dtype == np.uint8:
            return cls("integers", 256)
        unit = x.dtype.kind == "f" and all(
            ((block >= 0) & (block <= 1)).all() for _, block in blocks(x)
        )
        return cls("unit" if unit else "real")

    def check(self, x: np.ndarray, where: str) -> None:
        """Raise `DataError` naming `where`, the first row with a value outside the support, and the remedy."""
        if self._holds_every(x.dtype):
            return
        for start, block in blocks(x):
            inside = self._contains(block)
            if not inside.all():
                at = np.unravel_index(np.argmin(inside), block.shape)
                raise DataError(
                    f"{where}: row {start + int(at[0])} holds {block[at]}, {self._remedy(block[at])}"
                )

    def transform(self, accepts: tuple[str, ...]) -> Transform:
        """How data of this support are shown to a model that `accepts` these kinds; `DataError` where none fits.

        Integers are divided by levels - 1, so that nets always see the unit interval; what lies within it counts as real
        only where real is accepted and unit is not.
        """
        for kind in _SHOWN_AS[self.kind]:
            if kind in accepts:
                return Transform(kind, float(self.levels - 1) if self.kind == "integers" else 1.0)
        raise DataError(
            f"the data are {self}, the model accepts {' or '.join(accepts)}: "
            "choose another likelihood, or rescale the data and declare their support (--support)"
        )

    def _holds_every(self, dtype: np.dtype) -> bool:
        """Whether no value of `dtype` can lie outside, so that there is nothing to scan."""
        if dtype.kind == "b" or self.kind == "real":
            return dtype.kind in "biu"
        return self.kind == "integers" and dtype.kind == "u" and np.iinfo(dtype).max < self.levels

    def _contains(self, x: np.ndarray) -> np.ndarray:
        if self.kind == "real":
            return np.isfinite(x)
        if self.kind == "binary":
            return (x == 0) | (x == 1)
        if self.kind == "unit":
            return (x >= 0) & (x <= 1)
        whole = True if x.dtype.kind in "iu" else x == np.floor(x)
        return (x >= 0) & (x < self.levels) & whole

    def _remedy(self, value: np.generic) -> str:
        if not np.isfinite(value):
            return "every value must be a finite number: repair or leave out such rows"
        allowed = {"binary": "0 and 1", "unit": "numbers from 0 to 1"}
        return (
            f"{self} data are {allowed.get(self.kind, f'whole numbers from 0 to {self.levels - 1}')}: "
            "rescale the rows, or train with another support (--support real)"
        )
