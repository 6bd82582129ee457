"""Passages of a folder of documents, found by what they mean."""

from pathlib import Path

from sentence_transformers import SentenceTransformer

MODEL = "sentence-transformers/all-MiniLM-L6-v2"


class Passages:
    def __init__(self, folder: Path) -> None:
        texts = [file.read_text() for file in sorted(folder.glob("*.md"))]
        self.texts = [part.strip() for text in texts for part in text.split("\n\n") if part.strip()]
        # The image is offline: the model was put there by the build.
        self.model = SentenceTransformer(MODEL, device="cpu")
        self.embeddings = self.model.encode(self.texts, normalize_embeddings=True)

    def nearest(self, question: str, count: int = 2) -> list[str]:
        """The passages that are nearest in meaning, the nearest first."""
        embedding = self.model.encode(question, normalize_embeddings=True)
        order = (self.embeddings @ embedding).argsort()[::-1]
        return [self.texts[index] for index in order[:count]]
