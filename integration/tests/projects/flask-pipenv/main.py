from flask import Flask
from flask_sqlalchemy import SQLAlchemy

app = Flask(__name__, instance_path="/tmp")
app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite://"
db = SQLAlchemy(app)


@app.get("/")
def index():
    return db.session.execute(db.text("select 'works'")).scalar()


print(app.test_client().get("/").text)
