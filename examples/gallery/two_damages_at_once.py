"""Two damages at once

Operators are put behind each other by `Compose`: here pictures are grey and have a hole, so that both colours and the
missing part are found together. The pictures are samples of the prior, so that there is a code for each of them.
"""

import jax

import jaxprior as jp


prior = jp.load_prior("cats32")
photos = prior.generate(jax.random.normal(jax.random.key(11), (4, prior.latent_dim)))
hole = jp.Inpaint(jp.parse_mask("block:0.15").draw(prior.resolution, key=jax.random.key(5)))
task = jp.Compose((hole, jp.Colorize()))

result = jp.restore(
    prior, photos, task, key=jax.random.key(0), codes=jp.SingleCode(),
    solve=jp.Solve(steps=60, optimizer="lbfgs", init="bank"),
)  # fmt: skip

given = jax.vmap(task.shown)(task.observe(photos))
jp.show({"given": given, "restored": result.images, "original": photos}).save("two_damages_at_once.png")
print(f"{float(jp.metrics.psnr(result.images, photos).mean()):.2f} dB")
