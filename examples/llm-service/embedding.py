"""Texts as vectors, by sentence-transformers."""

from sentence_transformers import SentenceTransformer

MODEL = "sentence-transformers/all-MiniLM-L6-v2"


class Embedder:
    def __init__(self) -> None:
        self.model = SentenceTransformer(MODEL, device="cpu")

    def embed(self, text: str) -> list[float]:
        return self.model.encode(text, normalize_embeddings=True).tolist()
