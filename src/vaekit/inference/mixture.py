"""A density over codes that were seen, to draw new ones from in the place of the prior."""

import numpy as np
import torch
from torch import Tensor
from torch.distributions import MultivariateNormal

from vaekit.errors import ConfigError, DataError

MOST_CORRELATED = 64  # dimensions, up to which components have whole covariances
ROWS_A_PARAMETER, ROWS_A_COMPONENT = 20, 100


class CodeMixture:
    """A mixture of Gaussians fitted to codes: the cheapest known gain in the quality of samples (Ghosh et al., 2020).

        p(z given y) = sum_k w_ky N(z; m_k, S_k)

    The components are scikit-learn's. They have whole covariances up to 64 dimensions where there are 20 L codes for each, and
    diagonal ones otherwise, where there are 100. A class has weights of its own, the means of its codes' responsibilities.

    codes: [N, L], draws from q(z given x). y: their classes [N], numbers below `classes`, where samples are to be of chosen
    ones. components: at most.
    Raises ConfigError for fewer than 1 component, DataError for fewer than 2 codes or for such as have no density.

    >>> codes = torch.cat([torch.randn(500, 2) + 5, torch.randn(500, 2) - 5])
    >>> CodeMixture(codes, components=2).draw(7).shape
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

        if not isinstance(components, int) or components < 1:
            raise ConfigError(f"components = {components!r}: at least 1, a whole number")
        if len(codes) < 2:
            raise DataError(f"{len(codes)} codes: a mixture needs 2 or more")
        x = codes.double()
        self.mean, self.scale = x.mean(0), x.std(0).clamp(min=1e-12)
        x = ((x - self.mean) / self.scale).numpy()
        enough = ROWS_A_PARAMETER * codes.shape[1]
        self.whole = codes.shape[1] <= MOST_CORRELATED and len(codes) >= enough
        count = max(1, min(components, len(codes) // (enough if self.whole else ROWS_A_COMPONENT)))
        try:
            found = GaussianMixture(
                count, covariance_type="full" if self.whole else "diag", random_state=seed
            ).fit(x)
        except ValueError:
            raise DataError(
                "these codes have no density: they are not finite, or too few of them differ"
            ) from None
        self.means, covariances = (
            torch.from_numpy(found.means_),
            torch.from_numpy(found.covariances_),
        )
        self.roots = torch.linalg.cholesky(covariances) if self.whole else covariances.sqrt()
        self.component_weights, self.classes = (
            torch.from_numpy(found.weights_),
            classes if y is not None else 0,
        )
        self.weights = self.component_weights[None]
        if y is not None and self.classes:
            responsible = torch.from_numpy(found.predict_proba(x))
            each = [responsible[torch.from_numpy(y == label)] for label in range(classes)]
            self.weights = torch.stack(
                [part.mean(0) if len(part) else self.weights[0] for part in each]
            )

    def log_prob(self, z: Tensor) -> Tensor:
        """log p(z) of codes [N, L], over all classes, [N]."""
        standard = (z.double() - self.mean) / self.scale
        each = []
        for mean, root in zip(self.means, self.roots, strict=True):
            triangle = root if self.whole else root.diag()
            each.append(MultivariateNormal(mean, scale_tril=triangle).log_prob(standard))
        return (torch.stack(each) + self.component_weights.log()[:, None]).logsumexp(
            0
        ) - self.scale.log().sum()

    def draw(self, count: int, y: Tensor | None = None) -> Tensor:
        """Codes [count, L], where there are classes one for each y [count], their numbers.

        Raises DataError where classes are needed and not given.
        """
        if self.classes and (y is None or len(y) != count):
            raise DataError(
                f"this mixture has weights for each of {self.classes} classes: give y, a class number for each draw"
            )
        weights = (
            self.weights[0].expand(count, -1)
            if y is None or not self.classes
            else self.weights[y.cpu()]
        )
        chosen = torch.multinomial(weights, 1)[:, 0]
        z = torch.randn(count, self.means.shape[1], dtype=torch.float64)
        for k, root in enumerate(
            self.roots
        ):  # one by one: a root for each draw would fill the memory
            here = chosen == k
            z[here] = self.means[k] + (z[here] @ root.T if self.whole else z[here] * root)
        return (self.mean + self.scale * z).float()
