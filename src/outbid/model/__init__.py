"""What a contest is: its vocabulary, the engine under it, and the diagram derived from it."""

import jax

# Forty million people counted to the last one, and curvatures by differences, need 64 bits.
jax.config.update("jax_enable_x64", True)
