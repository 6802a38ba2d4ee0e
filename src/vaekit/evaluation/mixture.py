"""A density over codes that were seen, to draw new ones from in the place of the prior."""

import numpy as np
import torch
from torch import Tensor

from vaekit.errors import DataError

MOST_CORRELATED = 64  # dimensions, up to which components have whole covariances


class CodeMixture:
    """A mixture of Gaussians fitted to codes: the cheapest known gain in the quality of samples (Ghosh et al., 2020).

        p(z given y) = sum_k w_ky N(z; m_k, S_k)

    The components are scikit-learn's, with whole covariances up to 64 dimensions and diagonal ones beyond; a class has weights
    of its own, the means of its codes' responsibilities.

    codes: [N, L], draws from q(z given x). y: their classes [N], where samples are to be of chosen ones.
    components: at most, one for every 20 codes.
    Raises DataError for fewer than 2 codes.

    >>> codes = torch.cat([torch.randn(500, 2) + 5, torch.randn(500, 2) - 5])
    >>> CodeMixture(codes, components=2).draw(7).shape
    torch.Size([7, 2])
    """

    def __init__(self, codes: Tensor, y: np.ndarray | None = None, *, classes: int = 0, components: int = 10, seed: int = 0):
        from sklearn.mixture import GaussianMixture

        if len(codes) < 2:
            raise DataError(f"{len(codes)} codes: a mixture needs 2 or more")
        whole = codes.shape[1] <= MOST_CORRELATED
        count = max(1, min(components, len(codes) // 20))
        x, kind = codes.double().numpy(), "full" if whole else "diag"
        found = GaussianMixture(count, covariance_type=kind, random_state=seed).fit(x)
        self.means, covariances = torch.from_numpy(found.means_), torch.from_numpy(found.covariances_)
        self.roots = torch.linalg.cholesky(covariances) if whole else torch.diag_embed(covariances.sqrt())
        self.weights = torch.from_numpy(found.weights_)[None]
        if y is not None and classes:
            responsible = torch.from_numpy(found.predict_proba(x))
            each = [responsible[torch.from_numpy(y == label)] for label in range(classes)]
            self.weights = torch.stack([part.mean(0) if len(part) else self.weights[0] for part in each])

    def draw(self, count: int, y: Tensor | None = None) -> Tensor:
        """Codes [count, L], where there are classes one for each y [count]."""
        weights = self.weights[0].expand(count, -1) if y is None else self.weights[y]
        chosen = torch.multinomial(weights, 1)[:, 0]
        noise = torch.randn(count, self.means.shape[1], 1, dtype=torch.float64)
        return (self.means[chosen] + (self.roots[chosen] @ noise)[..., 0]).float()
