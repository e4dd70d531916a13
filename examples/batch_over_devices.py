"""Generate and score a large batch over all local devices: data parallel, no communication.

    XLA_FLAGS=--xla_force_host_platform_device_count=2 python examples/batch_over_devices.py
"""

import jax
from jax.sharding import AxisType, NamedSharding, PartitionSpec

import jaxprior as jp


prior = jp.load_prior()
mesh = jax.make_mesh((jax.device_count(),), ("image",), axis_types=(AxisType.Auto,))
one_each = NamedSharding(mesh, PartitionSpec("image"))

z = jax.device_put(jax.random.normal(jax.random.key(0), (64 * jax.device_count(), prior.latent_dim)), one_each)
everywhere = jax.device_put(prior, NamedSharding(mesh, PartitionSpec()))
images = jax.jit(jp.Prior.generate, out_shardings=one_each)(everywhere, z)
scores = jax.jit(lambda prior, images: prior.critic(images))(everywhere, images)
print(f"{len(images)} pictures on {jax.device_count()} devices; the critic's scores: "
      f"mean {float(scores.mean()):.2f}, standard deviation {float(scores.std()):.2f}")  # fmt: skip
