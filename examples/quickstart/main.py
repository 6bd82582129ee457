"""Print how similar some sentences are in meaning: all to all, or those given as arguments."""

import sys

from huggingface_hub import snapshot_download

from minilm import MiniLM

MODEL = "sentence-transformers/all-MiniLM-L6-v2"
SENTENCES = [
    "The weather is lovely today.",
    "It's so sunny outside!",
    "He drove to the stadium.",
    "A man is eating food.",
    "A man eats pasta.",
]


def main() -> None:
    sentences = sys.argv[1:] or SENTENCES
    # The image sets HF_HUB_OFFLINE: what is loaded here was put there by the build.
    embeddings = MiniLM(snapshot_download(MODEL)).encode(sentences)
    width = max(map(len, sentences))
    for sentence, similarities in zip(sentences, embeddings @ embeddings.T):
        print(f"{sentence:{width}}", *(f"{similarity:7.3f}" for similarity in similarities))


if __name__ == "__main__":
    main()
