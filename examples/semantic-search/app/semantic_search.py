"""Books by what they are about: the nearest in meaning, by all-MiniLM-L6-v2."""

import json
from pathlib import Path

from sentence_transformers import SentenceTransformer

MODEL = "sentence-transformers/all-MiniLM-L6-v2"
CATALOGUE = Path(__file__).with_name("books.json")


class SemanticSearch:
    def __init__(self) -> None:
        self.books: list[dict[str, str]] = json.loads(CATALOGUE.read_text())
        # The image is offline: what is loaded here was put there by the build.
        self.model = SentenceTransformer(MODEL, device="cpu")
        self.embeddings = self._embed([f"{book['title']}. {book['about']}" for book in self.books])

    def find(self, query: str, limit: int) -> list[dict[str, str | float]]:
        """The books nearest to the query, the nearest first, each with its similarity."""
        similarities = self.embeddings @ self._embed([query])[0]
        nearest = similarities.argsort()[::-1][:limit]
        return [
            {**self.books[place], "similarity": round(float(similarities[place]), 3)}
            for place in nearest
        ]

    def _embed(self, texts: list[str]):
        return self.model.encode(texts, normalize_embeddings=True)
