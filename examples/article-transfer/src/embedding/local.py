"""Embeddings by a model in the image, for who has no key for Gemini."""

import torch
from transformers import AutoModel, AutoTokenizer

MODEL = "sentence-transformers/all-MiniLM-L6-v2"
# So many at a time: each takes some megabytes while it is read.
AT_ONCE = 32


def embed(texts: list[str]) -> list[list[float]]:
    """A row of length one for each text: the mean of its tokens."""
    tokenizer, model = AutoTokenizer.from_pretrained(MODEL), AutoModel.from_pretrained(MODEL)
    rows = []
    for start in range(0, len(texts), AT_ONCE):
        batch = texts[start : start + AT_ONCE]
        tokens = tokenizer(batch, padding=True, truncation=True, return_tensors="pt")
        with torch.no_grad():
            hidden = model(**tokens).last_hidden_state
        mask = tokens["attention_mask"].unsqueeze(-1)
        mean = (hidden * mask).sum(dim=1) / mask.sum(dim=1)
        rows += torch.nn.functional.normalize(mean).tolist()
    return rows
