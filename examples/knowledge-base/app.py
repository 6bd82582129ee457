"""The chatbot's backend: it reads pages, and answers with what it knows."""

from io import BytesIO
from threading import BoundedSemaphore

from flask import Flask, Response, abort, jsonify, request
from PIL import Image, ImageOps

from knowledge import Knowledge
from reader import reader


def create_app() -> Flask:
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = 20_000_000
    knowledge, pages = Knowledge(), reader()
    # A page takes long: some of gunicorn's threads stay free, so that health is told meanwhile.
    room = BoundedSemaphore(2)

    @app.get("/health")
    def health() -> Response:
        return jsonify(status="ok", passages=len(knowledge.passages), reader=pages.name)

    @app.post("/pages")
    def learn() -> Response:
        """A photograph or scan, as the body of the request."""
        try:
            # The way up that the camera notes.
            page = ImageOps.exif_transpose(Image.open(BytesIO(request.get_data()))).convert("RGB")
        except (OSError, Image.DecompressionBombError):
            abort(400, "that is no image")
        if not room.acquire(blocking=False):
            abort(503, "busy: try again")
        try:
            text = pages.read(page)
        finally:
            room.release()
        knowledge.learn(text)
        return jsonify(text=text)

    @app.get("/ask")
    def ask() -> Response:
        question = request.args.get("q", "").strip()
        if not question:
            abort(400, "the question is missing: /ask?q=…")
        return jsonify(question=question, answers=knowledge.answers(question))

    return app
