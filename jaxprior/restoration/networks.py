"""Where the networks come from that the plain table of a method names: loaded from their files, or only looked for."""

from pathlib import Path
from typing import Any

from jaxprior.errors import WeightsError
from jaxprior.protocols import Restores
from jaxprior.weights.outlines import outline_encoder, outline_network, outline_restorer


class Networks:
    """Where the networks come from that a method's table names: they are loaded from their files."""

    def features(self, source: str, *, cut: Any = None, size: int | None = None) -> Any:
        """The feature network of a name or file; see `jaxprior.load_features`."""
        from jaxprior.weights.features import load_features  # imports JAX

        return load_features(source, cut=cut, size=size)

    def refiner(self, source: str | Path) -> Any:
        """The refiner of a file or run; see `jaxprior.load_refiner`."""
        from jaxprior.weights.refiners import load_refiner  # imports JAX

        return load_refiner(source)

    def own_answer(self, refiner: Any) -> Any:
        """What answers observations by a refiner; see `jaxprior.OwnAnswer`."""
        from jaxprior.weights.refiners import OwnAnswer  # imports JAX

        return OwnAnswer(network=refiner)

    def restorer(self, source: str | Path) -> tuple[Any, Restores | None]:
        """The restorer of a name, file or run, and what it does; see `jaxprior.load_restorer`."""
        from jaxprior.weights.restorers import load_restorer  # imports JAX

        restorer = load_restorer(source)
        return restorer, Restores(restorer.task, restorer.factor)

    def encoder(self, source: str | Path) -> Any:
        """The encoder of a file or run; see `jaxprior.load_encoder`."""
        from jaxprior.weights.encoders import load_encoder  # imports JAX

        return load_encoder(source)

    def is_features(self, source: str) -> bool:
        """Whether a name or file is one of a feature network."""
        try:
            outline_network(source, role="features")
        except WeightsError:
            return False
        return True

    def check_refiner(self, refiner: Any, image_shape: tuple[int, ...]) -> None:
        """Refuse a refiner of other images."""
        from jaxprior.weights.refiners import check_fits  # imports JAX

        check_fits(refiner, image_shape)


class OutlinedNetworks(Networks):
    """Only looks whether the networks are there, and imports no JAX: for `check_method`."""

    def features(self, source: str, *, cut: Any = None, size: int | None = None) -> Any:
        """Stands for the network; its cut and its size are not looked at."""
        return outline_network(source, role="features")

    def refiner(self, source: str | Path) -> Any:
        """Stands for the refiner."""
        return outline_network(source, role="refiner")

    def own_answer(self, refiner: Any) -> Any:
        """Stands for what answers."""
        return refiner

    def restorer(self, source: str | Path) -> tuple[Any, Restores | None]:
        """Stands for the restorer, and what it does as far as its card tells."""
        outline = outline_restorer(source)
        return outline, outline.restores

    def encoder(self, source: str | Path) -> Any:
        """Stands for the encoder."""
        return outline_encoder(source)

    def check_refiner(self, refiner: Any, image_shape: tuple[int, ...]) -> None:
        """Its shape is not known yet."""
