"""Enlarge a photograph four times

A restorer is a network that answers at once, for photographs of any kind and size. `srgan_x4_photos` comes along. The
photograph is shrunk here, so that the answer can be compared with the original.
"""

import numpy as np
from PIL import Image
from skimage.data import astronaut

import jaxprior as jp


photo = astronaut()[:256, 100:356]  # uint8 [256, 256, 3]
small = np.asarray(Image.fromarray(photo).resize((64, 64), Image.Resampling.BICUBIC))

enlarged = jp.apply_restorer(jp.load_restorer("srgan_x4_photos"), small)

bicubic = np.asarray(Image.fromarray(small).resize((256, 256), Image.Resampling.BICUBIC))
jp.show(np.stack([bicubic, enlarged, photo]), columns=3).save("enlarge_a_photograph.png")
for name, picture in {"bicubic": bicubic, "restorer": enlarged}.items():
    error = np.mean((picture.astype(float) - photo) ** 2)
    print(f"{name:9}{10 * np.log10(255**2 / error):6.2f} dB")
