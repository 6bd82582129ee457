"""Makes the tables, once the database answers."""

import os
import time

from sqlalchemy import JSON, URL, Column, Engine, Integer, MetaData, Table, Text, create_engine
from sqlalchemy.exc import OperationalError

tables = MetaData()
articles = Table(
    "articles",
    tables,
    Column("id", Integer, primary_key=True),
    Column("text", Text, nullable=False),
    Column("entities", JSON(none_as_null=True)),
    Column("cluster", Integer),
)


def database() -> Engine:
    """The reader's database: PostgreSQL, or whatever READER_DB_URL names."""
    env = os.environ
    if url := env.get("READER_DB_URL"):
        return create_engine(url)
    postgres = URL.create(
        "postgresql+psycopg",
        env["READER_DB_USER"],
        env["READER_DB_PASSWORD"],
        env["READER_DB_HOST"],
        int(env["READER_DB_PORT"]),
        env["READER_DB_NAME"],
    )
    return create_engine(postgres)


def main() -> None:
    patience = int(os.environ["WAIT_SECONDS"]) if os.environ["WAIT_FOR_DB"] == "true" else 0
    deadline = time.monotonic() + patience
    while True:
        try:
            tables.create_all(database())
            break
        except OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(1)
    print("the database is ready:", *sorted(tables.tables))


if __name__ == "__main__":
    main()
