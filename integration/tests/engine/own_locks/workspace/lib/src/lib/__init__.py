import mdurl
import six

TEXT = f"{six.__name__} {mdurl.__name__}"
