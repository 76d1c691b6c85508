"""Every operation that the local Looker serves, through its method in the official Python SDK, which makes its own types
of the bodies and of the answers. Told as JSON.

`steps.json` lists the calls that need a body or an order. In the middle of them every other operation that only reads is
called, and what it gave is written back where there is a method for that. Of what is `not_there` a local Looker has none.
"""

import enum
import inspect
import json
import keyword
import typing

import requests
from looker_sdk import error, methods40
from looker_sdk.rtl import model
from session import last, login

sdk = login("admin")
base_url = sdk.auth.settings.base_url
operations = requests.Session().get(f"{base_url}/__emulator/operations").json()
served = {one["id"]: one for one in operations if one["served"]}
with open("steps.json") as file:
    steps = json.load(file)

# What is known, mostly ids by the names of the parameters that take them.
known = {"base_url": base_url} | steps["known"]
told = {"served": list(served), "failed": {}, "lost": {}, "without_method": [], "read": 0, "written_back": 0}
done = set()


def filled(value):
    """The value with what `$name` stands for."""
    if isinstance(value, dict):
        return {name: filled(one) for name, one in value.items()}
    if isinstance(value, list):
        return [filled(one) for one in value]
    if isinstance(value, str) and value.startswith("$"):
        name, slash, rest = value[1:].partition("/")
        return known[name] + slash + rest
    return value


def typed(value, function):
    """The body as an object of the SDK's own type, which has to have room for all of it."""
    kind = typing.get_type_hints(function)["body"]
    if typing.get_origin(kind) is typing.Union:
        kind = typing.get_args(kind)[0]
    body = sdk.deserialize(data=json.dumps(value), structure=kind)
    assert plain(body) == value, f"the SDK makes {plain(body)} of {value}"
    return body


def plain(value):
    """An object of the SDK as JSON, as the SDK would send it."""
    return json.loads(sdk.serialize(api_model=value))


def strange(value, place):
    """Where in an answer is a word that the SDK does not know."""
    if isinstance(value, enum.Enum) and value.name == "invalid_api_enum_value":
        yield place
    if isinstance(value, (list, tuple)):
        for one in value:
            yield from strange(one, place)
    if isinstance(value, model.Model):
        for name, one in vars(value).items():
            yield from strange(one, f"{place}.{name}")


def unread(sent, read, place):
    """Where in an answer is a field that the SDK has no place for."""
    if isinstance(sent, list) and isinstance(read, (list, tuple)):
        for one, other in zip(sent, read):
            yield from unread(one, other, place)
    if isinstance(sent, dict) and isinstance(read, model.Model):
        for name, one in sent.items():
            attribute = f"{name}_" if keyword.iskeyword(name) else name
            if not hasattr(read, attribute):
                yield f"{place}.{name}"
            else:
                yield from unread(one, getattr(read, attribute), f"{place}.{name}")


def call(name, given):
    """The answer to a call of the method; `None`, with the reason told, if it failed."""
    done.add(name)
    function = getattr(sdk, name, None)
    if function is None:
        told["without_method"].append(name)
        return None
    parts = served[name]["path"].split("/")
    needed = [part.strip("{}") for part in parts if part.startswith("{")]
    try:
        arguments = {one: known[one] for one in needed if one not in given} | filled(given)
        lists = {one: model.DelimSequence(value) for one, value in arguments.items() if isinstance(value, list)}
        if isinstance(arguments.get("body"), (dict, list)):
            lists["body"] = typed(arguments["body"], function)
        answer = function(**arguments | lists)
        unknown = [*strange(answer, name)]
        if isinstance(answer, (list, tuple, model.Model)):
            unknown += unread(json.loads(last["response_body"]), answer, name)
        assert not unknown, f"unknown to the SDK: {unknown}"
        return answer
    except error.SDKError as refusal:
        told["failed"][name] = refusal.message
    except Exception as trouble:  # The SDK could not make its types of the body or of the answer.
        told["failed"][name] = f"{type(trouble).__name__}: {trouble}"[:300]
    return None


def take_step(name, given, wanted):
    """Make one call of the list, and remember what is wanted of its answer."""
    answer = call(name, given)
    if answer is None:
        return
    for label, path in wanted.items():
        found = plain(answer)
        for part in path.split("."):
            found = found[int(part) if part.isdigit() else part]
        known[label] = found


def of_methods(verbs):
    """The operations by these verbs that no step calls."""
    listed = {step[0] for step in steps["before"] + steps["not_there"] + steps["after"]}
    return [one for one in served.values() if one["method"] in verbs and one["id"] not in listed]


def sweep():
    """Call what only reads, and write what was read back, which changes nothing."""
    read = {}
    for operation in of_methods({"GET"}):
        answer = call(operation["id"], {})
        if answer is not None:
            read[operation["path"]] = (operation["id"], answer)
    told["read"] = len(read)
    for operation in of_methods({"PUT", "PATCH"}):
        name = operation["id"]
        if operation["path"] not in read:
            told["failed"][name] = "there is nothing to write back, so that it has to be a step"
            continue
        source, before = read[operation["path"]]
        if call(name, {"body": before}) is None:
            continue
        told["written_back"] += 1
        before, after = settled(plain(before)), settled(plain(call(source, {})))
        lost = [field for field in before if before[field] != after.get(field)]
        if lost:
            told["lost"][name] = lost


def settled(value):
    """The value without what changes by itself."""
    if isinstance(value, dict):
        return {name: settled(one) for name, one in value.items() if name not in steps["changing"]}
    return [settled(one) for one in value] if isinstance(value, list) else value


def miss(name, given):
    """Call for what there is none of, which Looker answers with 404."""
    call(name, given)
    if told["failed"].pop(name, "answered") != "Not found":
        told["failed"][name] = "there is such a thing, so that it has to be a step"


def reader_of(name):
    """The operation that shows what this one deletes."""
    same = [one["id"] for one in served.values() if one["path"] == served[name]["path"] and one["method"] == "GET"]
    return same[0] if same and served[name]["method"] == "DELETE" else None


for step in steps["before"]:
    take_step(*step)
sweep()
for name, given, _why in steps["not_there"]:
    miss(name, given)
for step in steps["after"]:
    take_step(*step)
    deleted = reader_of(step[0])
    if deleted:
        miss(deleted, step[1])
told["not_called"] = sorted(served.keys() - done)
print(json.dumps(told))
