"""Draw more of one picture

A SinGAN is trained on a single picture. This one learnt what a piece of the Hubble eXtreme Deep Field (NASA, ESA) looks
like at every scale. It draws skies like it, a wider one as well, and a painting of a few flat strokes becomes one.
"""

import jax
import numpy as np

import jaxprior as jp
from jaxprior import singan
from jaxprior.data import images


model = singan.load_singan("galaxies")
height, width = model.sizes[-1]

drawn = singan.draw(model, jax.random.key(0), count=5)  # float32 [5, 90, 120, 3]

rows, columns = np.mgrid[:height, :width]
painting = np.full((height, width, 3), (8, 8, 12), np.uint8)
for row, column, tall, wide, colour in (
    (30, 30, 9, 12, (230, 90, 40)),
    (55, 80, 7, 14, (120, 160, 230)),
    (70, 35, 5, 5, (220, 220, 200)),
):
    painting[((rows - row) / tall) ** 2 + ((columns - column) / wide) ** 2 < 1] = colour
painted = singan.paint(model, painting, jax.random.key(1), start_scales=(2,)).images[0]

sheet = np.concatenate([model.image[None], drawn, images.to_float(painting)[None], painted])
jp.show(sheet, columns=4).save("more_of_one_picture.png")

wide = singan.draw(model, jax.random.key(2), count=1, width_scale=2)
print(f"a sky of {wide.shape[2]}x{wide.shape[1]} pixels from a picture of {width}x{height}")
print(f"diversity of the samples: {float(jp.metrics.diversity(drawn, model.image)):.2f}")
