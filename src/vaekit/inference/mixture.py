"""A Gaussian mixture over latent codes, to sample codes from in place of the prior."""

import numpy as np
import torch
from torch import Tensor
from torch.distributions import MultivariateNormal

from vaekit.arguments import check_seed, whole_number
from vaekit.errors import DataError

MAX_FULL_DIMENSIONS = 64
"""Latent dimensions up to which components have full covariances."""
CODES_PER_DIMENSION = 20
"""Codes per dimension that a component with a full covariance needs."""
CODES_PER_COMPONENT = 100
"""Codes that a component with a diagonal covariance needs."""


class CodeMixture:
    """A Gaussian mixture fitted to latent codes, whose samples often decode to better examples.

        p(z|y) = sum_k w_ky N(z; m_k, S_k)

    The components are scikit-learn's. Covariances are full up to 64 dimensions if there are 20 L
    codes per component, else diagonal, with 100 codes per component. A class has weights of
    its own: the mean responsibilities of its codes.

    Args:
        codes: Samples of q(z|x), [N, L].
        y: Their class numbers [N], for samples of chosen classes.
        classes: Number of classes.
        components: Number of components, at most.
        seed: Seed of the fit.

    Raises:
        ConfigError: Fewer than one component.
        DataError: Fewer than 2 codes, or codes that have no density.

    References:
        Ghosh et al., 2020.

    >>> codes = torch.cat([torch.randn(500, 2) + 5, torch.randn(500, 2) - 5])
    >>> CodeMixture(codes, components=2).sample(7).shape
    torch.Size([7, 2])
    """

    def __init__(
        self,
        codes: Tensor,
        y: np.ndarray | None = None,
        *,
        classes: int = 0,
        components: int = 10,
        seed: int = 0,
    ):
        from sklearn.mixture import GaussianMixture

        components = whole_number("components", components, 1)
        seed = check_seed(seed)
        if len(codes) < 2:
            raise DataError.for_value(
                "codes", len(codes), "2 or more", problem="too few latent codes for a mixture"
            )
        x = codes.double()
        self.mean = x.mean(0)
        self.scale = x.std(0).clamp(min=1e-12)
        standardized = ((x - self.mean) / self.scale).numpy()
        required = CODES_PER_DIMENSION * codes.shape[1]
        self.is_full = codes.shape[1] <= MAX_FULL_DIMENSIONS and len(codes) >= required
        codes_per_component = required if self.is_full else CODES_PER_COMPONENT
        count = max(1, min(components, len(codes) // codes_per_component))
        covariance_type = "full" if self.is_full else "diag"
        mixture = GaussianMixture(count, covariance_type=covariance_type, random_state=seed)
        try:
            mixture.fit(standardized)
        except ValueError:
            raise DataError(
                "latent codes have no density: they are not finite, or too few of them differ. "
                "Sample from the prior.",
                parameter="codes",
            ) from None
        covariances = torch.from_numpy(mixture.covariances_)
        self.means = torch.from_numpy(mixture.means_)
        self.roots = torch.linalg.cholesky(covariances) if self.is_full else covariances.sqrt()
        self.component_weights = torch.from_numpy(mixture.weights_)
        self.classes = classes if y is not None else 0
        self.weights = self.component_weights[None]
        if y is not None and self.classes:
            responsibilities = torch.from_numpy(mixture.predict_proba(standardized))
            self.weights = self._class_weights(responsibilities, y)

    def _class_weights(self, responsibilities: Tensor, y: np.ndarray) -> Tensor:
        """Component weights per class [C, K]; a class without codes has the common ones."""
        weights = []
        for label in range(self.classes):
            of_class = responsibilities[torch.from_numpy(y == label)]
            weights.append(of_class.mean(0) if len(of_class) else self.component_weights)
        return torch.stack(weights)

    def log_prob(self, z: Tensor) -> Tensor:
        """log p(z) over all classes, [N].

        Args:
            z: Latent codes, [N, L].
        """
        standardized = (z.double() - self.mean) / self.scale
        log_probs = []
        for mean, root in zip(self.means, self.roots, strict=True):
            scale_tril = root if self.is_full else root.diag()
            normal = MultivariateNormal(mean, scale_tril=scale_tril)
            log_probs.append(normal.log_prob(standardized))
        weighted = torch.stack(log_probs) + self.component_weights.log()[:, None]
        return weighted.logsumexp(0) - self.scale.log().sum()

    def sample(self, count: int, y: Tensor | None = None) -> Tensor:
        """Sample latent codes, [count, L].

        Args:
            count: Number of codes.
            y: Class numbers [count], if the mixture has classes.

        Raises:
            DataError: The mixture has classes, but y is missing or has another length.
        """
        if self.classes and (y is None or len(y) != count):
            raise DataError.for_value(
                "y",
                None if y is None else len(y),
                f"{count} class numbers, one per sample",
                problem="the mixture needs classes",
            )
        if y is None or not self.classes:
            weights = self.weights[0].expand(count, -1)
        else:
            weights = self.weights[y.cpu()]
        components = torch.multinomial(weights, 1)[:, 0]
        z = torch.randn(count, self.means.shape[1], dtype=torch.float64)
        for k, root in enumerate(self.roots):  # in turn: one root per sample would fill the memory
            mask = components == k
            noise = z[mask] @ root.T if self.is_full else z[mask] * root
            z[mask] = self.means[k] + noise
        return (self.mean + self.scale * z).float()
