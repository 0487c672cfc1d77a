"""Holds answers of a server to an OpenAPI 3.1 file: openapi_check.py openapi.json answers.ndjson

A line is {"method", "pattern", "status", "type", "body"}. Prints every disagreement; exit code 1 if there is one.
"""
import json
import sys

import jsonschema


def resolve(document, node):
    while isinstance(node, dict) and "$ref" in node:
        target = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


def references(node):
    if isinstance(node, dict):
        if "$ref" in node:
            yield node
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def problems_of_document(document):
    for node in references(document):
        try:
            resolve(document, node)
        except KeyError:
            yield f"nothing at {node['$ref']}"
    for name, schema in document["components"]["schemas"].items():
        try:
            jsonschema.Draft202012Validator.check_schema(schema)
        except jsonschema.SchemaError as error:
            yield f"schema {name}: {error.message}"
    for path, item in document["paths"].items():
        named = {part[1:-1] for part in path.split("/") if part.startswith("{")}
        declared = {one["name"] for one in item.get("parameters", []) if one["in"] == "path"}
        if named != declared:
            yield f"{path}: path parameters {sorted(named)} are described as {sorted(declared)}"


def problem_of_answer(document, answer):
    place = f"{answer['method']} {answer['pattern']} {answer['status']}"
    head = answer["method"] == "HEAD"
    method = "get" if head else answer["method"].lower()
    operation = document["paths"].get(answer["pattern"], {}).get(method)
    if operation is None:
        return f"{place}: not described"
    responses = operation["responses"]
    status = str(answer["status"])
    if status not in responses and answer["status"] < 400:
        return f"{place}: this status is not described"
    response = resolve(document, responses.get(status, responses.get("default")))
    contents = response.get("content")
    if contents is None:
        return f"{place}: a body that is not described" if answer["body"] else None
    kind = answer["type"].split(";")[0]
    if kind not in contents:
        return f"{place}: content type '{kind}', described is {list(contents)}"
    if head or kind not in ("application/json", "application/problem+json"):
        return None
    resolver = jsonschema.RefResolver("", document)
    validator = jsonschema.Draft202012Validator(contents[kind]["schema"], resolver=resolver)
    errors = [f"{place}: {error.json_path}: {error.message}"
              for error in validator.iter_errors(json.loads(answer["body"]))]
    return "\n".join(errors) or None


def main():
    document = json.load(open(sys.argv[1], encoding="utf-8"))
    found = list(problems_of_document(document))
    with open(sys.argv[2], encoding="utf-8") as lines:
        found += filter(None, (problem_of_answer(document, json.loads(line)) for line in lines))
    print("\n".join(dict.fromkeys(found)))
    return 1 if found else 0


sys.exit(main())
