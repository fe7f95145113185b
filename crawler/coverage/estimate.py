"""How many articles a portal published, from how several sources saw them (capture-recapture).

Sources that see different articles of one portal tell, by how much they overlap, how many none of
them saw. Two things spoil the simple formulas and are in the model here: some articles are easier
to see than others (popularity, one number an article, normally distributed), and sources follow
each other (an interaction for each pair). Neither can be told apart from few sources, so both
have prior distributions, and where the data say little the interval is wide. After Bishop,
Fienberg and Holland, Discrete Multivariate Analysis, ch. 6, and Chao, Encyclopedia of
Biostatistics, "Capture-recapture"; `python -m tests.bench.coverage` calibrates it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

_SPREADS = np.array([0.0, 0.5, 1.0, 1.5, 2.0, 2.75])
"""How much popularity may matter: standard deviations on the logit scale; half-normal prior."""
_SOURCE_SCALE, _PAIR_SCALE = 2.5, 0.65
"""Standard deviations of the priors: a source's reach (logit) and a pair's interaction."""
_LEAST_CURVATURE = 0.05
_STEPS, _SMALL_STEP, _LONGEST_STEP = 80, 1e-4, 2.0
_DRAWS = 2000
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(15)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()


@dataclass(frozen=True, slots=True)
class Estimate:
    """How many articles were published: the median, and an interval of 95 %."""

    seen: int
    published: int
    low: int
    high: int


def estimate(counts: Vector) -> Estimate | None:
    """From how many articles each set of sources saw; None where one source alone says nothing.

    `counts[s]` is the number of articles seen by just the sources whose bits are set in `s`;
    `counts[0]` is not looked at. Two to six sources. The same counts give the same estimate.
    """
    sources = len(counts).bit_length() - 1
    seen = int(counts[1:].sum())
    if sources < 2 or not seen:
        return None
    model = _Model(sources, counts)
    fits = model.fits()
    evidence = np.array([fit.evidence for fit in fits])
    weights = np.exp(evidence - evidence.max())
    random = np.random.default_rng(0)
    often = random.multinomial(_DRAWS, weights / weights.sum())
    unseen = np.concatenate(
        [model.draw(fit, times, random) for fit, times in zip(fits, often, strict=True) if times]
    )
    low, median, high = (int(seen + q) for q in np.quantile(unseen, (0.025, 0.5, 0.975)))
    return Estimate(seen, median, low, high)


@dataclass(frozen=True, slots=True)
class _Fit:
    """The likeliest parameters for one spread of popularity, and how sure they are."""

    spread: float
    parameters: Vector
    curvatures: Vector
    axes: Vector
    evidence: float


class _Model:
    """P(pattern) ~ mean over popularity z of exp(reach + interactions + spread z sources seen)."""

    def __init__(self, sources: int, counts: Vector) -> None:
        patterns = np.arange(2**sources)
        self._by = (patterns[:, None] >> np.arange(sources)) & 1
        pairs = [self._by[:, i] * self._by[:, j] for i in range(sources) for j in range(i)]
        self._terms = np.column_stack([self._by, *pairs]).astype(float)
        self._counts, self._seen = counts, counts[1:].sum()
        scales = [_SOURCE_SCALE] * sources + [_PAIR_SCALE] * len(pairs)
        self._precision = np.array(scales) ** -2.0

    def fits(self) -> list[_Fit]:
        """One for each spread, each begun where the one before ended."""
        found, parameters = [], np.zeros(self._terms.shape[1])
        for spread in _SPREADS:
            found.append(self._fit(float(spread), parameters))
            parameters = found[-1].parameters
        return found

    def draw(self, fit: _Fit, times: int, random: np.random.Generator) -> Vector:
        """So many draws of the number that nobody saw."""
        steps = random.standard_normal((times, len(fit.parameters))) / np.sqrt(fit.curvatures)
        missed = [self._cells(fit.parameters + fit.axes @ step, fit.spread)[0][0] for step in steps]
        chance = 1 - np.minimum(np.array(missed), 1 - 1e-6)
        return np.asarray(random.negative_binomial(self._seen, chance), float)

    def _cells(self, parameters: Vector, spread: float) -> tuple[Vector, Vector]:
        """The probability of each pattern, in all and at each popularity."""
        logits = (self._terms @ parameters)[:, None]
        logits = logits + spread * np.outer(self._by.sum(1), _NODES)
        at = np.exp(logits - logits.max(0))
        at /= at.sum(0)
        return at @ _WEIGHTS, at

    def _objective(self, parameters: Vector, spread: float) -> tuple[float, Vector]:
        """Log posterior of the patterns given that they were seen, and its gradient."""
        cells, at = self._cells(parameters, spread)
        unseen = min(cells[0], 1 - 1e-9)
        prior = self._precision * parameters
        seen = np.log(cells[1:] + 1e-300)
        value = self._counts[1:] @ seen - self._seen * np.log1p(-unseen) - prior @ parameters / 2
        slopes = cells[:, None] * self._terms - (at * _WEIGHTS) @ (at.T @ self._terms)
        pulls = self._counts / (cells + 1e-300)
        pulls[0] = self._seen / (1 - unseen)
        return float(value), pulls @ slopes - prior

    def _curvature(self, parameters: Vector, spread: float) -> tuple[Vector, Vector]:
        """Eigenvalues and axes of minus the second derivatives, none flatter than a bound."""
        nudges = np.eye(len(parameters)) * _SMALL_STEP
        second = [
            self._objective(parameters + nudge, spread)[1]
            - self._objective(parameters - nudge, spread)[1]
            for nudge in nudges
        ]
        matrix = -np.array(second) / (2 * _SMALL_STEP)
        values, axes = np.linalg.eigh((matrix + matrix.T) / 2)
        return np.maximum(values, _LEAST_CURVATURE), axes

    def _fit(self, spread: float, parameters: Vector) -> _Fit:
        """Newton's method with halved steps."""
        for _ in range(_STEPS):
            value, slope = self._objective(parameters, spread)
            curvatures, axes = self._curvature(parameters, spread)
            step = axes @ ((axes.T @ slope) / curvatures)
            length = float(np.abs(step).max())
            step *= min(1.0, _LONGEST_STEP / max(length, 1e-12))
            while self._objective(parameters + step, spread)[0] < value - 1e-9:
                step /= 2
                if np.abs(step).max() < _SMALL_STEP:
                    break
            parameters = parameters + step
            if length < _SMALL_STEP:
                break
        value, _ = self._objective(parameters, spread)
        curvatures, axes = self._curvature(parameters, spread)
        evidence = value - np.log(curvatures).sum() / 2 - spread**2 / 2
        return _Fit(spread, parameters, curvatures, axes, float(evidence))
