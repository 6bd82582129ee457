"""Pages as text: with formulas, by Pix2Text, or without, by Tesseract, whichever is installed."""

from importlib.util import find_spec
from pathlib import Path
from threading import Lock

from PIL.Image import Image


class Formulas:
    name = "Pix2Text"

    def __init__(self) -> None:
        from pix2text import Pix2Text

        self.pix2text = Pix2Text.from_config()
        self.lock = Lock()

    def read(self, page: Image) -> str:
        with self.lock:
            return self.pix2text.recognize_text_formula(page, return_text=True)


class Text:
    name = "Tesseract"

    def __init__(self) -> None:
        from tesserocr import PyTessBaseAPI

        self.tesseract = PyTessBaseAPI(path=str(Path.home() / ".tessdata"), lang="eng")
        self.lock = Lock()

    def read(self, page: Image) -> str:
        # It holds one page at a time.
        with self.lock:
            self.tesseract.SetImage(page)
            return self.tesseract.GetUTF8Text()


def reader() -> Formulas | Text:
    return Formulas() if find_spec("pix2text") else Text()
