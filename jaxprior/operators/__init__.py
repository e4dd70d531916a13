"""Forward operators A: what happened to the photo, `y = A(x)`. A task IS a forward operator.

Restoring looks for a generated image x whose A(x) explains the observation y, so an operator is a function
that can be differentiated, jitted and vmapped. Images are float32 in [-1, 1]; masks are 1 where pixels are
missing.

Writing one: subclass `Operator`, decorate it with `@jax.tree_util.register_dataclass` and
`@dataclasses.dataclass(frozen=True)`, declare each array with `per_image(ndim=...)`, and write `apply` for
ONE image:

    @jax.tree_util.register_dataclass
    @dataclasses.dataclass(frozen=True)
    class Exposure(Operator):
        gain: jax.Array = per_image(ndim=0)      # () for all images or [b], one for each
        name = "exposure"

        def apply(self, x):
            return self.gain * x

Arrays are leaves of the pytree: one array for all images, or with a leading axis b, one for each; `batched`
makes the latter of the former for `jax.vmap(..., in_axes=0)`. An array that is too large for a copy an image is
declared by `shared()`; `image_axes` then says what `jax.vmap` maps. All other fields are static: declare them with
`dataclasses.field(metadata={"static": True})`. Give it a `label` if one word is not enough for a title.

A task is an operator that is found by its name: a file of this folder, named like the task, whose `OPERATOR` is the
class; or a class of another package, named by an entry point of the group "jaxprior.operators". It then is a command of
`jaxprior`, a `[[task]]` of recipes, and stands in reports. What can be set of it is a dataclass:

    @dataclasses.dataclass(frozen=True, kw_only=True)
    class ExposureSettings:
        gain: float = setting(0.5, "How much of the light is left.", metavar="X")

    class Exposure(Operator):
        settings = ExposureSettings
        text = "Pictures given are dark. ..."      # help of `jaxprior exposure` after its first line

The first line of the module's docstring is the first line of the command's help. A module that takes `jax`, `jnp` and
`register_dataclass` from `jaxprior.lazy_jax` answers help and refuses mistakes without importing JAX, as ours do.

`__init__.pyi` lists what there is; JAX is imported when a name is first used.
"""

import lazy_loader


__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
