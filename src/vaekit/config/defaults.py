"""Choices that depend on the data: recipe, likelihood and number of latent dimensions."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from vaekit.config.schema import Settings
from vaekit.core.components import PrincipalComponents

MAX_PLANE_SIDE = 32
"""Nearly binary gray images up to this size have two latent dimensions, which a plane shows."""
PLANE = 2
MAX_FALSE_VARIANCE = 0.55
"""Gray images are nearly binary if at most this share of a Bernoulli's variance is not theirs."""
MIN_DEVIATION = 0.05
"""Values in [0, 1] that vary less, such as 12 bits of 16, are standardized: five times the smallest
scale of a Gaussian likelihood."""
EXPLAINED = 0.8
"""Share of the variance that as many principal components as latent dimensions explain."""
MIN_IMAGE_LATENT = 32
MAX_IMAGE_LATENT = 128
MAX_VECTOR_LATENT = 32


@dataclass(frozen=True)
class DataProfile:
    """Properties of training data that defaults depend on.

    Attributes:
        shape: Shape of one example.
        support: Kind of support of the values that the model sees: binary, unit or real.
        levels: Number of levels of integer data, else 0.
        false_variance: The share of a Bernoulli's variance that examples in [0, 1] do not have,
            E[x (1 - x)] / (m (1 - m)) with the mean m of each value: 0 for binary data, 1 for
            constant gray.
        deviation: Standard deviation of the values of a channel or column, the mean over all.
        find_components: Computes the principal components of the examples; called only if a choice
            depends on them.
    """

    shape: tuple[int, ...]
    support: str
    levels: int = 0
    false_variance: float = 0.0
    deviation: float | None = None
    find_components: Callable[[], PrincipalComponents] | None = field(default=None, repr=False)

    @property
    def components(self) -> PrincipalComponents | None:
        """The principal components of the examples; None if they are unknown."""
        return None if self.find_components is None else self.find_components()

    @property
    def is_image(self) -> bool:
        """Whether an example is an image [C, H, W]."""
        return len(self.shape) == 3

    @property
    def is_nearly_binary(self) -> bool:
        """Whether a Bernoulli likelihood suits the values: binary data, drawings, letters."""
        if self.support == "binary":
            return True
        is_gray_image = self.is_image and self.shape[0] == 1
        is_unit = self.support == "unit"
        return is_gray_image and is_unit and self.false_variance <= MAX_FALSE_VARIANCE

    @property
    def suits_plane(self) -> bool:
        """Whether examples are small, nearly binary gray images."""
        is_gray_image = self.is_image and self.shape[0] == 1
        return is_gray_image and max(self.shape) <= MAX_PLANE_SIDE and self.is_nearly_binary


def default_recipe(profile: DataProfile) -> str:
    """The default recipe for data.

    >>> default_recipe(DataProfile((1, 28, 28), "unit")), default_recipe(DataProfile((5,), "real"))
    ('plane', 'vectors')
    """
    if profile.suits_plane:
        return "plane"
    return "images" if profile.is_image else "vectors"


def default_likelihood(profile: DataProfile) -> str:
    """Bernoulli for binary data and nearly binary gray images, else Gaussian.

    With gray targets in between, the Bernoulli takes every pixel for a coin: its variance hides
    that of the images, and latent codes gain almost nothing.
    """
    return "bernoulli" if profile.is_nearly_binary else "gaussian"


def default_latent_dim(profile: DataProfile) -> int:
    """2 for images that suit a plane, else as many as components explain 80 % of the variance.

    At least 32 and at most 128 for images, and 2 to 32 for other data; never more than the examples
    have components, but 2.
    """
    if profile.suits_plane:
        return PLANE
    minimum, maximum = PLANE, MAX_VECTOR_LATENT
    if profile.is_image:
        minimum, maximum = MIN_IMAGE_LATENT, MAX_IMAGE_LATENT
    components = profile.components
    if components is None:
        return min(maximum, math.prod(profile.shape))
    wanted = min(maximum, max(minimum, components.count_for(EXPLAINED)))
    return max(PLANE, min(wanted, len(components.variances)))


def is_faint(profile: DataProfile) -> bool:
    """Whether gray values vary so little that the smallest scale of a likelihood would hide it.

    >>> is_faint(DataProfile((1, 64, 64), "unit", 65536, 0.9, deviation=0.01))
    True
    """
    if profile.support != "unit" or profile.is_nearly_binary or profile.deviation is None:
        return False
    return 0 < profile.deviation < MIN_DEVIATION


def default_normalization(profile: DataProfile) -> str:
    """standardize for real values and for faint ones, else none."""
    return "standardize" if profile.support == "real" or is_faint(profile) else "none"


def explain_defaults(config: Settings, profile: DataProfile) -> tuple[str, ...]:
    """A phrase for each choice that the data make, with its reason.

    Args:
        config: The configuration before the choices.
        profile: Properties of the data.
    """
    phrases = []
    if config.part("likelihood") is None:
        phrases.append(_explain_likelihood(profile))
        if config.data.normalize is None and is_faint(profile):
            phrases.append(
                f"standardized values, which deviate by {profile.deviation:.2%} of their range"
            )
    if config.latent_dim is None:
        phrases.append(_explain_latent_dim(profile))
    return tuple(phrases)


def _explain_likelihood(profile: DataProfile) -> str:
    if profile.support == "binary":
        return "bernoulli likelihood, for binary data"
    if profile.is_nearly_binary:
        return "bernoulli likelihood, for images that are nearly binary"
    return "gaussian likelihood, whose scale is learned"


def _explain_latent_dim(profile: DataProfile) -> str:
    count = default_latent_dim(profile)
    shown = f"{count} latent dimensions"
    if profile.suits_plane:
        shown += ", which a plane shows"
    components = profile.components
    if components is None or not len(components.variances):
        return shown
    share = components.explained(count)
    shown += f" (as many principal components explain {share:.0%} of the variance"
    if share < EXPLAINED:
        shown += f", {components.count_for(EXPLAINED)} explain {EXPLAINED:.0%}"
    return f"{shown})"
