"""The Khorasan log posterior with its gradient: what a leapfrog step costs, for one chain and for four."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from _table import show

REPEATS = 200


def seconds_of(call: Callable[[], object]) -> float:
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun


def main() -> None:
    import jax

    from outbid.infer.likelihood import Target, gather, log_posterior
    from outbid.model.compile import layout
    from outbid.model.priors import prior_table
    from outbid.study import load_study

    study = load_study("khorasan")
    figures = gather(study.model, study.panel)
    size = layout(study.model, figures.months).size
    target = Target(
        prior_table(study.model.parameters, "neutral"), figures.values, np.asarray(study.known_levers)
    )
    one = jax.value_and_grad(log_posterior(study.model, figures))
    rows = []
    for chains, function in ((1, one), (4, jax.vmap(one, (0, None)))):
        compiled = jax.jit(function)
        z = 0.1 * np.random.default_rng(1).standard_normal((chains, size) if chains > 1 else size)

        def call(compiled=compiled, z=z) -> None:
            jax.block_until_ready(compiled(z, target))

        first = seconds_of(call)
        each = 1000 * np.median([seconds_of(call) for _ in range(REPEATS)])
        name = "1 chain" if chains == 1 else f"{chains} chains"
        rows += [(f"{name}, median of {REPEATS}", f"{each:.2f} ms", "-")]
        rows += [(f"{name}, first call with compilation", f"{first:.1f} s", "-")]
    show(f"Value and gradient: {size} unknowns, {len(figures.series)} figures", rows)


if __name__ == "__main__":
    main()
