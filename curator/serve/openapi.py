"""The description of the service in OpenAPI 3.1, for programs and their makers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curator.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    from curator.serve.settings import ServeSettings

REFUSALS = {
    400: "The request is not understood: no picture, no address, or a broken form.",
    401: "The token is missing or wrong.",
    403: "Another site's page asks, or the address is not on the public internet.",
    408: "The body came too slowly.",
    413: "The picture has too many bytes or pixels.",
    422: "What came is no picture that can be decoded.",
    502: "The address gave nothing.",
    503: "Too much is in work; the header Retry-After says when to ask again.",
    504: "The address took too long.",
}


def document(classes: Sequence[str], settings: ServeSettings) -> dict[str, Any]:
    """All of it, with the classes of this model and the limits of this service."""
    guarded: dict[str, Any] = {"security": [{"token": []}]} if settings.token else {}
    top = {
        "name": "top",
        "in": "query",
        "description": "How many classes are told; all of them unless given.",
        "schema": {"type": "integer", "minimum": 1},
    }
    url = {
        "name": "url",
        "in": "query",
        "required": True,
        "description": "http or https, on the public internet.",
        "schema": {"type": "string", "format": "uri"},
    }
    schemas: dict[str, Any] = {
        "Answer": {
            "type": "object",
            "required": ["predictions", "none_of_these"],
            "properties": {
                "predictions": {
                    "type": "array",
                    "description": "Class and probability, likeliest first.",
                    "items": {
                        "type": "array",
                        "prefixItems": [
                            {"type": "string", "enum": list(classes)},
                            {"type": "number", "minimum": 0, "maximum": 1},
                        ],
                        "minItems": 2,
                        "maxItems": 2,
                    },
                },
                "none_of_these": {
                    "type": "boolean",
                    "description": "Whether the picture is like none of the classes.",
                },
                "sentence": {"type": "string"},
            },
        },
        "Refusal": {
            "type": "object",
            "required": ["error", "detail"],
            "properties": {"error": {"type": "string"}, "detail": {"type": "string"}},
        },
        "Answers": {
            "type": "object",
            "required": ["results"],
            "properties": {
                "results": {
                    "type": "array",
                    "items": {"anyOf": [_ref("Answer"), _ref("Refusal")]},
                }
            },
        },
    }
    one, several = _ref("Answer"), {"oneOf": [_ref("Answer"), _ref("Answers")]}
    return {
        "openapi": "3.1.0",
        "info": {"title": "An image classifier made with curator", "version": __version__},
        "paths": {
            "/classify": {
                "post": {
                    "summary": "Classify one or many pictures.",
                    "description": f"Of at most {settings.max_bytes:,} bytes each, "
                    f"{settings.max_files} in a form.",
                    "operationId": "classify",
                    "parameters": [top],
                    "requestBody": {
                        "required": True,
                        "content": {
                            "image/*": {"schema": {"type": "string", "format": "binary"}},
                            "multipart/form-data": {
                                "schema": {
                                    "type": "object",
                                    "properties": {
                                        "file": {
                                            "type": "array",
                                            "items": {"type": "string", "format": "binary"},
                                        }
                                    },
                                }
                            },
                        },
                    },
                    "responses": _responses(several, (400, 401, 403, 408, 413, 422, 503)),
                    **guarded,
                }
            },
            "/classify-url": {
                "get": {
                    "summary": "Fetch a picture and classify it.",
                    "operationId": "classifyUrl",
                    "parameters": [url, top],
                    "responses": _responses(one, (400, 401, 403, 413, 422, 502, 503, 504)),
                    **guarded,
                }
            },
            "/healthz": {"get": _plain("Whether it answers, and from which model.", "health")},
            "/metrics": {
                "get": {**_plain("Figures for Prometheus.", "metrics", "text/plain"), **guarded}
            },
        },
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _responses(schema: dict[str, Any], refusals: tuple[int, ...]) -> dict[str, Any]:
    refusal = {"application/json": {"schema": _ref("Refusal")}}
    return {
        "200": {"description": "The answer.", "content": {"application/json": {"schema": schema}}},
        **{
            str(status): {"description": REFUSALS[status], "content": refusal}
            for status in refusals
        },
    }


def _plain(summary: str, name: str, kind: str = "application/json") -> dict[str, Any]:
    content: dict[str, Any] = {kind: {}}
    return {
        "summary": summary,
        "operationId": name,
        "responses": {"200": {"description": summary, "content": content}},
    }
