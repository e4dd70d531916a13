"""Shared options are stated once, as the fields of a dataclass; a command takes the whole dataclass."""

import dataclasses
import functools
import inspect
import typing
from collections.abc import Callable, Mapping
from typing import Any

import typer


def spelled_out(command: Callable[..., Any], kinds: Mapping[str, Any] | None = None) -> Callable[..., Any]:
    """Give a command the signature that typer reads: a parameter annotated with a dataclass becomes its fields.

    Arguments:
        command: a function; the fields of its dataclasses are annotated as typer's options are.
        kinds: annotations of parameters by name, in place of the written ones: those that are made at run time.

    Returns:
        A function of the same name and text whose parameters are all plain options. Called with their values, it
        makes the dataclasses and calls the command.

    Raises:
        ValueError: two parameters of one name.

    Example:
        @spelled_out
        def reconstruct(images: opt.Images, *, run: RunOptions) -> None:      # --limit, --prior, ... and no --run
            ...
    """
    signature = inspect.signature(command, eval_str=True)
    kinds = kinds or {}
    written = [p.replace(annotation=kinds.get(p.name, p.annotation)) for p in signature.parameters.values()]
    groups = {
        p.name: p.annotation
        for p in written
        if isinstance(p.annotation, type) and dataclasses.is_dataclass(p.annotation)
    }
    parameters = []
    for parameter in written:
        whole = parameter.name not in groups
        parameters += [parameter] if whole else _fields(parameter.annotation)
    plain = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in parameters]

    @functools.wraps(command)
    def called(**values):
        for name, kind in groups.items():
            values[name] = kind(**{field.name: values.pop(field.name) for field in dataclasses.fields(kind)})
        return command(**values)

    signature = signature.replace(parameters=plain)
    called.__signature__ = signature  # pyright: ignore[reportAttributeAccessIssue]  `inspect` reads it, stubs lack it
    called.__annotations__ = {parameter.name: parameter.annotation for parameter in plain}
    return called


def is_given(context: typer.Context, name: str) -> bool:
    """Whether an option of a command was given by the user.

    Arguments:
        context: of the command; name: of the option's parameter.
    """
    source = context.get_parameter_source(name)
    return source is not None and not source.name.startswith("DEFAULT")


def _fields(kind: type) -> list[inspect.Parameter]:
    hints = typing.get_type_hints(kind, include_extras=True)
    empty = inspect.Parameter.empty
    return [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=empty if field.default is dataclasses.MISSING else field.default,
            annotation=hints[field.name],
        )
        for field in dataclasses.fields(kind)
    ]
