"""What every reader delivers: the states of a foreign file, and which of them is taken."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from jaxprior.errors import WeightsError
from weights_convert.averages import is_average, is_of_critic
from weights_convert.report import printable
from weights_convert.separation import separate
from weights_convert.states import State, Unread, shapes_of, unique


@dataclass(frozen=True)
class Asked:
    """What the user says of a network because its file does not say it, or says it of several.

    Fields:
        output: what its images go through at the end: "none", "clip" or "tanh".
        label: the label that is held fixed, by its name or in numbers.
        layout: name of the layout of its tensors.
    """

    output: str | None = None
    label: str | None = None
    layout: str | None = None


@dataclass(frozen=True)
class Checkpoint:
    """The tensors of a foreign file.

    Fields:
        format: of the file.
        states: its networks, by the name the file gives them ("" if it gives none).
        settings: of those networks for which the file has any.
        left_out: names of what was not read.
        unread: arrays that belong to no state.
        wanted: name of the state that the user asked for, or None.
        numbers: single numbers in the whole file, by name.
        names: of the file, and of what it is a link to. asked: what the user says of the network.
    """

    format: str
    states: dict[str, State]
    settings: dict[str, dict]
    left_out: tuple[str, ...]
    unread: tuple[Unread, ...] = ()
    wanted: str | None = None
    numbers: Mapping[str, float] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    asked: Asked = Asked()

    def with_states_of(self, recognise: Callable[[Mapping[str, np.ndarray]], bool]) -> "Checkpoint | None":
        """The same file, every state divided into the networks of an architecture that its tensors hold.

        Arguments:
            recognise: whether tensors are those of the architecture, by their names.
        Returns:
            None if no state holds such a network.
        """
        states: dict[str, State] = {}
        settings = {}
        left_out, unread, found = list(self.left_out), list(self.unread), False
        for name, state in self.states.items():
            split = separate(name, state, recognise)
            found = found or split is not None
            for own, part in (split.states if split else {name: state}).items():
                own = unique(own, states)
                states[own] = part
                settings[own] = self.settings.get(name, {})
            left_out += split.left_out if split else ()
            unread += split.unread if split else ()
        if not found:
            return None
        return replace(self, states=states, settings=settings, left_out=tuple(left_out), unread=tuple(unread))

    def averaged(self, name: str) -> bool:
        """Whether a state is an average over the training, by the form of the file or by its name."""
        form = self.states[name].averaged
        return is_average(name) if form is None else form

    def label(self, name: str) -> str:
        """A state in words: "g_ema (moving average)"."""
        average = " (moving average)" if self.averaged(name) else ""
        return (printable(name) or "the file's only state dict") + average

    def rest(self, name: str) -> list[str]:
        """What to call a state that is left out: by its name, or a few tensors of the whole file by theirs."""
        if name:
            return [self.label(name)]
        keys = [self.states[name].in_file(key) for key in self.states[name]]
        return keys if len(keys) <= 3 else [f"{len(keys)} other tensors ({', '.join(keys[:3])}, ...)"]

    def choose(self, recognise: Callable[[Mapping[str, np.ndarray]], bool]) -> str:
        """The state of an architecture that is taken: the one that was asked for, or the only one, or the average.

        Raises:
            WeightsError: which one it should be is not known, or it is not there.
        """
        candidates = [name for name, state in self.states.items() if recognise(state)]
        if self.wanted is not None:
            if self.wanted not in candidates:
                raise WeightsError(f"it holds no network {self.wanted!r}; expected `--state` {self._list(candidates)}")
            return self.wanted
        candidates = [name for name in candidates if not is_of_critic(name)] or candidates
        averages = [name for name in candidates if self.averaged(name)]
        chosen = _one_of(averages or candidates, self.states)
        if chosen is None:
            which = "which of these averages" if averages else "which of these networks"
            raise WeightsError(
                f"{which} to take does not follow from their names: {self._list(averages or candidates)}; "
                "name one with `--state NAME` (`state=` in Python)"
            )
        if not averages:
            self._check_no_average(chosen, candidates)
        return chosen

    def choice(self, chosen: str, recognise: Callable[[Mapping[str, np.ndarray]], bool]) -> tuple[str, ...]:
        """The sentence about which of several states was taken, and why; nothing where there was no choice.

        Arguments:
            chosen: the state that `choose` named. recognise: as of `choose`.
        """
        alike = [name for name, state in self.states.items() if name != chosen and recognise(state)]
        others = [name for name in alike if self.wanted is not None or not is_of_critic(name) or is_of_critic(chosen)]
        if not others and self.wanted is None:
            return ()
        why = "the average over the training" if self.averaged(chosen) else "which holds the same numbers"
        why = "as was asked for" if self.wanted is not None else why
        names = [printable(name) or "the whole file" for name in (chosen, *others)]
        return (f"{names[0]} is taken, {why}{', not ' * bool(others)}{', '.join(names[1:])}",)

    def _check_no_average(self, chosen: str, candidates: list[str]) -> None:
        """Refuse to take the raw network where its average is in the file, but cannot be read."""
        network = self.states[chosen]
        others = [
            Unread(name, "tensors of its names" if set(state) <= set(network) else "tensors of other names",
                   shapes_of(state.values()))
            for name, state in self.states.items()
            if name not in candidates
        ]  # fmt: skip
        for unread in (*self.unread, *others):
            if is_average(unread.name) and not is_of_critic(unread.name) and unread.may_be(network):
                raise WeightsError(
                    f"the average over the training seems to be {printable(unread.name)!r}, which cannot be read: it "
                    f"is {unread.in_words(network)}; save it as a state dict, or take the network that is not averaged "
                    f"with `--state {printable(chosen) or repr('')}`"
                )

    def _list(self, names: Iterable[str]) -> str:
        """States, each with the number of its tensors."""
        return ", ".join(f"{printable(name) or repr('')} ({len(self.states[name])} tensors)" for name in names)


def _one_of(names: list[str], states: Mapping[str, State]) -> str | None:
    """The first of several states if all hold the same numbers, so that it does not matter which is taken."""
    first, *others = names
    return first if all(_same(states[first], states[other]) for other in others) else None


def _same(a: State, b: State) -> bool:
    return set(a) == set(b) and all(np.array_equal(a[name], b[name]) for name in a)
