"""Step 1: who and what the articles name."""

import spacy
from sqlalchemy import select, update

from src.database.db_setup import articles, database


def run() -> int:
    """Finds the entities of all articles that have none yet, and says how many these were."""
    pipeline = spacy.load("en_core_web_lg")
    with database().begin() as connection:
        new = connection.execute(
            select(articles.c.id, articles.c.text).where(articles.c.entities.is_(None))
        ).all()
        for number, text in new:
            entities = [f"{entity.text} ({entity.label_})" for entity in pipeline(text).ents]
            connection.execute(
                update(articles).where(articles.c.id == number).values(entities=entities)
            )
    return len(new)
