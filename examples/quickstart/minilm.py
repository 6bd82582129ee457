"""all-MiniLM-L6-v2 in NumPy: BERT's forward pass, then the mean of the tokens, at length one."""

import json
import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file
from tokenizers import Tokenizer

Array = NDArray[np.float32]

erf = np.vectorize(math.erf, otypes=[np.float32])


class MiniLM:
    def __init__(self, folder: str) -> None:
        files = Path(folder)
        config = json.loads((files / "config.json").read_text())
        limits = json.loads((files / "sentence_bert_config.json").read_text())
        self.layers: int = config["num_hidden_layers"]
        self.heads: int = config["num_attention_heads"]
        self.epsilon: float = config["layer_norm_eps"]
        self.weights: dict[str, Array] = load_file(files / "model.safetensors")
        self.tokenizer: Tokenizer = Tokenizer.from_file(str(files / "tokenizer.json"))
        self.tokenizer.enable_truncation(limits["max_seq_length"])
        self.tokenizer.enable_padding()

    def encode(self, sentences: list[str]) -> Array:
        """One row for each sentence; the dot product of two rows is their cosine similarity."""
        encodings = self.tokenizer.encode_batch(sentences)
        ids = np.array([encoding.ids for encoding in encodings])
        mask = np.array([encoding.attention_mask for encoding in encodings], np.float32)
        hidden = self._embed(ids)
        for layer in range(self.layers):
            hidden = self._transform(f"encoder.layer.{layer}", hidden, mask)
        mean = np.einsum("bth,bt->bh", hidden, mask) / mask.sum(axis=1, keepdims=True)
        return mean / np.linalg.norm(mean, axis=1, keepdims=True)

    def _embed(self, ids: NDArray[np.int64]) -> Array:
        words = self.weights["embeddings.word_embeddings.weight"][ids]
        positions = self.weights["embeddings.position_embeddings.weight"][: ids.shape[1]]
        segment = self.weights["embeddings.token_type_embeddings.weight"][0]
        return self._normalise("embeddings.LayerNorm", words + positions + segment)

    def _transform(self, layer: str, hidden: Array, mask: Array) -> Array:
        attended = self._linear(f"{layer}.attention.output.dense", self._attend(layer, hidden, mask))
        hidden = self._normalise(f"{layer}.attention.output.LayerNorm", hidden + attended)
        inner = self._linear(f"{layer}.intermediate.dense", hidden)
        gelu = inner * (1 + erf(inner / math.sqrt(2))) / 2
        outer = self._linear(f"{layer}.output.dense", gelu)
        return self._normalise(f"{layer}.output.LayerNorm", hidden + outer)

    def _attend(self, layer: str, hidden: Array, mask: Array) -> Array:
        batch, tokens, width = hidden.shape
        query, key, value = (
            self._linear(f"{layer}.attention.self.{name}", hidden)
            .reshape(batch, tokens, self.heads, -1)
            .swapaxes(1, 2)
            for name in ("query", "key", "value")
        )
        scores = query @ key.swapaxes(2, 3) / math.sqrt(width // self.heads)
        scores = np.where(mask[:, None, None, :] > 0, scores, -np.inf)
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        weights /= weights.sum(axis=-1, keepdims=True)
        return (weights @ value).swapaxes(1, 2).reshape(batch, tokens, width)

    def _linear(self, name: str, x: Array) -> Array:
        return x @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"]

    def _normalise(self, name: str, x: Array) -> Array:
        centred = x - x.mean(axis=-1, keepdims=True)
        deviation = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + self.epsilon)
        return centred / deviation * self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"]
