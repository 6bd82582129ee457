"""Step 2: which articles are about the same."""

import os

import numpy as np
import pandas as pd
from hdbscan import HDBSCAN
from sklearn.feature_extraction.text import TfidfVectorizer
from sqlalchemy import select, update

from src.database.db_setup import articles, database
from src.embedding import local
from src.gemini import gemini_client


def setting(name: str) -> int:
    return int(os.environ[name])


def run() -> pd.DataFrame:
    """Clusters all articles: for each cluster its size, whether it is hot, and what it is about."""
    with database().begin() as connection:
        table = pd.DataFrame(connection.execute(select(articles.c.id, articles.c.text)).all())
        embed = gemini_client.embed if gemini_client.is_available() else local.embed
        rows = np.array(embed(table["text"].tolist()))
        # Gemini's are of length one only with all of their dimensions.
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        table["cluster"] = HDBSCAN(min_cluster_size=setting("MIN_CLUSTER_SIZE")).fit_predict(rows)
        for number, cluster in zip(table["id"].tolist(), table["cluster"].tolist()):
            connection.execute(
                update(articles).where(articles.c.id == number).values(cluster=cluster)
            )
    clusters = table[table["cluster"] >= 0].groupby("cluster")["text"].agg(["size", list])
    clusters = clusters.sort_values("size", ascending=False)
    clusters["hot"] = clusters["size"] >= setting("HOT_CLUSTER_THRESHOLD")
    clusters["about"] = [
        about(texts, rank < setting("MAX_CLUSTERS_TO_INTERPRET"))
        for rank, texts in enumerate(clusters["list"])
    ]
    return clusters.drop(columns="list")


def about(texts: list[str], interpreted: bool) -> str:
    """In Gemini's words, else the words that weigh most in them."""
    wanted = interpreted and os.environ["INTERPRET_CLUSTERS"] == "true"
    if wanted and gemini_client.is_available():
        return gemini_client.interpret(texts[: setting("CLUSTER_SAMPLE_SIZE")])
    words = TfidfVectorizer(stop_words="english")
    weights = np.asarray(words.fit_transform(texts).sum(axis=0)).ravel()
    names = words.get_feature_names_out()
    return ", ".join(names[index] for index in weights.argsort()[::-1][:3])
