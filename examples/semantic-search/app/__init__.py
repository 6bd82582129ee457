"""The library's backend: its books, and a search that understands what is asked for."""

from flask import Flask, Response, abort, jsonify, request

from .semantic_search import SemanticSearch

MOST = 20


def create_app() -> Flask:
    app = Flask(__name__)
    search = SemanticSearch()

    @app.get("/health")
    def health() -> Response:
        return jsonify(status="ok", books=len(search.books))

    @app.get("/search")
    def find() -> Response:
        query = request.args.get("q", "").strip()
        if not query:
            abort(400, "what is to be searched for is missing: /search?q=…")
        limit = max(1, min(request.args.get("limit", 5, type=int), MOST))
        return jsonify(query=query, books=search.find(query, limit))

    return app
