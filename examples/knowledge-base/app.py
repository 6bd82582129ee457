"""The chatbot's backend: it reads pages, and answers with what it knows."""

from io import BytesIO

from flask import Flask, Response, abort, jsonify, request
from PIL import Image, UnidentifiedImageError

from knowledge import Knowledge
from reader import reader


def create_app() -> Flask:
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = 20_000_000
    knowledge, pages = Knowledge(), reader()

    @app.get("/health")
    def health() -> Response:
        return jsonify(status="ok", passages=len(knowledge.passages), reader=pages.name)

    @app.post("/pages")
    def learn() -> Response:
        """A photograph or scan, as the body of the request."""
        try:
            text = pages.read(Image.open(BytesIO(request.get_data())).convert("RGB"))
        except UnidentifiedImageError:
            abort(400, "that is no image")
        knowledge.learn(text)
        return jsonify(text=text)

    @app.get("/ask")
    def ask() -> Response:
        question = request.args.get("q", "").strip()
        if not question:
            abort(400, "the question is missing: /ask?q=…")
        return jsonify(question=question, answers=knowledge.answers(question))

    return app
