"""Takes articles from standard input, one a line, and runs the steps over them."""

import logging
import os
import sys

from sqlalchemy import insert

from src.database.db_setup import articles, database
from src.steps import step1, step2


def main() -> None:
    logging.basicConfig(
        level=os.environ["LOG_LEVEL"],
        handlers=[logging.StreamHandler(sys.stdout), logging.FileHandler("logs/transfer.log")],
        format="%(message)s",
    )
    log = logging.getLogger("article-transfer")
    texts = [line.strip() for line in sys.stdin if line.strip()]
    with database().begin() as connection:
        if texts:
            connection.execute(insert(articles), [{"text": text} for text in texts])
    log.info("step 1: entities of %d articles", step1.run())
    if os.environ["RUN_CLUSTERING_STEP"] == "true":
        log.info("step 2: clusters\n%s", step2.run().to_string())


if __name__ == "__main__":
    main()
