"""Tells the surface of the installed Python SDK as JSON: its operations, and the models that their bodies are made of."""

import enum
import inspect
import json
import re
import typing

from looker_sdk.rtl import model
from looker_sdk.sdk.api40 import methods, models

PLAIN = {str: "str", bool: "bool", int: "int", float: "num", typing.Any: "any"}


def word(kind):
    """A type as the emulator's contract writes it."""
    if kind in PLAIN:
        return PLAIN[kind]
    if isinstance(kind, typing.ForwardRef):
        kind = kind.__forward_arg__
    if isinstance(kind, str):
        kind = getattr(models, kind)
    arguments = typing.get_args(kind)
    if typing.get_origin(kind) is typing.Union:
        return word(arguments[0])
    if typing.get_origin(kind) is not None:
        lists = len(arguments) == 1
        return ("[%s]" if lists else "{%s}") % word(arguments[-1])
    if issubclass(kind, enum.Enum):
        return "(%s)" % "|".join(one.value for one in kind if one.name != "invalid_api_enum_value")
    if issubclass(kind, model.Model):
        return kind.__name__.removeprefix("Write")
    return "time"


def operation(function):
    """What a method asks of Looker."""
    source = inspect.getsource(function)
    parameters = inspect.signature(function).parameters
    query = re.search(r"query_params=\{(.*?)\}", source, re.DOTALL)
    kinds = {
        name: {
            "type": word(parameter.annotation),
            "required": parameter.default is inspect.Parameter.empty,
        }
        for name, parameter in parameters.items()
        if name not in ("self", "transport_options")
    }
    return {
        "verb": re.search(r"self\.(get|post|put|patch|delete)\(", source)[1].upper(),
        "path": re.search(r'path=f?"([^"]*)"', source)[1],
        "query": {name: kinds[name] for name in re.findall(r'"(\w+)":', query[1])} if query else {},
        "body": kinds.get("body", {}).get("type"),
    }


def fields(kind):
    """The fields of a model, and which of them are never written."""
    written = getattr(models, f"Write{kind.__name__}", kind)
    return {
        name: {"type": word(of), "read_only": name not in written.__annotations__}
        for name, of in kind.__annotations__.items()
    }


def is_model(kind):
    return inspect.isclass(kind) and issubclass(kind, model.Model) and kind.__module__ == models.__name__


print(
    json.dumps(
        {
            "operations": {
                name: operation(function)
                for name, function in inspect.getmembers(methods.Looker40SDK, inspect.isfunction)
                if function.__module__ == methods.__name__
            },
            "models": {
                name: fields(kind)
                for name, kind in inspect.getmembers(models, is_model)
                if not name.startswith("Write")
            },
        }
    )
)
