"""What is known, passage by passage, and which of it answers a question."""

import os
from pathlib import Path
from threading import Lock

import numpy as np
from sentence_transformers import SentenceTransformer

# By its name: in the image it is there, and in development it is downloaded if it is missing.
MODEL = os.environ.get("EMBEDDING_MODEL", "sentence-transformers/all-MiniLM-L6-v2")
NOTES = Path(__file__).with_name("notes")


class Knowledge:
    def __init__(self) -> None:
        self.model = SentenceTransformer(MODEL, device="cpu")
        self.lock = Lock()
        self.passages: list[str] = []
        self.embeddings = np.empty((0, self._embed(["size"]).shape[1]), np.float32)
        for note in sorted(NOTES.glob("*.md")):
            self.learn(note.read_text())

    def learn(self, text: str) -> None:
        """Each paragraph is a passage."""
        passages = [" ".join(part.split()) for part in text.split("\n\n") if part.strip()]
        if passages:
            embeddings = self._embed(passages)
            with self.lock:
                self.passages += passages
                self.embeddings = np.concatenate([self.embeddings, embeddings])

    def answers(self, question: str, limit: int = 3) -> list[dict[str, str | float]]:
        """The passages nearest to the question, the nearest first."""
        near = self.embeddings @ self._embed([question])[0]
        return [
            {"passage": self.passages[place], "similarity": round(float(near[place]), 3)}
            for place in near.argsort()[::-1][:limit]
        ]

    def _embed(self, texts: list[str]) -> np.ndarray:
        return self.model.encode(texts, normalize_embeddings=True)
