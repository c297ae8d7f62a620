"""What Schemathesis is told beyond the OpenAPI document: ids of things that are there, and which deviations are meant.

It knows the form of an id, not one that exists, so that nearly all of what it makes would end as 404 before anything is
tried. And it knows what is well formed, not what is allowed: the rules that a schema cannot say are in EXPLAINED, each with
its reason. Anything else that deviates fails the run.
"""

import json
import os
import uuid
from typing import NamedTuple

import schemathesis
from hypothesis import strategies as st

ORDERS = os.environ["FUZZ_ORDERS"].split()
PRODUCTS = os.environ["FUZZ_PRODUCTS"].split()


class Explained(NamedTuple):
    """A refusal of what the schema allows: where (None is everywhere), by which problem, what it says, and why."""

    operation: str | None
    code: str
    field: str | None
    message: str
    reason: str


EXPLAINED = [
    Explained(
        "POST /api/v1/orders",
        "unknown_product",
        None,
        "is not a product of the catalog",
        "an id that is well formed need not be one of a product",
    ),
    Explained(
        "POST /api/v1/orders",
        "invalid_body",
        None,
        "twice",
        "two lines of one order name different products; a schema cannot compare them",
    ),
    Explained(
        None,
        "invalid_parameter",
        "cursor",
        "must be a next_cursor as it was given out",
        "a cursor is opaque: only what was given out is one",
    ),
    Explained(
        "PATCH /api/v1/products/{id}",
        "invalid_body",
        "stock_delta",
        "must not bring the stock",
        "the bound is on the sum with what is there, which a schema does not know",
    ),
    Explained(
        None,
        "invalid_body",
        None,
        "invalid type: floating point",
        "JSON Schema takes 2.0 for an integer; money and pieces are written without a fraction",
    ),
]


def explains(entry, operation, problem):
    if entry.operation not in (None, operation) or entry.code != problem.get("code"):
        return False
    errors = problem.get("errors") or [{}]
    # Everything that it complains of has to be explained: nothing hides behind a known deviation.
    return all(
        entry.field in (None, error.get("field")) and entry.message in error.get("message", "")
        for error in errors
    )


@schemathesis.hook
def filter_failure(context, failure, case, response):
    if type(failure).__name__ != "RejectedPositiveData":
        return True
    try:
        problem = response.json()
    except (json.JSONDecodeError, UnicodeDecodeError):
        return True
    return not any(explains(entry, case.operation.label, problem) for entry in EXPLAINED)


def is_id(value):
    """Whether it has the form of an id. What was broken on purpose stays broken."""
    try:
        return isinstance(value, str) and str(uuid.UUID(value)) == value.lower()
    except ValueError:
        return False


@schemathesis.hook
def flatmap_path_parameters(context, path_parameters):
    path = context.operation.path if context.operation else ""
    known = ORDERS if path.startswith("/api/v1/orders/") else PRODUCTS if path.startswith("/api/v1/products/") else []
    if not known or not isinstance(path_parameters, dict) or not is_id(path_parameters.get("id")):
        return st.just(path_parameters)
    there = st.sampled_from(known).map(lambda one: {**path_parameters, "id": one})
    return st.one_of(there, there, st.just(path_parameters))


@schemathesis.hook
def flatmap_body(context, body):
    operation = context.operation.label if context.operation else ""
    items = body.get("items") if isinstance(body, dict) else None
    if operation != "POST /api/v1/orders" or not isinstance(items, list):
        return st.just(body)
    if not all(isinstance(item, dict) and is_id(item.get("product_id")) for item in items):
        return st.just(body)

    def filled(first):
        named = [
            {**item, "product_id": PRODUCTS[(first + place) % len(PRODUCTS)]}
            for place, item in enumerate(items)
        ]
        return {**body, "items": named}

    there = st.integers(0, len(PRODUCTS) - 1).map(filled)
    return st.one_of(there, there, st.just(body))
