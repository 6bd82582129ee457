import duckdb
import polars
from litestar import Litestar, get
from litestar.testing import TestClient


@get("/")
async def index() -> str:
    frame = polars.DataFrame({"word": ["works"]})
    frame.write_excel("/tmp/words.xlsx")
    polars.read_excel("/tmp/words.xlsx")
    return duckdb.execute("select 'works'").fetchone()[0]


with TestClient(Litestar([index])) as client:
    print(client.get("/").text)
