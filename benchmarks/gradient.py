"""The Khorasan log posterior with its gradient, for four chains: what a leapfrog step costs on either engine."""

from __future__ import annotations

import time

import numpy as np

from _table import show

CHAINS, REPEATS = 4, 200
TARGET = 0.3


def main() -> None:
    import jax

    from outbid.infer.likelihood import Target, gather, log_posterior
    from outbid.model.compile import layout
    from outbid.model.priors import prior_table
    from outbid.native import BACKENDS, rows_of
    from outbid.study import load_study

    study = load_study("khorasan")
    figures, table = gather(study.model, study.panel), prior_table(study.model.parameters, "neutral")
    size = layout(study.model, figures.months).size
    target = Target(table, figures.values, np.asarray(study.known_levers))
    vector = jax.ShapeDtypeStruct((size,), float)
    begun = time.process_time()
    traced = jax.make_jaxpr(jax.value_and_grad(log_posterior(study.model, figures)))(vector, target)
    rows = [("traced by JAX, for either", f"{time.process_time() - begun:.1f} s of processor time", "")]
    known = list(map(np.asarray, jax.tree.leaves(target)))
    z = 0.1 * np.random.default_rng(1).standard_normal((CHAINS, size))
    for engine in BACKENDS:
        begun = time.process_time()
        run = rows_of(traced, [vector, *known], engine)
        run(CHAINS, [z], [False])
        rows.append((f"{engine}: compiled", f"{time.process_time() - begun:.1f} s of processor time", ""))
        repeats = REPEATS if engine == "xla" else 10 * REPEATS
        begun = time.process_time()
        for _ in range(repeats):
            run(CHAINS, [z], [False])
        each = 1000 * (time.process_time() - begun) / repeats
        goal = f"{TARGET} ms" if engine == "native" else ""
        rows.append((f"{engine}: {CHAINS} chains", f"{each:.2f} ms of processor time", goal))
    show(f"Value and gradient: {size} unknowns, {len(figures.series)} figures", rows)


if __name__ == "__main__":
    main()
