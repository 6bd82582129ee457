from fastapi import FastAPI
from fastapi.testclient import TestClient
from pwdlib import PasswordHash
from sqlmodel import Field, Session, SQLModel, create_engine, select

app = FastAPI()


class Item(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str


engine = create_engine("sqlite:////tmp/items.db")


@app.get("/items")
def items() -> list[str]:
    with Session(engine) as session:
        return [item.name for item in session.exec(select(Item))]


if __name__ == "__main__":
    SQLModel.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(Item(name="works"))
        session.commit()
    hasher = PasswordHash.recommended()
    assert hasher.verify("secret", hasher.hash("secret"))
    print(*TestClient(app).get("/items").json())
