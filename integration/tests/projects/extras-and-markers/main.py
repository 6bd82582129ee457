import importlib.util

import dask.dataframe
import httpx
import pandas

for absent in ["ruff", "tomli", "importlib_metadata", "win32api"]:
    assert importlib.util.find_spec(absent) is None, absent
frame = dask.dataframe.from_pandas(pandas.DataFrame({"x": [1, 2, 3]}), npartitions=2)
assert frame.x.sum().compute() == 6
httpx.Client(http2=True)
print("works")
